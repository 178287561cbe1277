// `loader probes`: what can be attached to, in the form in which --attach takes it.
#include <nlohmann/json.hpp>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

void need_tracepoints() {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("tracepoints",
                           std::filesystem::exists("/sys/kernel/tracing/events/syscalls/sys_enter_execve"));
}

void need_types() {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("BTF", std::filesystem::exists("/sys/kernel/btf/vmlinux"));
}

Said probes(const std::string& arguments) {
    return run(loader() + " probes " + arguments);
}

bool has_kprobes() {
    return std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
}

}  // namespace

TEST_CASE("the raw tracepoints of a module are listed when it is there", "[cli][kernel]") {
    need_types();
    const char* directory = std::getenv("MINIBPF_KERNEL_MODULES");
    skip_unless_kernel_has("modules", directory != nullptr && std::filesystem::exists(directory));
    const std::string module = std::string(directory) + "/tls.ko";
    skip_unless_kernel_has("tls", std::filesystem::exists(module) && !std::filesystem::exists("/sys/module/tls"));
    CHECK(probes("raw_tp:tls_device_offload_set").status == 3);
    const Said inserted = run("insmod " + module);
    INFO(inserted.err);
    REQUIRE(inserted.status == 0);
    const Said said = probes("-v raw_tp:tls_device_offload_set");
    const Said typed = probes("tp_btf:tls_device_offload_set");
    run("rmmod tls");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("raw_tp:tls_device_offload_set\n") && contains("struct sock *") &&
                             contains("of the module tls"));
    CHECK(typed.status == 0);
    CHECK_THAT(typed.out, contains("tp_btf:tls_device_offload_set"));
}

TEST_CASE("tracepoints are listed by a part of the name, by a shell pattern and as a hook", "[cli][kernel]") {
    need_tracepoints();
    const std::string hook = "tracepoint:syscalls/sys_enter_execve";
    for (const char* pattern : {"sys_enter_execve", "'sys_enter_execv?'", "'syscalls:*_execve'",
                                "'tracepoint:syscalls/sys_enter_e*'", "tp:syscalls/sys_enter_execve"}) {
        INFO(pattern);
        const Said said = probes(std::string("--kind tracepoint ") + pattern);
        CHECK(said.status == 0);
        CHECK_THAT("\n" + said.out, contains("\n" + hook + "\n"));
        CHECK_THAT(said.err, contains("tracepoint"));
    }
}

TEST_CASE("a tracepoint's fields are told with -v, and as a C struct that compiles", "[cli][kernel]") {
    need_tracepoints();
    const Said said = probes("-v tracepoint:syscalls/sys_enter_execve");
    CHECK_THAT(said.out, contains("const char * filename") && contains("struct sys_enter_execve {"));
    const Said json = probes("-v --json 'tracepoint:syscalls/sys_enter_execv[e]'");
    CHECK(json.status == 0);
    const auto listed = nlohmann::json::parse(json.out);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["hook"] == "tracepoint:syscalls/sys_enter_execve");
    CHECK(listed[0]["kind"] == "tracepoint");
    if (run("command -v cc").status != 0) return;  // a virtual machine
    const TemporaryDirectory directory;
    const std::string source = (directory / "struct.c").string();
    write_file(source,
               "typedef unsigned short u16; typedef unsigned char u8; typedef int s32; typedef long long u64;\n" +
                   listed[0]["struct"].get<std::string>() +
                   "\n_Static_assert(__builtin_offsetof(struct sys_enter_execve, filename) == 16, \"\");\n");
    const Said compiled = run("cc -fsyntax-only " + source);
    INFO(compiled.err);
    CHECK(compiled.status == 0);
}

TEST_CASE("a raw tracepoint's arguments are told with -v, and its typed form", "[cli][kernel]") {
    need_types();
    const Said said = probes("-v 'raw_tp:sched_switc[h]'");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("raw_tp:sched_switch\n") && contains("struct task_struct *prev") &&
                             contains("tp_btf:sched_switch"));
    CHECK(said.out.find("__data") == std::string::npos);
}

TEST_CASE("functions have their prototypes with -v, and a kernel without kprobes is said to be one", "[cli][kernel]") {
    need_types();
    const Said said = probes("-v 'kprobe:vfs_rea[d]'");
    CHECK(said.status == 0);
    CHECK_THAT(said.out,
               contains("kprobe:vfs_read\n") && contains("vfs_read(struct file *") && contains("fentry:vfs_read"));
    CHECK((said.err.find("no kprobes") == std::string::npos) == has_kprobes());
    const Said all = probes("vfs_read");
    CHECK((all.out.find("kprobe:vfs_read\n") != std::string::npos) == has_kprobes());
    CHECK_THAT(probes("'fentry:vfs_rea[d]'").out, contains("fentry:vfs_read\n"));
}

TEST_CASE("what is listed can be attached to", "[cli][kernel]") {
    need_tracepoints();
    const Said said = run(loader() + " -q --type tracepoint --attach $(" + loader() +
                          " probes 'tracepoint:syscalls/sys_enter_execv[e]') -c true " + prog("smallest.text"));
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("Get"));
}

TEST_CASE("functions of a program are listed, and USDT probes with their places", "[cli]") {
    const std::string tests = (build_dir() / "bin/kernel_tests").string();
    const Said said = probes("-v 'uprobe:" + tests + ":minibpf_probed*'");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("uprobe:" + tests + ":minibpf_probed\n") && contains("at 0x"));
    const Said usdt = probes("-v --kind usdt --file " + tests);
    INFO(usdt.err);
    CHECK(usdt.status == 0);
    CHECK_THAT(usdt.out, contains("usdt:" + tests + ":minibpf:looked_at\n") && contains("semaphore at 0x") &&
                             contains("arguments "));
    CHECK(probes("usdt:" + tests + ":minibpf:looked_at").out == "usdt:" + tests + ":minibpf:looked_at\n");
}

TEST_CASE("what matches nothing exits 3 with the nearest name, what needs a file and has none 2", "[cli]") {
    const std::string tests = (build_dir() / "bin/kernel_tests").string();
    const Said misspelt = probes("uprobe:" + tests + ":minibpf_prboed");
    CHECK(misspelt.status == 3);
    CHECK(misspelt.out.empty());
    CHECK_THAT(misspelt.err, contains("did you mean uprobe:" + tests + ":minibpf_probed?"));
    CHECK(probes("--kind uprobe").status == 2);
    CHECK(probes("--kind nonsense").status == 2);
    CHECK(probes("--file /no/such/file").status == 3);
    CHECK(probes("--file /etc/passwd").status == 3);
}

TEST_CASE("a closed pipe ends a long list", "[cli]") {
    CHECK(run(loader() + " probes --kind function 2>/dev/null | head -1").out.find("kprobe:") == 0);
    CHECK(run("{ " + loader() + " probes --kind function 2>/dev/null; echo $? >&2; } | head -1").err == "0\n");
}
