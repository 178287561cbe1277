// Chapter 2: tail calls. One program for every system call, which jumps to the program that a table has for it.
//
// You will see four programs being loaded, a table being filled with the descriptors of three of them, and then lines
// like
//
//     bash-812     [001] ...21  1234.567890: bpf_trace_printk: Executing a program
//     sh-813       [000] ...21  1234.567901: bpf_trace_printk: Another syscall: 257
//
// Run it as root:   build/examples/example_chapter2_hello_tail
// ^C ends. Man pages: bpf(2) (BPF_MAP_TYPE_PROG_ARRAY), syscalls(2). Its program: progs/chapter2/hello_tail.bpf.c
#include <csignal>
#include <cstdio>
#include <string>

#include <sys/syscall.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

static void print_line(const TraceLine& line) {
    std::printf("%.*s\n", static_cast<int>(line.whole.size()), line.whole.data());
    std::fflush(stdout);
}

// The kernel keeps the program, not the descriptor: looking the slot up gives the program's id.
static void put(Map& syscalls, std::uint32_t number, const Program& program) {
    const int fd = program.fd();
    syscalls.update(bytes_of(number), bytes_of(fd));
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello_tail.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    Object object = load(gate, open_object(gate, path));
    Map& syscalls = object.require_map("syscalls");

    // bpf(BPF_MAP_UPDATE_ELEM) for each slot. Where there is nothing, bpf_tail_call() does nothing, and `hello` goes
    // on.
    put(syscalls, SYS_execve, object.require_program("hello_exec"));
    for (std::uint32_t number :
         {SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete}) {
        put(syscalls, number, object.require_program("hello_timer"));
    }
    // What this program does itself while it waits, and what terminals and shells do all the time.
    for (std::uint32_t number : {SYS_read, SYS_write, SYS_close, SYS_futex, SYS_ioctl, SYS_ppoll, SYS_pselect6,
                                 SYS_epoll_pwait, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_clock_nanosleep,
#ifdef SYS_epoll_wait  // newer machines have epoll_pwait only
                                 SYS_epoll_wait, SYS_poll
#endif
         }) {
        put(syscalls, number, object.require_program("ignore_opcode"));
    }

    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // Only `hello` is attached: the others are jumped to.
    const Link link = attach(gate, object.require_program("hello"));

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
