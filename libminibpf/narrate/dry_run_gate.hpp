// The gate of `loader plan`: answers every call itself, so that one sees what would be done without doing it.
//
// Descriptors get the numbers that the kernel would give, mappings are real memory, creating and loading succeed. Only
// files that are opened for reading are passed on (the object, a tracepoint's id, the kernel's BTF, configuration and
// symbols), with reading them, asking for their size and mapping them, since that changes nothing. Where opening fails
// for lack of privilege or because this kernel lacks the facility, a plausible content is made up: a plan can be made
// by anyone, anywhere.
//
// What is already loaded in the kernel or pinned is not looked at, for that takes privileges: no id follows on any
// other, and nothing is pinned under any name, so that a plan shows maps being created and pinned.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <linux/netlink.h>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Answers that were made up carry Origin::dry_run.
class DryRunGate final : public KernelGate {
public:
    /// `next` answers the reading of files. `first_fd` is the lowest descriptor that is handed out.
    explicit DryRunGate(KernelGate& next, int first_fd = 3) noexcept : next_(next), first_fd_(first_fd) {}
    ~DryRunGate() override;

    DryRunGate(const DryRunGate&) = delete;
    DryRunGate& operator=(const DryRunGate&) = delete;

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override;

    /// The descriptors that were handed out and not closed, in ascending order.
    std::vector<int> open_fds() const;
    std::size_t mapping_count() const noexcept { return mappings_.size(); }  ///< how many were not unmapped

private:
    struct File {
        int real_fd = -1;          // what `next` knows it as; -1: made up
        std::string content;       // of a made-up file
        std::size_t position = 0;  // where in `content` reading goes on
    };
    struct Freed {
        void operator()(void* memory) const noexcept;
    };
    struct Mapped {
        std::unique_ptr<void, Freed> memory;  // made up
        std::size_t real_length = 0;          // or what `next` mapped, that long
    };

    Answer open(File file);
    template <class Call>
    Answer answer(
        const Call& call);  // whatever has no rule of its own succeeds with 0 or, if it creates something, a new fd
    Answer answer(const MapLookupElem& call);
    Answer answer(const MapGetNextKey& call);
    Answer answer(const ObjGet& call);
    Answer answer(const ObjGetInfoByFd& call);
    Answer answer(const GetNextId& call);
    Answer answer(const OpenAt& call);
    Answer answer(const Read& call);
    Answer answer(const Write& call);
    Answer answer(const Lseek& call);
    Answer answer(const ReadDirectory& call);
    Answer answer(const ReadLink& call);
    Answer answer(const Close& call);
    Answer answer(const Mmap& call);
    Answer answer(const Munmap& call);
    Answer answer(const GetPid& call);
    Answer answer(const SocketCreate& call);
    Answer answer(const InterfaceIndex& call);
    Answer answer(const SendTo& call);
    Answer answer(const ReceiveFrom& call);

    KernelGate& next_;
    int first_fd_;
    nlmsghdr last_request_{};                    // what the next ReceiveFrom answers
    std::map<int, File> files_;                  // by the number that was handed out
    std::map<std::uintptr_t, Mapped> mappings_;  // by address
};

}  // namespace minibpf

#pragma GCC visibility pop
