// What readers of BCC's and of libbpf's documentation look for, each in a few lines of minibpf: docs/side-by-side/ lays
// them beside the Python or C that does the same.
//
// You will see, for each topic that is named, what its programs say about a command that this example executes;
// without any, the list of topics. Name topics to see only
// those.
//
// Run it as root:   build/examples/example_side_by_side
//                   build/examples/example_side_by_side hash_table ring_buffer
//
// Its programs: progs/side_by_side.bpf.c
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static std::string object_path = "build/progs/side_by_side.bpf.o";
static const char* const pin_path = "/sys/fs/bpf/side_by_side";

// The same struct as in the BPF program.
struct event {
    std::uint32_t pid;
    char command[16];
};

static void print_event(ByteView sample) {
    event seen;
    if (sample.size() < sizeof(seen)) return;
    std::memcpy(&seen, sample.data(), sizeof(seen));
    std::printf("%.16s\n", seen.command);
}

static void print_message(const TraceLine& line) {
    std::printf("%.*s\n", static_cast<int>(line.message.size()), line.message.data());
}

// What all these programs wait for. A raw tracepoint does not tell whose exec it is: others may be seen as well.
static void execute_true() {
    const pid_t child = fork();
    if (child == 0) {
        execl("/bin/true", "true", nullptr);
        _exit(127);
    }
    if (child > 0) waitpid(child, nullptr, 0);
}

// --- source

static void compile_text(KernelGate& gate) {
    const Bytes elf = compile_source(R"(
        #include "minibpf_helpers.h"
        char LICENSE[] SEC("license") = "GPL";
        SEC("tp/syscalls/sys_enter_execve")
        int hello(void *ctx) { bpf_printk("Hello World!"); return 0; }
    )");
    Object object = load(gate, parse_object(elf, "text"));
    std::printf("%s is loaded\n", object.require_program("hello").name().c_str());
}

static void compile_with_flags(KernelGate& gate) {
    const Bytes elf = compile_file("progs/chapter2/hello.bpf.c", {.cflags = {"-DDEBUG", "-mcpu=v2"}});
    const ObjectSpec spec = parse_object(elf, "hello.bpf.c");
    std::printf("%zu program\n", spec.programs.size());
    (void)gate;  // nothing is loaded here
}

// --- loading

static void load_object(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path));
    for (const Map& map : object.maps()) std::printf("map %s\n", map.name().c_str());
    for (const Program& program : object.programs()) std::printf("program %s\n", program.name().c_str());
}

static void load_one_program(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"count_execs"}});
    std::printf("%zu program\n", object.programs().size());
}

static void change_before_load(KernelGate& gate) {
    ObjectSpec spec = open_object(gate, object_path);
    spec.require_map("counts").max_entries = 16;
    spec.variable<std::uint32_t>("step") = 10;  // or spec.set_variable("step", "10")
    Object object = load(gate, std::move(spec));
    std::printf("%u entries\n", object.require_map("counts").max_entries());
}

// --- attaching

static void attach_by_section(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"say_hello"}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Link link = attach(gate, object.require_program("say_hello"));
    execute_true();
    poller.drain();
}

static void attach_kprobe(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"at_entry"}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Hook hook = parse_hook("kprobe:" + get_syscall_fnname("execve"));
    const Link link = attach(gate, object.require_program("at_entry"), hook);
    execute_true();
    poller.drain();
}

static void attach_kretprobe(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"at_return"}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Hook hook = parse_hook("kretprobe:" + get_syscall_fnname("execve"));
    const Link link = attach(gate, object.require_program("at_return"), hook, {.maxactive = 16});
    execute_true();
    poller.drain();
}

static void attach_tracepoint(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"say_hello"}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Link link =
        attach(gate, object.require_program("say_hello"), parse_hook("tracepoint:sched/sched_process_exec"));
    execute_true();
    poller.drain();
}

static void attach_raw_tracepoint(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"landed"}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Link link = attach(gate, object.require_program("landed"), parse_hook("raw_tp:sched_process_exec"));
    execute_true();
    poller.drain();
}

static void one_program_on_several_hooks(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"say_hello"}});
    std::vector<Link> links;
    for (const char* name : {"execve", "openat", "close"}) {
        const Hook hook = parse_hook("tracepoint:syscalls/sys_enter_" + std::string(name));
        links.push_back(attach(gate, object.require_program("say_hello"), hook));
    }
    std::printf("%zu links\n", links.size());
}

static void several_programs_on_one_hook(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"count_execs", "landed"}});
    std::vector<Link> links;
    for (const Program& program : object.programs()) {
        links.push_back(attach(gate, program, parse_hook("raw_tp:sched_process_exec")));
    }
    std::printf("%zu links\n", links.size());
}

// --- maps

static void hash_table(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"count_execs"}});
    Map& counts = object.require_map("counts");
    counts.update("1000", "5");  // as C writes the values; bytes_of() gives the bytes of any plain type

    const Link link = attach(gate, object.require_program("count_execs"));
    execute_true();

    const std::uint64_t root = 0;
    const std::optional<Bytes> value = counts.lookup(bytes_of(root));
    std::printf("root %s\n", value ? "is counted" : "is not there");
    std::size_t users = 0;
    for (auto key = counts.next_key({}); key; key = counts.next_key(*key)) ++users;
    std::printf("%s\n", users >= 2 ? "and others" : "and nobody else");
    counts.remove(bytes_of(root));
}

static void tail_calls(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"jump", "landed"}});
    const std::uint32_t slot = 2;
    const int fd = object.require_program("landed").fd();
    object.require_map("jumps").update(bytes_of(slot), bytes_of(fd));

    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_message);
    const Link link = attach(gate, object.require_program("jump"));
    execute_true();
    poller.drain();
}

// --- events

static void perf_buffer(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"send_sample"}});
    Poller poller(gate);
    const PerfBuffer samples(
        poller, object.require_map("samples"), [](int, ByteView sample) { print_event(sample); },
        [](int cpu, std::uint64_t count) {
            std::fprintf(stderr, "CPU %d lost %lu\n", cpu, static_cast<unsigned long>(count));
        });
    const Link link = attach(gate, object.require_program("send_sample"));
    execute_true();
    poller.wait(100);
}

static void ring_buffer(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"send_event"}});
    Poller poller(gate);
    const RingBuffer events(poller, object.require_map("events"), print_event);
    const Link link = attach(gate, object.require_program("send_event"));
    execute_true();
    poller.wait(100);
}

// --- what outlives the process, and what needs no hook

static void pin_map(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"count_execs"}});
    pin_object(gate, pin_path, object.require_map("counts").fd(), "map counts");
    const Fd again = open_pin(gate, IdKind::map, pin_path);
    std::printf("pinned: %s\n", map_facts(gate, again.get()).name.c_str());
    unlink(pin_path);
}

static void run_on_a_packet(KernelGate& gate) {
    Object object = load(gate, open_object(gate, object_path), {.programs = {"drop_all"}});
    const Program& program = object.require_program("drop_all");
    const TestOutput output =
        test_run(gate, program.fd(), program.spec().kind.type, program.name(), {.data = Bytes(64)});
    std::printf("returned %u\n", output.retval);
}

int main(int argc, char** argv) try {
    const std::vector<std::pair<std::string, void (*)(KernelGate&)>> topics = {
        {"compile_text", compile_text},
        {"compile_with_flags", compile_with_flags},
        {"load_object", load_object},
        {"load_one_program", load_one_program},
        {"change_before_load", change_before_load},
        {"attach_by_section", attach_by_section},
        {"attach_kprobe", attach_kprobe},
        {"attach_kretprobe", attach_kretprobe},
        {"attach_tracepoint", attach_tracepoint},
        {"attach_raw_tracepoint", attach_raw_tracepoint},
        {"one_program_on_several_hooks", one_program_on_several_hooks},
        {"several_programs_on_one_hook", several_programs_on_one_hook},
        {"hash_table", hash_table},
        {"tail_calls", tail_calls},
        {"perf_buffer", perf_buffer},
        {"ring_buffer", ring_buffer},
        {"pin_map", pin_map},
        {"run_on_a_packet", run_on_a_packet},
    };
    if (argc > 1) object_path = argv[1];
    LiveGate gate;
    for (int i = 2; i < argc; ++i) {
        for (const auto& [name, show] : topics) {
            if (name != argv[i]) continue;
            std::printf("%s:\n", name.c_str());
            show(gate);
            std::fflush(stdout);
        }
    }
    if (argc < 3) {
        for (const auto& [name, show] : topics) std::printf("%s\n", name.c_str());
    }
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
