#include <libminibpf/object/hook.hpp>

#include <algorithm>

#include <libminibpf/base/error.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/catch.hpp>
#include <tests/read_object.hpp>

using namespace minibpf;
using minibpf::test::contains;

namespace {

std::string hint_for(std::string_view section) {
    try {
        parse_section_name(section);
        return "no error";
    } catch (const Error& error) {
        CHECK(error.detail().blame == Blame::object);
        CHECK_THAT(error.detail().doing, contains(std::string(section)));
        return error.detail().hint;
    }
}

std::string usage_hint_for(std::string_view hook) {
    try {
        parse_hook(hook);
        return "no error";
    } catch (const Error& error) {
        CHECK(error.detail().blame == Blame::usage);
        return error.detail().hint;
    }
}

}  // namespace

TEST_CASE("a section name gives program type, attach type, hook and target", "[object]") {
    const ProgramKind probe = parse_section_name("kprobe/do_sys_openat2+0x10");
    CHECK(probe.type == BPF_PROG_TYPE_KPROBE);
    CHECK(probe.hook.kind == HookKind::kprobe);
    CHECK(probe.hook.target == "do_sys_openat2");
    CHECK(probe.hook.offset == 16);

    const ProgramKind bare = parse_section_name("kprobe");
    CHECK(bare.hook.kind == HookKind::kprobe);
    CHECK(bare.hook.target.empty());

    const ProgramKind tp = parse_section_name("tp/syscalls/sys_enter_execve");
    CHECK(tp.type == BPF_PROG_TYPE_TRACEPOINT);
    CHECK(tp.hook.target == "syscalls/sys_enter_execve");
    CHECK(tp.warning.empty());

    CHECK(parse_section_name("raw_tracepoint/sys_enter").type == BPF_PROG_TYPE_RAW_TRACEPOINT);
    CHECK(parse_section_name("raw_tp.w/x").type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE);
    CHECK(parse_section_name("fentry/vfs_read").expected_attach_type == BPF_TRACE_FENTRY);
    CHECK(parse_section_name("ksyscall/execve").hook.kind == HookKind::ksyscall);
    CHECK(parse_section_name("uprobe//bin/bash:readline+4").hook.target == "/bin/bash:readline");
    CHECK(parse_section_name("cgroup/connect4").expected_attach_type == BPF_CGROUP_INET4_CONNECT);
    CHECK(parse_section_name("tcx/egress").expected_attach_type == static_cast<bpf_attach_type>(uapi::BPF_TCX_EGRESS));
    CHECK(parse_section_name("socket").type == BPF_PROG_TYPE_SOCKET_FILTER);
}

TEST_CASE("sleepable, optional and multi-buffer programs are marked in their section's name", "[object]") {
    const ProgramKind kind = parse_section_name("?fentry.s/vfs_read");
    CHECK(kind.optional);
    CHECK(kind.sleepable);
    CHECK(kind.hook.target == "vfs_read");
    CHECK(parse_section_name("syscall").sleepable);
    CHECK(parse_section_name("xdp.frags").xdp_frags);
    CHECK(parse_section_name("xdp.frags").hook.kind == HookKind::xdp);
    CHECK_FALSE(parse_section_name("xdp").xdp_frags);
    CHECK(parse_section_name("xdp/devmap").expected_attach_type == BPF_XDP_DEVMAP);
}

TEST_CASE("old and loose spellings are understood, with what to write instead", "[object]") {
    CHECK_THAT(parse_section_name("xdp_pass").warning, contains("SEC(\"xdp\")"));
    CHECK(parse_section_name("xdp_pass").type == BPF_PROG_TYPE_XDP);
    CHECK_THAT(parse_section_name("socket/http_filter").warning, contains("SEC(\"socket\")"));
    CHECK_THAT(parse_section_name("classifier").warning, contains("SEC(\"tc\")"));
    CHECK(parse_section_name("action").type == BPF_PROG_TYPE_SCHED_ACT);
    CHECK_THAT(parse_section_name("tracepoint/sys_enter_execve").warning, contains("CATEGORY"));
    CHECK(parse_section_name("raw_tp/sys_enter").warning.empty());
}

TEST_CASE("an unknown section name suggests the nearest", "[object]") {
    CHECK(hint_for("kprob/do_unlinkat") == "did you mean 'kprobe/do_unlinkat'?");
    CHECK(hint_for("cgroup/bnd4") == "did you mean 'cgroup/bind4'?");
    CHECK(hint_for("tcx/ingres") == "did you mean 'tcx/ingress'?");
    CHECK(hint_for("completely different").empty());
    CHECK(find_program_kind("?lsm/path_chmod").has_value());
    CHECK_FALSE(find_program_kind("maps").has_value());
    CHECK_FALSE(find_program_kind("").has_value());
}

TEST_CASE("a program of every spelling is in an object, and is of its kind", "[object]") {
    const ObjectSpec object = minibpf::test::object_spec("tests/data/every_section.bpf.o");
    for (std::string_view spelling : section_name_spellings()) {
        if (spelling == "freplace" || spelling.starts_with("struct_ops")) continue;  // their objects are others
        INFO(spelling);
        const auto found = std::ranges::find_if(object.programs, [&](const ProgramSpec& program) {
            return program.section == spelling || program.section.starts_with(std::string(spelling) + "/");
        });
        REQUIRE(found != object.programs.end());
        const ProgramKind bare = parse_section_name(spelling);
        CHECK(found->kind.type == bare.type);
        CHECK(found->kind.expected_attach_type == bare.expected_attach_type);
        CHECK(found->kind.sleepable == bare.sleepable);
    }
}

TEST_CASE("every spelling of the table stands for a program type of its own row", "[object]") {
    for (std::string_view spelling : section_name_spellings()) {
        INFO(spelling);
        CHECK(find_program_kind(spelling).has_value());
        CHECK(parse_section_name(spelling).type != BPF_PROG_TYPE_UNSPEC);
    }
}

TEST_CASE("a hook on the command line is KIND:TARGET, and is written back so", "[object]") {
    const Hook probe = parse_hook("kprobe:do_sys_openat2+0x10");
    CHECK(probe.kind == HookKind::kprobe);
    CHECK(probe.target == "do_sys_openat2");
    CHECK(probe.offset == 0x10);
    for (const char* text : {"kprobe:do_sys_openat2+0x10", "tracepoint:syscalls/sys_enter_execve", "raw_tp:sys_enter",
                             "uprobe:/bin/bash:readline", "usdt:/path:provider:name", "xdp:eth0", "tcx/egress:eth0",
                             "tc/ingress:eth0", "cgroup_skb/egress:/sys/fs/cgroup/demo", "perf_event:cpu-clock@99",
                             "socket:eth0", "cgroup/connect6:/sys/fs/cgroup", "fentry:vfs_read"}) {
        CHECK(hook_text(parse_hook(text)) == text);
    }
    CHECK(parse_hook("uprobe:/lib/x.so:operator+").target == "/lib/x.so:operator+");
    CHECK(hook_text({}) == "none");
}

TEST_CASE("a hook that cannot be meant is refused with what to write", "[object]") {
    CHECK(usage_hint_for("kprob:x") == "did you mean 'kprobe'?");
    CHECK(usage_hint_for("kprobe/do_unlinkat") == "write KIND:TARGET, here kprobe:do_unlinkat");
    CHECK(usage_hint_for("kprobe") == "write kprobe:NAME");
    CHECK(usage_hint_for("tracepoint:") == "write tracepoint:CATEGORY/NAME");
    CHECK(usage_hint_for("tp:sys_enter_execve") == "write tp:CATEGORY/sys_enter_execve");
    CHECK(usage_hint_for("lwt_in:x").empty());
}

TEST_CASE("program types are named as bpftool names them", "[object]") {
    CHECK(program_type_name(BPF_PROG_TYPE_RAW_TRACEPOINT) == "raw_tracepoint");
    CHECK(program_type_name(BPF_PROG_TYPE_UNSPEC) == "unspec");
    CHECK(parse_program_type("tracepoint") == BPF_PROG_TYPE_TRACEPOINT);
    CHECK(parse_program_type("BPF_PROG_TYPE_SCHED_CLS") == BPF_PROG_TYPE_SCHED_CLS);
    CHECK(parse_program_type("XDP") == BPF_PROG_TYPE_XDP);
    CHECK(parse_program_type("raw_tp") == BPF_PROG_TYPE_RAW_TRACEPOINT);
    CHECK_THROWS_AS(parse_program_type("tracepont"), Error);
    CHECK_THROWS_AS(parse_program_type("unspec"), Error);
    CHECK(map_type_name(BPF_MAP_TYPE_HASH) == "hash");
    CHECK(map_type_name(BPF_MAP_TYPE_RINGBUF) == "ringbuf");
}

TEST_CASE("map types are named as bpftool names them", "[object]") {
    const ObjectSpec object = minibpf::test::object_spec("tests/data/every_map_type.bpf.o");
    for (const MapSpec& map : object.maps) {
        CHECK(map_type_name(map.type) == map.name);
        CHECK(parse_map_type(map.name) == map.type);
    }
    CHECK(map_type_name(static_cast<bpf_map_type>(4711)) == "type 4711");
    CHECK_THROWS_WITH(parse_map_type("hsah"), contains("hsah"));
}

TEST_CASE("a hook says which kind of program it takes", "[object][hook]") {
    const ProgramKind tracepoint = program_kind_at(parse_hook("tracepoint:syscalls/sys_enter_execve"));
    CHECK(tracepoint.type == BPF_PROG_TYPE_TRACEPOINT);
    CHECK(tracepoint.hook.target == "syscalls/sys_enter_execve");
    CHECK(program_kind_at(parse_hook("raw_tp:sys_enter")).type == BPF_PROG_TYPE_RAW_TRACEPOINT);
    CHECK(program_kind_at(parse_hook("kprobe:do_unlinkat+0x10")).type == BPF_PROG_TYPE_KPROBE);
    CHECK(program_kind_at(parse_hook("kprobe:do_unlinkat+0x10")).hook.offset == 0x10);
    const ProgramKind connect = program_kind_at(parse_hook("cgroup/connect6:/sys/fs/cgroup"));
    CHECK(connect.type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
    CHECK(connect.expected_attach_type == BPF_CGROUP_INET6_CONNECT);
    CHECK_FALSE(program_kind_at(parse_hook("fentry:vfs_read")).sleepable);
}
