// Chapter 2: a map that the kernel side counts in and user space reads.
//
// You will see, every two seconds, how often each user has executed something:
//
//     ID 0: 3	ID 1000: 4
//
// Run it as root:   build/examples/example_chapter2_hello_map
// and execute commands in other terminals, as several users. ^C ends. On a kernel without kprobes:
//                   build/examples/example_chapter2_hello_map build/progs/chapter2/hello_map.bpf.o
//                   raw_tp:sched_process_exec
//
// Man pages: bpf(2) (BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_ELEM). Its program: progs/chapter2/hello_map.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <unistd.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// Each key is asked for by the one before it; the value by its key. Two calls an element.
static void print_counters(const Map& counter_table) {
    std::string line;
    for (std::optional<Bytes> key = counter_table.next_key({}); key; key = counter_table.next_key(*key)) {
        const std::optional<Bytes> value = counter_table.lookup(*key);
        if (!value) continue;  // deleted meanwhile
        std::uint64_t uid = 0, count = 0;
        std::memcpy(&uid, key->data(), sizeof(uid));
        std::memcpy(&count, value->data(), sizeof(count));
        line += "ID " + std::to_string(uid) + ": " + std::to_string(count) + "\t";
    }
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello_map.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // Where the kernel has no kprobes: another hook, if one was given. The program does not look at its context, so it
    // may run there, loaded as a program of that hook's type.
    ObjectSpec spec = open_object(gate, path);
    if (argc > 2) spec.require_program("hello").kind = program_kind_at(parse_hook(argv[2]));

    // bpf(BPF_BTF_LOAD), bpf(BPF_MAP_CREATE), bpf(BPF_PROG_LOAD).
    Object object = load(gate, std::move(spec));
    const Link link = attach(gate, object.require_program("hello"));

    while (!stop) {
        sleep(2);  // ^C ends it early
        print_counters(object.require_map("counter_table"));
    }
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
