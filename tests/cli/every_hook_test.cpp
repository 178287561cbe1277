// Every hook of tracing from the command line, each way that the kernel has: the counter that `loader --show` prints
// moves for the event that the test provokes while the command runs, and not afterwards. Those of the network are in
// every_network_hook_test.cpp.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/load/test_run.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/congestion.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/probe_targets.hpp>

#include "hook_run.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

void provoke_once() {
    provoke();
}

// A call of getpgid(2) that asks the security modules.
void provoke_security() {
    provoke(getpid());
}

bool has_probes_in_tracefs() {
    for (const char* file : {"/sys/kernel/tracing/kprobe_events", "/sys/kernel/tracing/uprobe_events"}) {
        if (!lines_with(file, ":minibpf/").empty()) return true;
    }
    return false;
}

// Kprobes and uprobes: by the PMU or by tracefs, held by an ioctl or by a link.
void check_each_way_of_probing(TriedHook tried, bool always_has_link = false) {
    const std::string options = tried.options;
    for (const std::string way : {"", "--link", "--older", "--tracefs-kprobes", "--tracefs-kprobes --link"}) {
        tried.options = options + " " + way;
        tried.leaves_traces = way.starts_with("--tracefs") ? has_probes_in_tracefs : std::function<bool()>();
        check_hook(tried, always_has_link || way.ends_with("--link"));
    }
}

TriedHook of_kernel_hooks(const std::string& program, const std::string& hook = "") {
    return {.object = "kernel_hooks",
            .program = program,
            .hook = hook,
            .options = "",
            .provoke = provoke_once,
            .for_this_process = true};
}

TriedHook of_tracing_hooks(const std::string& program, const std::string& hook = "") {
    TriedHook tried = of_kernel_hooks(program, hook);
    tried.object = "tracing_hooks";
    return tried;
}

std::string getpgid_function() {
    return get_syscall_fnname("getpgid");
}

}  // namespace

TEST_CASE("run attaches a kprobe and a kretprobe, each way, and leaves nothing", "[cli][kernel][every][kprobe]") {
    require_kprobe_pmu();
    check_each_way_of_probing(of_kernel_hooks("on_kprobe", "kprobe:" + getpgid_function()));
    check_each_way_of_probing(of_kernel_hooks("on_kretprobe", "kretprobe:" + getpgid_function()));
}

TEST_CASE("run attaches ksyscall and kretsyscall, each way, and leaves nothing", "[cli][kernel][every][kprobe]") {
    require_kprobe_pmu();
    check_each_way_of_probing(of_kernel_hooks("on_kprobe"));
    check_each_way_of_probing(of_kernel_hooks("on_kretprobe"));
    TriedHook tried = of_kernel_hooks("on_kprobe", "ksyscall:getsid");
    tried.provoke = [] { syscall(SYS_getsid, 0); };
    check_hook(tried);
}

TEST_CASE("run --maxactive makes room for more calls of a kretprobe", "[cli][kernel][every][kprobe]") {
    require_kprobe_pmu();
    TriedHook tried = of_kernel_hooks("on_kretprobe");
    tried.leaves_traces = [] { return !lines_with("/sys/kernel/tracing/kprobe_events", "r64:minibpf/").empty(); };
    for (const char* way : {"", "--link"}) {
        tried.options = std::string("--maxactive 64 ") + way;
        check_hook(tried);
    }
}

TEST_CASE("run attaches a kprobe behind a function's first instruction", "[cli][kernel][every][kprobe]") {
    require_kprobe_pmu();
    // Where the second instruction begins depends on the kernel's build.
    std::string hook;
    for (int offset = 1; offset < 16 && hook.empty(); ++offset) {
        const std::string tried = "kprobe:" + getpgid_function() + "+" + std::to_string(offset);
        const std::string attach = "-q --program on_kprobe --attach on_kprobe=" + tried + " -c true ";
        if (loader_says(attach + object_path("kernel_hooks")).status == 0) hook = tried;
    }
    REQUIRE_FALSE(hook.empty());
    check_each_way_of_probing(of_kernel_hooks("on_kprobe", hook));
}

TEST_CASE("run --cookie gives a kprobe and a tracepoint the number that their programs ask for",
          "[cli][kernel][every]") {
    require_tracepoints();
    for (const std::string program : {"read_cookie", "read_kprobe_cookie"}) {
        if (program == "read_kprobe_cookie") require_kprobe_pmu();
        TriedHook tried = of_kernel_hooks(program);
        tried.options = "--cookie " + program + "=4660";
        check_hook(tried, true);
        tried.counter = "cookie";
        const Pins pins;
        WaitingLoader waiting(tried.arguments(pins.path));
        REQUIRE(waiting.attaches());
        provoke();
        CHECK(shown_value(waiting.finish().out, "cookie") == 4660);
    }
}

TEST_CASE("run attaches tracepoints and raw tracepoints", "[cli][kernel][every]") {
    require_tracepoints();
    check_each_way(of_kernel_hooks("on_tracepoint"));
    check_hook(of_kernel_hooks("on_tracepoint", "tracepoint:syscalls/sys_exit_getpgid"));
    check_hook(of_kernel_hooks("on_raw_tracepoint"), true);
    check_hook(of_kernel_hooks("on_raw_tracepoint", "raw_tp:sys_enter"), true);
}

TEST_CASE("run attaches a writable raw tracepoint, which changes what the kernel goes on with",
          "[cli][kernel][every]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, for_this_process("tracing_hooks"), {.programs = {"pass"}});
    int error = 0;
    TriedHook tried = of_tracing_hooks("on_writable");
    tried.provoke = [&] {
        char packet[64] = {};
        bpf_attr attr{};
        attr.test.prog_fd = static_cast<__u32>(object.require_program("pass").fd());
        attr.test.data_in = reinterpret_cast<std::uintptr_t>(packet);
        attr.test.data_size_in = sizeof packet;
        error = syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr.test) == 0 ? 0 : errno;
    };
    tried.leaves_traces = [&] { return error == EIO; };  // of the event before
    check_hook(tried, true);
}

TEST_CASE("run attaches tp_btf, each way, and leaves nothing", "[cli][kernel][every][tracing]") {
    require_kernel_btf();
    for (const char* way : {"", "--link", "--older"}) {  // BPF_RAW_TRACEPOINT_OPEN makes a link too
        TriedHook tried = of_tracing_hooks("on_tp_btf");
        tried.options = way;
        check_hook(tried, true);
    }
}

namespace {

void require_fentry() {
    require_kernel_btf();
    LiveGate gate;
    skip_unless_kernel_has("fentry", has_trampolines(gate));
}

void check_trampoline(TriedHook tried) {
    for (const char* way : {"", "--link", "--older"}) {
        tried.options = way;
        check_hook(tried, true);
    }
}

// The program answers EPERM in the function's place.
void check_decides(const std::string& program) {
    TriedHook tried = of_tracing_hooks(program);
    tried.provoke = provoke_security;
    check_trampoline(tried);
    const Pins pins;
    CHECK(provoke(getpid()) == getpgrp());
    {
        WaitingLoader waiting(tried.arguments(pins.path));
        REQUIRE(waiting.attaches());
        CHECK(provoke(getpid()) == -1);
        CHECK(errno == EPERM);
    }
    CHECK(provoke(getpid()) == getpgrp());
}

}  // namespace

TEST_CASE("run attaches fentry and fexit, each way, and leaves nothing", "[cli][kernel][every][tracing]") {
    require_fentry();
    check_trampoline(of_tracing_hooks("on_fentry"));
    check_trampoline(of_tracing_hooks("on_fexit"));
    TriedHook elsewhere = of_tracing_hooks("on_fentry", "fentry:__x64_sys_getsid");
    elsewhere.provoke = [] { syscall(SYS_getsid, 0); };
    check_trampoline(elsewhere);
}

TEST_CASE("run attaches fmod_ret, which decides while the command runs", "[cli][kernel][every][tracing]") {
    require_fentry();
    check_decides("on_fmod_ret");
}

TEST_CASE("run attaches an LSM program, which decides while the command runs", "[cli][kernel][every][tracing]") {
    require_lsm();
    check_decides("on_lsm");
}

TEST_CASE("run attaches an LSM program for one cgroup", "[cli][kernel][every][cgroup]") {
    require_lsm();
    const TestCgroup cgroup;
    check_each_way({.object = "network_new_hooks",
                    .program = "on_socket_create",
                    .hook = "lsm_cgroup:" + cgroup.path(),
                    .options = "",
                    .provoke = [] { close(socket(AF_INET, SOCK_DGRAM, 0)); }});
}

namespace {

void require_fprobe() {
    require_bpf();
    skip_unless_kernel_has("kprobe.multi", kallsyms_address("register_fprobe") != 0);
}

}  // namespace

TEST_CASE("run attaches kprobe.multi and kretprobe.multi, by names and patterns", "[cli][kernel][every][kprobe]") {
    require_fprobe();
    check_hook(of_tracing_hooks("on_kprobe_multi"), true);
    check_hook(of_tracing_hooks("on_kprobe_multi", "kprobe.multi:" + getpgid_function()), true);
    check_hook(of_tracing_hooks("on_kretprobe_multi"), true);
    check_hook(of_tracing_hooks("on_kretprobe_multi", "kretprobe.multi:__x64_sys_getpg?d"), true);
}

TEST_CASE("run attaches kprobe.session", "[cli][kernel][every][kprobe]") {
    require_fprobe();
    skip_unless_kernel_has("kprobe.session", running_version() >= 0x060a);
    check_hook(of_tracing_hooks("on_kprobe_session"), true);
    check_hook(of_tracing_hooks("on_kprobe_session", "kprobe.session:__x64_sys_getpgi*"), true);
}

// --- user space: the functions and the USDT probe are this program's

namespace {

std::string this_program() {
    return std::filesystem::read_symlink("/proc/self/exe").string();
}

TriedHook of_uprobes(const std::string& program, const std::string& kind, const std::string& place) {
    return {.object = "kernel_uprobes",
            .program = program,
            .hook = kind + ":" + this_program() + ":" + place,
            .options = "",
            .provoke = [] { minibpf_probed(1); },
            .for_this_process = true};
}

void call_all_probed() {
    minibpf_probed_first(10);
    minibpf_probed_second(10);
    minibpf_probed_third(10);
}

TriedHook of_multi(const std::string& program, const std::string& kind) {
    TriedHook tried = of_uprobes(program, kind, "minibpf_probed_*");
    tried.provoke = call_all_probed;
    return tried;
}

// Links to many places came with Linux 6.6, for a call and its return with 6.13: asked for by trying.
void require_link_to_many(const TriedHook& tried, const std::string& kind) {
    require_uprobes();
    LiveGate gate;
    bool is_there = false;
    try {
        Object object = load(gate, for_this_process(tried.object), {.programs = {tried.program}});
        attach(gate, object.require_program(tried.program), parse_hook(tried.hook));
        is_there = true;
    } catch (const Error&) {
    }
    skip_unless_kernel_has(kind, is_there);
}

// A child that waits to be killed.
class Sleeper {
public:
    Sleeper() : pid_(fork()) {
        if (pid_ != 0) return;
        for (;;) pause();
    }
    ~Sleeper() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    std::string pid() const { return std::to_string(pid_); }

private:
    pid_t pid_;
};

// With --pid it is hit in that process, and in no other.
void check_pid(TriedHook tried) {
    tried.options = "--pid " + std::to_string(getpid());
    check_hook(tried);
    const Sleeper other;
    tried.options = "--pid " + other.pid();
    const Pins pins;
    WaitingLoader waiting(tried.arguments(pins.path));
    REQUIRE(waiting.attaches());
    tried.provoke();
    const Said said = waiting.finish();
    CHECK_THAT(said.out, contains(tried.counter + "=0"));
}

}  // namespace

TEST_CASE("run attaches a uprobe and a uretprobe, each way, and leaves nothing", "[cli][kernel][every][uprobe]") {
    require_uprobes();
    check_each_way_of_probing(of_uprobes("on_uprobe", "uprobe", "minibpf_probed"));
    check_each_way_of_probing(of_uprobes("on_uretprobe", "uretprobe", "minibpf_probed"));
}

TEST_CASE("run attaches a uprobe at an offset, in a library found by name, and in one process",
          "[cli][kernel][every][uprobe]") {
    require_uprobes();
    TriedHook in_library = of_uprobes("on_uprobe", "uprobe", "");
    in_library.hook = "uprobe:libc:getpgid";
    in_library.provoke = [] { getpgid(0); };
    check_each_way_of_probing(in_library);
    // A place by its offset in the file, as `loader probes` tells it.
    const Said probes = loader_says("probes -v 'uprobe:" + this_program() + ":minibpf_probed'");
    std::smatch offset;
    INFO(probes.out << probes.err);
    REQUIRE(std::regex_search(probes.out, offset, std::regex("0x[0-9a-f]+")));
    check_each_way_of_probing(of_uprobes("on_uprobe", "uprobe", offset[0]));
    check_pid(of_uprobes("on_uprobe", "uprobe", "minibpf_probed"));
}

TEST_CASE("run attaches uprobe.multi and uretprobe.multi", "[cli][kernel][every][uprobe]") {
    const TriedHook entries = of_multi("on_uprobe_multi", "uprobe.multi");
    require_link_to_many(entries, "uprobe.multi");
    check_hook(entries, true);
    check_hook(of_multi("on_uretprobe_multi", "uretprobe.multi"), true);
    check_pid(entries);
    TriedHook in_library = entries;
    in_library.hook = "uprobe.multi:libc:getpgi?";
    in_library.provoke = [] { getpgid(0); };
    check_hook(in_library, true);
}

TEST_CASE("run attaches uprobe.session", "[cli][kernel][every][uprobe]") {
    const TriedHook session = of_multi("on_uprobe_session", "uprobe.session");
    require_link_to_many(session, "uprobe.session");
    check_hook(session, true);
}

namespace {

TriedHook of_usdt(const std::string& program) {
    TriedHook tried = of_uprobes(program, "usdt", "minibpf:looked_at");
    tried.provoke = [] { look_at_elsewhere(99); };
    return tried;
}

}  // namespace

TEST_CASE("run attaches a USDT probe, each way, in every process or in one", "[cli][kernel][every][usdt]") {
    require_uprobes();
    // Where the arguments are is told by the cookie, which only links have.
    check_each_way_of_probing(of_usdt("on_usdt"), true);
    check_pid(of_usdt("on_usdt"));
    TriedHook counted = of_usdt("on_usdt");
    counted.leaves_traces = [] { return minibpf_usdt_semaphore != 0; };
    check_hook(counted);
}

TEST_CASE("run tells a USDT program where its arguments are", "[cli][kernel][every][usdt]") {
    require_uprobes();
    TriedHook tried = of_usdt("read_usdt");
    tried.provoke = [] { look_at(-5, 250, -1234567890123); };
    check_hook(tried);
    const Pins pins;
    WaitingLoader waiting(tried.arguments(pins.path));
    REQUIRE(waiting.attaches());
    tried.provoke();
    const Said said = waiting.finish();
    CHECK_THAT(said.out, contains("arguments={-5, 250, -1234567890123, 7, 0") && contains("argument_count=4"));
}

// --- counters

namespace {

void keep_busy() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace

TEST_CASE("run attaches a perf event, each way, on all CPUs or to one process", "[cli][kernel][every][perf]") {
    require_bpf();
    for (const std::string& hook :
         {std::string("perf_event:cpu-clock@199"), "perf_event:task-clock@199,pid=" + std::to_string(getpid())}) {
        TriedHook tried = of_tracing_hooks("on_sample", hook);
        tried.provoke = keep_busy;
        for (const char* way : {"", "--link", "--older"}) {
            tried.options = way;
            check_hook(tried, std::string_view(way) == "--link");
        }
    }
}

// --- iterators

namespace {

// While it is attached its link is listed; what it writes is standard output.
std::string iterator_output(const std::string& program, const std::string& hook, const std::string& options = "") {
    INFO(hook);
    const std::string arguments = "-q --program " + program + " --attach '" + program + "=" + hook + "' " + options +
                                  " " + object_path("iterators");
    const Said with_list = loader_says(arguments + " -c '" + loader() + " list links'");
    INFO(with_list.out << with_list.err);
    CHECK(with_list.status == 0);
    CHECK(std::regex_search(with_list.out, std::regex("iter +\\d+ +" + program)));
    const Said said = loader_says(arguments);
    CHECK(said.status == 0);
    for (const auto& loaded : listed("progs")) CHECK(loaded["name"] != program);
    return said.out;
}

}  // namespace

TEST_CASE("run prints what an iterator finds: one process's tasks, a map's elements", "[cli][kernel][every][iter]") {
    require_kernel_btf();
    const std::string pid = std::to_string(getpid());
    const std::string line = "process " + pid + " thread " + pid + "\n";
    for (const std::string which : {"pid=", "tid="}) {
        for (const std::string way : {"", "--link"})
            CHECK(iterator_output("tasks", "iter:task," + which + pid, way) == line);
    }
    CHECK_THAT(iterator_output("tasks", "iter:task"), contains(line));
    CHECK(iterator_output("elements", "iter:bpf_map_elem,map=squares", "--update 'squares[3]=9'") ==
          "3 squared is 9\n");
}

TEST_CASE("run prints the cgroups that an iterator finds below one", "[cli][kernel][every][iter]") {
    require_kernel_btf();
    const TestCgroup cgroup;
    std::filesystem::create_directory(cgroup.path() + "/below");
    const std::string begin = "iter:cgroup,cgroup=" + cgroup.path();
    const std::vector<std::string> lines = lines_of(iterator_output("cgroups", begin));
    std::vector<std::string> reversed = lines_of(iterator_output("cgroups", begin + ",order=post"));
    CHECK(lines.size() == 2);
    std::reverse(reversed.begin(), reversed.end());
    CHECK(reversed == lines);
    CHECK(lines_of(iterator_output("cgroups", begin + ",order=self")).size() == 1);
    std::filesystem::remove(cgroup.path() + "/below");
}

// --- what takes another's place

TEST_CASE("run puts a function in the place of a loaded program's, each way, and takes it away",
          "[cli][kernel][every][tracing]") {
    require_fentry();
    LiveGate gate;
    Object target = load(gate, data("replaced"));
    const int target_fd = target.programs().front().fd();
    const std::uint32_t usual = run_with_packet(target_fd);
    const std::string target_id = std::to_string(program_facts(gate, target_fd).id);
    for (const std::string way : {"", "--link", "--older"}) {
        INFO(way);
        WaitingLoader waiting("-q --program replacement --target replacement=" + target_id + " " + way + " " +
                              object_path("replacement"));
        CHECK(waiting.attaches());
        CHECK(run_with_packet(target_fd) == usual + 99);
        CHECK_THAT(loader_says("list links").out, contains("replacement"));
        const Said said = waiting.finish();
        INFO(said.err);
        CHECK(said.status == 0);
        CHECK(run_with_packet(target_fd) == usual);
        CHECK_THAT(loader_says("list links").out, !contains("replacement"));
    }
}

TEST_CASE("run follows a loaded program's function by fentry and fexit", "[cli][kernel][every][tracing]") {
    require_fentry();
    LiveGate gate;
    Object target = load(gate, data("replaced"));
    const int target_fd = target.programs().front().fd();
    const std::string target_id = std::to_string(program_facts(gate, target_fd).id);
    for (const auto& [program, counter] : {std::pair("before", "entered"), std::pair("after", "left")}) {
        TriedHook tried{.object = "replacement",
                        .program = program,
                        .hook = "",
                        .options = std::string("--target ") + program + "=" + target_id,
                        .provoke = [=] { run_with_packet(target_fd); },
                        .counter = counter};
        check_hook(tried, true);
    }
}

// --- tables of functions

namespace {

void check_congestion_control(const std::string& object, const std::string& name, const std::string& link_type) {
    const Pins pins;
    CHECK_FALSE(is_available(name));
    WaitingLoader waiting("-q --show .bss --map .bss.pin=bss --pin-directory " + pins.path + " " + object_path(object));
    if (!waiting.attaches()) FAIL(waiting.finish().err);
    PinnedMap bss(object, pins / "bss");
    CHECK(is_available(name));
    CHECK(connect_with(name));
    CHECK(bss.variable("hits") == 1);
    std::vector<std::uint32_t> program_ids;
    for (const auto& program : listed("progs")) {
        if (program["type"] == "struct_ops") program_ids.push_back(program["id"]);
    }
    CHECK(program_ids.size() >= 4);
    const std::string links = loader_says("list links").out;
    CHECK((links.find("struct_ops") != std::string::npos) == (link_type == "struct_ops"));
    const Said said = waiting.finish();
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK(shown_value(said.out, "hits") == 1);
    CHECK_FALSE(is_available(name));
    CHECK_FALSE(connect_with(name));
    CHECK(bss.variable("hits") == 1);
    CHECK_THAT(loader_says("list links").out, !contains("struct_ops"));
    for (const std::uint32_t id : program_ids) CHECK(is_gone(id));
}

}  // namespace

TEST_CASE("run registers a table of functions by an update, and takes it away", "[cli][kernel][every][struct_ops]") {
    require_kernel_btf();
    check_congestion_control("congestion", "minibpf_update", "");
}

TEST_CASE("run registers a table of functions by a link, and takes it away", "[cli][kernel][every][struct_ops]") {
    require_kernel_btf();
    skip_unless_kernel_has("struct_ops links", running_version() >= 0x0604);
    check_congestion_control("congestion_link", "minibpf_link", "struct_ops");
}
