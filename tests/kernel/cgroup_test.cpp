// Every cgroup hook on the running kernel: this process goes into a group of its own, does what the hook is for, and
// the program's counter says whether it ran.
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/cgroup_events.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/network.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

struct CgroupCase {
    const char* program;
    std::function<void()> provoke;
};

const std::vector<CgroupCase> ipv4_cases = {
    {"on_egress", talk_to_itself<sockaddr_in>},
    {"on_ingress", talk_to_itself<sockaddr_in>},
    {"on_sock_create", talk_to_itself<sockaddr_in>},
    {"on_sock_release", talk_to_itself<sockaddr_in>},
    {"on_post_bind4", talk_to_itself<sockaddr_in>},
    {"on_bind4", talk_to_itself<sockaddr_in>},
    {"on_connect4", talk_to_itself<sockaddr_in>},
    {"on_sendmsg4", talk_to_itself<sockaddr_in>},
    {"on_recvmsg4", talk_to_itself<sockaddr_in>},
    {"on_getpeername4", talk_to_itself<sockaddr_in>},
    {"on_getsockname4", talk_to_itself<sockaddr_in>},
    {"on_getsockopt", set_and_get_option},
    {"on_setsockopt", set_and_get_option},
    {"on_sysctl", read_sysctl},
    {"on_device", open_device},
    {"on_sockops", connect_tcp},
};

const std::vector<CgroupCase> ipv6_cases = {
    {"on_post_bind6", talk_to_itself<sockaddr_in6>},   {"on_bind6", talk_to_itself<sockaddr_in6>},
    {"on_connect6", talk_to_itself<sockaddr_in6>},     {"on_sendmsg6", talk_to_itself<sockaddr_in6>},
    {"on_recvmsg6", talk_to_itself<sockaddr_in6>},     {"on_getpeername6", talk_to_itself<sockaddr_in6>},
    {"on_getsockname6", talk_to_itself<sockaddr_in6>},
};

Hook cgroup_hook(const Program& program, const TestCgroup& cgroup) {
    Hook hook = program.spec().kind.hook;
    hook.target = cgroup.path();
    return hook;
}

// A cgroup's number is that of its directory.
std::string cgroup_target(const Program& program, const TestCgroup& cgroup) {
    struct stat directory {};
    require_ok(stat(cgroup.path().c_str(), &directory) == 0, "stat");
    const auto type = static_cast<bpf_attach_type>(program.spec().kind.expected_attach_type);
    return "cgroup " + std::to_string(directory.st_ino) + " " + attach_type_text(type);
}

void check_all(const std::vector<CgroupCase>& cases, const TestCgroup& cgroup,
               const std::string& object_name = "network_hooks") {
    LiveGate gate;
    for (const CgroupCase& tried : cases) {
        INFO(tried.program);
        Object object = load(gate, data(object_name), {.programs = {tried.program}});
        const Program& program = object.require_program(tried.program);
        const Hook hook = cgroup_hook(program, cgroup);
        const Holdings before = holdings();
        for (const AttachBy by : {AttachBy::usual, AttachBy::link, AttachBy::older}) {
            std::uint64_t seen = hits(object);
            tried.provoke();
            CHECK(hits(object) == seen);
            {
                const Link link = attach(gate, program, parse_hook(hook_text(hook)), {.by = by});
                if (by == AttachBy::link) CHECK(target_of(gate, link) == cgroup_target(program, cgroup));
                tried.provoke();
                CHECK(hits(object) > seen);
            }
            seen = hits(object);
            tried.provoke();
            CHECK(hits(object) == seen);
            CHECK(holdings() == before);
        }
    }
}

}  // namespace

TEST_CASE("every cgroup hook runs its program for the processes of the group", "[attach][network][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    const TestCgroup cgroup;
    check_all(ipv4_cases, cgroup);
}

TEST_CASE("the cgroup hooks of IPv6 run their programs", "[attach][network][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    skip_unless_kernel_has("IPv6", std::filesystem::exists("/proc/sys/net/ipv6"));
    std::ofstream("/proc/sys/net/ipv6/conf/lo/disable_ipv6") << 0;
    const TestCgroup cgroup;
    check_all(ipv6_cases, cgroup);
}

TEST_CASE("several programs of one cgroup run in the order in which they were attached", "[attach][network][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    const TestCgroup cgroup;
    LiveGate gate;
    Object object = load(gate, data("network_hooks"), {.programs = {"first_egress", "second_egress"}});
    const Program& first = object.require_program("first_egress");
    const Program& second = object.require_program("second_egress");
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        const Link one = attach(gate, first, cgroup_hook(first, cgroup), {.by = by});
        const Link two = attach(gate, second, cgroup_hook(second, cgroup), {.by = by});
        send_datagram();
        CHECK(variable<std::uint64_t>(object, "order") % 100 == 12);
    }
}

namespace {

// Puts second_egress there, and first_egress before it. False when the kernel knows no order.
bool attach_before(KernelGate& gate, Object& object, const TestCgroup& cgroup, AttachBy by, std::vector<Link>& links) {
    const Program& first = object.require_program("first_egress");
    const Program& second = object.require_program("second_egress");
    links.push_back(attach(gate, second, cgroup_hook(second, cgroup), {.by = by}));
    AttachOptions options{.by = by};
    constexpr std::uint32_t before = 1u << 3;  // BPF_F_BEFORE
    options.order = by == AttachBy::link
                        ? AttachOrder{.flags = before | uapi::BPF_F_LINK, .relative_fd = links.front().link_fd()}
                        : AttachOrder{.flags = before, .relative_fd = second.fd()};
    try {
        links.push_back(attach(gate, first, cgroup_hook(first, cgroup), options));
    } catch (const Error& error) {
        CHECK(error.detail().code == EINVAL);
        return false;
    }
    return true;
}

}  // namespace

TEST_CASE("since Linux 6.17 a program of a cgroup can come before one that is there", "[attach][network][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    bool has_order = true;
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        const TestCgroup cgroup;
        LiveGate gate;
        Object object = load(gate, data("network_hooks"), {.programs = {"first_egress", "second_egress"}});
        std::vector<Link> links;
        has_order = has_order && attach_before(gate, object, cgroup, by, links);
        if (!has_order) continue;
        send_datagram();
        CHECK(variable<std::uint64_t>(object, "order") % 100 == 12);
    }
    skip_unless_kernel_has("order of cgroup programs", has_order);
}

TEST_CASE("a program that allows no others in its cgroup is in the way of the next, and the error says so",
          "[attach][network][cgroup]") {
    require_bpf();
    const TestCgroup cgroup;
    LiveGate gate;
    Object object = load(gate, data("network_hooks"), {.programs = {"first_egress", "second_egress"}});
    const Program& first = object.require_program("first_egress");
    AttachOptions alone{.by = AttachBy::older};
    alone.cgroup_flags = 0;
    const Link link = attach(gate, first, cgroup_hook(first, cgroup), alone);
    const Error error =
        error_of([&] { attach(gate, object.require_program("second_egress"), cgroup_hook(first, cgroup)); });
    CHECK(error.detail().code == EPERM);
    CHECK_THAT(error.detail().hint, contains("does not allow others"));
}

TEST_CASE("a cgroup that does not exist is the caller's mistake, with the command to type", "[attach][cgroup]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("network_hooks"), {.programs = {"on_egress"}});
    const Error error = error_of([&] {
        attach(gate, object.require_program("on_egress"), parse_hook("cgroup_skb/egress:/sys/fs/cgroup/no/such/group"));
    });
    CHECK(error.detail().code == ENOENT);
    CHECK_THAT(error.detail().hint, contains("mkdir /sys/fs/cgroup/no/such/group"));
}

TEST_CASE("an LSM program runs for the processes of one cgroup", "[attach][cgroup][lsm]") {
    require_lsm();
    const TestCgroup cgroup;
    LiveGate gate;
    Object object = load(gate, data("network_new_hooks"), {.programs = {"on_socket_create"}});
    const Program& program = object.require_program("on_socket_create");
    CHECK_THAT(error_of([&] { attach(gate, program); }).detail().hint, contains("lsm_cgroup:/sys/fs/cgroup/GROUP"));
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        std::uint64_t seen = hits(object);
        {
            const Link link = attach(gate, program, parse_hook("lsm_cgroup:" + cgroup.path()), {.by = by});
            if (by == AttachBy::link) CHECK(target_of(gate, link) == cgroup_target(program, cgroup));
            TestSocket(AF_INET, SOCK_DGRAM);
            // Twice, if the kernel has not yet taken away what called the program before (attach/lsm.cpp).
            const std::uint64_t runs = hits(object) - seen;
            CHECK((runs == 1 || runs == 2));
            seen = hits(object);
        }
        TestSocket(AF_INET, SOCK_DGRAM);
        CHECK(hits(object) == seen);
    }
}

namespace {

const std::vector<CgroupCase> unix_cases = {
    {"on_connect_unix", talk_over_unix_sockets},     {"on_sendmsg_unix", talk_over_unix_sockets},
    {"on_recvmsg_unix", talk_over_unix_sockets},     {"on_getpeername_unix", talk_over_unix_sockets},
    {"on_getsockname_unix", talk_over_unix_sockets},
};

}  // namespace

TEST_CASE("the cgroup hooks of Unix sockets run their programs", "[attach][network][cgroup]") {
    require_bpf();
    LiveGate gate;
    const std::string object = "network_new_hooks";
    skip_unless_kernel_has("cgroup hooks of Unix sockets", loads(gate, data(object), "on_connect_unix"));
    const TestCgroup cgroup;
    check_all(unix_cases, cgroup, object);
}

TEST_CASE("when any call fails, a cgroup has no program more than before", "[attach][network][cgroup][fault]") {
    require_bpf();
    NetworkNamespace network;
    const TestCgroup cgroup;
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        sweep_hook("network_hooks", "on_egress", "cgroup_skb/egress:" + cgroup.path(), by, [] { send_datagram(); });
        sweep_hook("network_hooks", "on_sysctl", "cgroup/sysctl:" + cgroup.path(), by, read_sysctl);
    }
}

TEST_CASE("when any call fails, a cgroup has no LSM program more than before", "[attach][cgroup][lsm][fault]") {
    require_lsm();
    const TestCgroup cgroup;
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        sweep_hook("network_new_hooks", "on_socket_create", "lsm_cgroup:" + cgroup.path(), by,
                   [] { TestSocket(AF_INET, SOCK_DGRAM); });
    }
}
