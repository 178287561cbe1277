// What can be attached to, from the texts and types in which kernels and executables tell it.
#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/btf/btf_builder.hpp>

#include <libminibpf/attach/probe_pattern.hpp>
#include <libminibpf/attach/probes.hpp>

using namespace minibpf;
using minibpf::test::BtfBuilder;
using minibpf::test::FakeGate;

namespace {

using Names = std::vector<std::string>;

Names names_of(const std::vector<KernelFunction>& functions) {
    Names names;
    for (const KernelFunction& function : functions) names.push_back(function.name);
    return names;
}

bool matches(const std::string& pattern, const std::string& group, const std::string& name) {
    return parse_probe_pattern(pattern).matches(group, name);
}

// A kernel with one raw tracepoint, whose argument's name is in another type, one LSM hook and one iterator.
btf::Btf kernel_types() {
    BtfBuilder types;
    const btf::TypeId integer = types.integer("int", 4);
    const btf::TypeId anything = types.pointer(0);
    const btf::TypeId task = types.pointer(types.structure("task_struct", 4, {{"pid", integer}}));
    const btf::TypeId meta = types.pointer(types.structure("bpf_iter_meta", 4, {{"seq", integer}}));
    types.type_def("btf_trace_switched",
                   types.pointer(types.prototype(0, {{"", anything}, {"", integer}, {"", task}})));
    types.function("__traceiter_switched",
                   types.prototype(integer, {{"__data", anything}, {"preempt", integer}, {"prev", task}}));
    types.type_def("btf_trace_bare", types.pointer(types.prototype(0, {{"", anything}, {"", task}})));
    types.type_def("btf_trace_odd", integer);
    const btf::TypeId plain = types.prototype(integer, {{"task", task}});
    types.function("bpf_lsm_file_open", plain);
    types.function("bpf_lsm_func_proto", plain);
    types.function("bpf_iter_task", types.prototype(integer, {{"meta", meta}, {"task", task}}));
    types.function("bpf_iter_num_new", plain);
    types.function("bpf_iter_none", types.prototype(integer, {}));
    return btf::Btf::parse(types.bytes(), "kernel");
}

}  // namespace

TEST_CASE("tracepoints are sorted, each once, and lines that are none are passed over", "[attach][probes]") {
    CHECK(parse_available_events("syscalls:sys_enter_execve\nblock:b\n\nno colon\n:x\ny:\nblock:a\nblock:b") ==
          Names{"block/a", "block/b", "syscalls/sys_enter_execve"});
    CHECK(parse_available_events("").empty());
    CHECK(raw_tracepoints(Names{"block/a", "raw_syscalls/sys_enter", "syscalls/sys_enter_execve"}) ==
          Names{"a", "sys_enter"});
}

TEST_CASE("functions that can be traced have their module, and are counted by name", "[attach][probes]") {
    const auto functions =
        parse_filter_functions("show\nvfs_read\nbr_forward [bridge]\nshow [bridge]\n__ftrace_invalid_address___12\n");
    CHECK(names_of(functions) == Names{"br_forward", "show", "vfs_read"});
    CHECK(functions[0].module == "bridge");
    CHECK(functions[1].module.empty());
    CHECK(functions[1].count == 2);
    CHECK(functions[2].count == 1);
}

TEST_CASE("of the kernel's symbols, code that can be called is listed", "[attach][probes]") {
    const auto functions = parse_kernel_symbols(
        "ffffffff81000000 T vfs_read\n"
        "ffffffff81000010 t do_step.isra.0\n"
        "ffffffff81000020 t do_step.isra.0.cold\n"
        "ffffffff81000030 t __pfx_vfs_read\n"
        "ffffffff81000040 D vfs_data\n"
        "ffffffff81000050 W weak_one\n"
        "ffffffffc0000000 t br_forward\t[bridge]\n"
        "ffffffffc0001000 t bpf_prog_0123456789abcdef_hello\t[bpf]\n"
        "ffffffffc0001000 t ftrace_trampoline\t[__builtin__ftrace]\n"
        "short t\n"
        "x t \n"
        "no_type\n");
    CHECK(names_of(functions) == Names{"br_forward", "do_step.isra.0", "vfs_read", "weak_one"});
    CHECK(functions[0].module == "bridge");
    CHECK(compiler_suffix("do_step.isra.0") == "isra");
    CHECK(compiler_suffix("vfs_read").empty());
}

TEST_CASE("functions are those of available_filter_functions, or else the symbols", "[attach][probes]") {
    FakeGate gate;
    gate.files["/proc/kallsyms"] = "ffffffff81000000 T from_symbols\n";
    gate.files["/sys/kernel/tracing/available_events"] = "";
    gate.files["/sys/kernel/tracing/available_filter_functions"] = "from_tracefs\n";
    const KernelFunctions exact = list_kernel_functions(gate);
    CHECK(exact.is_exact);
    CHECK(names_of(exact.functions) == Names{"from_tracefs"});
    gate.on<OpenAt>([](const OpenAt& call) -> std::optional<Answer> {
        if (call.path.ends_with("available_filter_functions")) return FakeGate::failure(EPERM);
        return std::nullopt;
    });
    const KernelFunctions symbols = list_kernel_functions(gate);
    CHECK_FALSE(symbols.is_exact);
    CHECK(symbols.source == "/proc/kallsyms");
    CHECK(names_of(symbols.functions) == Names{"from_symbols"});
    CHECK(gate.open_fds().empty());
}

TEST_CASE("raw tracepoints have their arguments from BTF, without the kernel's own first one", "[attach][probes]") {
    const btf::Btf kernel = kernel_types();
    CHECK(raw_tracepoints(kernel) == Names{"bare", "odd", "switched"});
    CHECK(raw_tracepoint_arguments(kernel, "switched") == "(int preempt, struct task_struct *prev)");
    CHECK(raw_tracepoint_arguments(kernel, "bare") == "(struct task_struct *)");
    CHECK(raw_tracepoint_arguments(kernel, "odd").empty());
    CHECK(raw_tracepoint_arguments(kernel, "missing").empty());
}

TEST_CASE("LSM hooks and iterators are told from functions that are called like them", "[attach][probes]") {
    const btf::Btf kernel = kernel_types();
    CHECK(lsm_hooks(kernel) == Names{"file_open"});
    CHECK(iterators(kernel) == Names{"task"});
}

TEST_CASE("functions of a file are listed once by name, with all their places", "[attach][probes]") {
    elf::Executable executable;
    const std::string endless(5000, 'x');
    executable.functions = {{.name = "read", .offset = 0x20, .size = 8},
                            {.name = "read", .offset = 0x10, .size = 4},
                            {.name = "read", .offset = 0x10, .size = 4},
                            {.name = "chooser", .is_indirect = true},
                            {.name = endless, .offset = 1},
                            {.name = "", .offset = 2},
                            {.name = "main", .offset = 0x30}};
    const std::vector<FileFunction> functions = file_functions(executable);
    REQUIRE(functions.size() == 2);
    CHECK(functions[0].name == "main");
    CHECK(functions[1].offsets == std::vector<std::uint64_t>{0x10, 0x20});
    CHECK(functions[1].size == 4);
    executable.usdt_notes = {{.provider = "b", .name = "x", .offset = 1},
                             {.provider = "a", .name = "y", .offset = 2},
                             {.provider = "b", .name = "x", .offset = 3}};
    const std::vector<UsdtProbe> probes = usdt_probes(executable);
    REQUIRE(probes.size() == 2);
    CHECK(probes[0].provider == "a");
    REQUIRE(probes[1].places.size() == 2);
    CHECK(probes[1].places[1].offset == 3);
}

TEST_CASE("a word is a part of the name, a shell pattern is all of it", "[attach][probes]") {
    CHECK(matches("execve", "syscalls", "sys_enter_execve"));
    CHECK(matches("calls/sys_", "syscalls", "sys_enter_execve"));
    CHECK(matches("sched:*", "sched", "sched_switch"));
    CHECK(matches("sys_enter_*", "syscalls", "sys_enter_execve"));
    CHECK(matches("vfs_r[ae]*", "", "vfs_read"));
    CHECK_FALSE(matches("execve*", "syscalls", "sys_enter_execve"));
    CHECK_FALSE(matches("vfs_?", "", "vfs_read"));
    CHECK(matches("", "", "anything"));
}

TEST_CASE("a pattern may have a hook's form", "[attach][probes]") {
    const ProbePattern kprobe = parse_probe_pattern("kprobe:vfs_*");
    CHECK(kprobe.kind == ProbeKind::function);
    CHECK(kprobe.name == "vfs_*");
    const ProbePattern uprobe = parse_probe_pattern("uprobe:/bin/bash:read*");
    CHECK(uprobe.kind == ProbeKind::uprobe);
    CHECK(uprobe.file == "/bin/bash");
    CHECK(uprobe.name == "read*");
    CHECK(parse_probe_pattern("uprobe:/bin/bash").file == "/bin/bash");
    CHECK(parse_probe_pattern("usdt:/bin/x:name").name == "name");
    CHECK(parse_probe_pattern("usdt:/bin/x:provider:name").name == "provider/name");
    CHECK(parse_probe_pattern("usdt:/bin/x:provider:name").file == "/bin/x");
    CHECK(parse_probe_pattern("usdt:/bin/x::name").name == "name");
    CHECK_FALSE(parse_probe_pattern("sched:sched_switch").kind);
    CHECK(parse_probe_pattern("sched:sched_switch").name == "sched/sched_switch");
    CHECK(parse_probe_pattern("usdt::").file.empty());
}
