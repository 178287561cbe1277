// A congestion control by the command: registered while it runs, taken by a connection, gone afterwards.
#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

TEST_CASE("the congestion control of progs is there while the command runs, and not afterwards",
          "[cli][kernel][struct_ops]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::string list = "cat /proc/sys/net/ipv4/tcp_available_congestion_control";
    const Said said = run(loader() + " -q " + prog("struct_ops/congestion.bpf.o") + " -c '" + list + "' --show .bss");
    INFO(said.err);
    // Its functions are called through trampolines, as fentry's programs are.
    skip_unless_kernel_has(
        "trampolines", said.err.find("ENOTSUPP") == std::string::npos && said.err.find("EPERM") == std::string::npos);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("minibpf_reno"));
    CHECK_THAT(said.out, contains("losses=0"));
    CHECK(run(list).out.find("minibpf_reno") == std::string::npos);
}
