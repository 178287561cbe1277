// Network hooks from the command line, in a network namespace of the test's own.
#include <algorithm>
#include <chrono>
#include <future>
#include <regex>

#include <tests/catch.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/network.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

std::string hooks() {
    return (build_dir() / "tests/data/network_hooks.bpf.o").string();
}

std::string attaching(const std::string& program, const std::string& hook) {
    return " " + hooks() + " --program " + program + " --attach " + hook;
}

void require_root() {
    require_prerequisite(geteuid() == 0, "root");
}

}  // namespace

TEST_CASE("a network hook's narration is what strace prints, netlink included", "[cli][kernel][strace][network]") {
    require_root();
    require_prerequisite(run("command -v strace").status == 0, "strace");
    const NetworkNamespace network;
    for (const std::string& arguments :
         {attaching("on_xdp", "xdp:lo"), attaching("on_xdp", "xdp:lo,generic --older"),
          attaching("on_tc", "tc/ingress:lo"), attaching("on_tc", "tc/egress:lo,priority=9,handle=3"),
          attaching("on_socket", "socket:lo"), attaching("on_msg", "sk_msg:sockets"),
          attaching("on_dissection", "flow_dissector:/proc/self/ns/net")}) {
        INFO(arguments);
        const TemporaryDirectory directory;
        const std::string narration = (directory / "narration").string();
        const std::string real = (directory / "real").string();
        const std::string calls = "trace=socket,bind,setsockopt,sendto,recvfrom,ioctl,bpf";
        const Said said = run("strace -qq -o " + real + " -e " + calls + " " + loader() + " -q --trace=" + narration +
                              arguments + " -c true");
        INFO("standard error: " << said.err);
        skip_unless_kernel_has("clsact and bpf filters", said.status != 4);
        CHECK(said.status == 0);
        std::vector<std::string> narrated;
        for (const std::string& line : lines_of(text_file(narration))) {
            for (const char* call : {"socket(", "bind(", "setsockopt(", "sendto(", "recvfrom(", "ioctl(", "bpf("})
                if (line.starts_with(call)) narrated.push_back(line);
        }
        std::vector<std::string> expected;
        for (const std::string& line : lines_of(text_file(real)))
            if (!line.starts_with("---")) expected.push_back(line);
        CHECK(narrated.size() >= 5);
        const bool is_decoded =
            std::ranges::none_of(expected, [](const std::string& line) { return line.find("NLMSG_???") != line.npos; });
        skip_unless_kernel_has("netlink_diag", is_decoded);  // tells strace what kind of netlink it sees
        REQUIRE(narrated.size() == expected.size());
        for (std::size_t i = 0; i < narrated.size(); ++i) CHECK(narrated[i] == expected[i]);
    }
}

TEST_CASE("packets that a socket filter lets in are shown", "[cli][kernel][network]") {
    require_root();
    const NetworkNamespace network;
    std::future<Said> said = std::async(std::launch::async, [] {
        return run(loader() + " -q" + attaching("on_socket", "socket:lo") + " --count 1 --duration 20s");
    });
    while (said.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) send_datagram();
    const Said done = said.get();
    CHECK(done.status == 0);
    // Ethernet, IP and UDP headers, and "ping".
    CHECK_THAT(done.out, contains("on_socket at socket:lo: 46 bytes") && contains("ping|"));
}

TEST_CASE("what is wrong with a network hook tells the exit status", "[cli][kernel][network]") {
    require_root();
    const NetworkNamespace network;
    const auto attach = [](const std::string& program, const std::string& hook) {
        return run(loader() + " -q" + attaching(program, hook) + " -c true");
    };
    const Said missing = attach("on_xdp", "xdp:l0");
    CHECK(missing.status == 3);
    CHECK_THAT(missing.err, contains("the network interface l0") && contains("did you mean lo?"));
    const Said no_driver = attach("on_xdp", "xdp:lo,native");
    CHECK(no_driver.status == 4);
    CHECK_THAT(no_driver.err, contains("xdp:lo,generic"));
    CHECK(attach("on_xdp", "xdp:lo,fast").status == 2);
    CHECK(attach("on_tc", "tc/ingress:lo,prio=3").status == 2);
    CHECK(attach("on_tc", "tc/ingress:lo --link").status == 2);
    CHECK(attach("on_msg", "sk_msg:no_map").status == 3);
    CHECK(attach("on_egress", "cgroup_skb/egress:/no/such/group").status == 2);
    const Said no_target = run(loader() + " -q " + hooks() + " --program on_xdp -c true");
    CHECK(no_target.status == 2);
    CHECK_THAT(no_target.err, contains("xdp:"));
}

TEST_CASE("a program that is no hook's is put into a map's element by its name", "[cli][kernel][network]") {
    require_root();
    skip_unless_kernel_has("BTF", std::filesystem::exists("/sys/kernel/btf/vmlinux"));
    const NetworkNamespace network;
    const std::string object = (build_dir() / "tests/data/redirect.bpf.o").string();
    const Said bare = run(loader() + " -q " + object + " --program on_device -c true");
    CHECK(bare.status == 2);
    CHECK_THAT(bare.err, contains(".bpf_prog={.fd=on_device}"));
    const Said said = run(loader() + " " + object + " --attach to_processor=xdp:lo,generic" +
                          " --update 'ports[1]={.ifindex=1, .bpf_prog={.fd=on_device}}'" +
                          " --update 'processors[0]={.qsize=64, .bpf_prog={.fd = on_processor}}'" +
                          " --show ports --show processors -c true");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK(std::regex_search(said.out, std::regex(R"(ports: \[1\]=\{\.ifindex = 1, \.bpf_prog = \{\.fd = [1-9])")));
    CHECK(std::regex_search(said.out, std::regex(R"(processors: \[0\]=\{\.qsize = 64, .*\.fd = [1-9])")));
    CHECK(run(loader() + " -q " + object + " --attach to_processor=xdp:lo,generic" +
              " --update 'ports[1]={.ifindex=1, .bpf_prog={.fd=nobody}}' -c true")
              .status == 3);
}

TEST_CASE("a missing capability is named", "[cli][kernel][network]") {
    require_root();
    require_prerequisite(run("command -v setpriv").status == 0, "setpriv");
    const NetworkNamespace network;
    const Said no_raw =
        run("setpriv --bounding-set -net_raw " + loader() + " -q" + attaching("on_socket", "socket:lo") + " -c true");
    CHECK(no_raw.status == 4);
    CHECK_THAT(no_raw.err, contains("CAP_NET_RAW"));
    const Said no_admin = run("setpriv --bounding-set -net_admin,-sys_admin " + loader() + " -q" +
                              attaching("on_xdp", "xdp:lo,generic --older") + " -c true");
    CHECK(no_admin.status == 4);
    CHECK_THAT(no_admin.err, contains("CAP_NET_ADMIN is missing") && !contains("CAP_PERFMON"));
    const auto without = [](const std::string& capabilities, const std::string& arguments) {
        return run("setpriv --bounding-set -" + capabilities + ",-sys_admin " + loader() + " -q " + arguments +
                   " -c true");
    };
    const Said no_perfmon = without("perfmon", prog("hello.bpf.o"));
    CHECK(no_perfmon.status == 4);
    CHECK_THAT(no_perfmon.err, contains("CAP_PERFMON is missing") && !contains("CAP_NET_ADMIN"));
    const Said no_bpf = without("bpf,-perfmon", prog("hello.bpf.o"));
    CHECK(no_bpf.status == 4);
    CHECK_THAT(no_bpf.err, contains("CAP_BPF"));
    const Said by_link = without("net_admin", attaching("on_xdp", "xdp:lo,generic --link"));
    CHECK(by_link.status == 4);
    CHECK_THAT(by_link.err, contains("CAP_NET_ADMIN is missing") && !contains("CAP_PERFMON"));
    // Loads without the privilege, and cannot be attached.
    const TestCgroup cgroup;
    for (const char* way : {" --link", " --older"}) {
        const Said refused =
            without("net_admin", (build_dir() / "tests/data/every_section.bpf.o").string() +
                                     " --program cgroup_skb_egress_ --attach cgroup_skb/egress:" + cgroup.path() + way);
        CHECK(refused.status == 4);
        CHECK_THAT(refused.err, contains("attaching") && contains("CAP_NET_ADMIN is missing"));
    }
}
