// Watching what other processes do with bpf(2), by a BPF program (observer.bpf.c) at the system call's tracepoints.
//
//     Observer observer(gate, getpid());      // all processes that this one starts from here on, and theirs
//     run("answer.sh");
//     for (const ObservedCall& call : observer.take()) ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/minibpf.hpp>

namespace checker {

/// One call of bpf(2) that has returned.
struct ObservedCall {
    int pid = 0;
    std::string process;        ///< its name: "loader"
    std::uint32_t command = 0;  ///< BPF_MAP_CREATE, ...
    std::uint32_t size = 0;     ///< of attr, bytes, as the caller said
    long result = 0;            ///< a descriptor, 0, or a negative errno
    bpf_attr attr{};            ///< the first 128 bytes of it; pointers in it are of that process
    minibpf::Bytes pointed;     ///< 96 bytes of what it points to: see observer.h

    bool ok() const noexcept { return result >= 0; }
    std::string path() const;                   ///< BPF_OBJ_PIN, BPF_OBJ_GET: the path; RAW_TRACEPOINT_OPEN: the name
    std::string name() const;                   ///< BPF_PROG_LOAD and BPF_MAP_CREATE: the object's name
    std::vector<bpf_insn> first_insns() const;  ///< BPF_PROG_LOAD: at most 12 instructions
    /// "BPF_PROG_LOAD hello, 12 instructions = 6".
    std::string text() const;
};

/// "BPF_PROG_LOAD" for 5; "command 99" for one that is not known here.
std::string command_name(std::uint32_t command);

class Observer {
public:
    /// Watches the descendants of the process `root`, but not it itself. Throws Error without root privileges, or where
    /// the kernel has no tracepoints for system calls. `gate` outlives this.
    Observer(minibpf::KernelGate& gate, int root);
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    /// The calls that have returned since this was asked last, in their order. The ring has room for some 3,000 in
    /// between.
    std::vector<ObservedCall> take();

    /// Calls that were not noted for want of room.
    std::uint64_t lost();

private:
    minibpf::Object object_;
    minibpf::Poller poller_;
    std::vector<ObservedCall> calls_;
    minibpf::RingBuffer ring_;
    minibpf::Link exit_, enter_;
};

}  // namespace checker
