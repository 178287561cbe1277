// --log-level: the verifier's log of programs that it accepts.
#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

TEST_CASE("the verifier's log of a program that is accepted is shown when asked for", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::string load = loader() + " -q --no-attach " + prog("chapter3/hello.bpf.o");
    CHECK(run(load).err.empty());
    const Said work = run(load + " --log-level 4");
    CHECK(work.status == 0);
    CHECK_THAT(work.err, contains("loader: the verifier on hello:\n"));
    CHECK_THAT(work.err, contains("processed "));
    CHECK(work.err.find("call bpf_trace_printk#6") == std::string::npos);
    const Said all = run(load + " --log-level 2");
    CHECK_THAT(all.err, contains("call bpf_trace_printk#6"));
    CHECK_THAT(all.err, contains("R10=fp0"));
    CHECK(run(load + " --log-level 8").status == 2);
    CHECK(run(load + " --log-level loud").status == 2);
}
