// An attached program. As long as the Link lives the program runs at its hook; its death detaches.
#pragma once

#include <memory>
#include <string>

#include <libminibpf/kernel/fd.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// A probe in tracefs's kprobe_events or uprobe_events that minibpf has made; removes it when it dies. Move-only.
///
/// Holds the file open all the while, so that the removal is one write and cannot fail for want of a descriptor.
class TracefsProbe {
public:
    TracefsProbe() = default;
    /// `event` is GROUP/NAME, as it was written into the open `events_file`.
    TracefsProbe(KernelGate& gate, Fd events_file, std::string event)
        : gate_(&gate), events_file_(std::move(events_file)), removal_("-:" + std::move(event)) {}
    TracefsProbe(TracefsProbe&& other) noexcept
        : gate_(other.gate_), events_file_(std::move(other.events_file_)), removal_(std::move(other.removal_)) {}
    TracefsProbe& operator=(TracefsProbe&&) = delete;
    ~TracefsProbe();

private:
    KernelGate* gate_ = nullptr;
    Fd events_file_;
    std::string removal_;  ///< "-:minibpf/do_unlinkat_4711_1"
};

/// A program that is attached without a descriptor that would hold it there: BPF_PROG_ATTACH, netlink, a socket option.
/// Each way has a class of its own, whose destructor detaches.
class Attachment {
public:
    Attachment() = default;
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    virtual ~Attachment() = default;

    /// The packet socket whose packets the program chooses; -1 when this is none.
    virtual int packet_fd() const noexcept { return -1; }
};

/// An attachment that one call makes and one call takes away: BPF_PROG_ATTACH, setsockopt.
class CallAttachment final : public Attachment {
public:
    /// `target`, if it is open, is what the calls are about, and is kept open until the end. Nothing is attached yet:
    /// the object is there before the call is made, so that nothing can come between the two.
    CallAttachment(KernelGate& gate, Fd target, const Syscall& undo, const char* why_undo)
        : gate_(gate), target_(std::move(target)), undo_(undo), why_undo_(why_undo) {}
    ~CallAttachment() override {
        if (is_attached_) gate_.enter(undo_, why_undo_);
    }

    /// Makes the call that attaches. If the kernel did it, `undo` is made at the end.
    Answer attach(const Syscall& call, const Reason& reason) noexcept {
        const Answer answer = gate_.enter(call, reason);
        is_attached_ = answer.ok();
        return answer;
    }

private:
    KernelGate& gate_;
    Fd target_;
    Syscall undo_;
    const char* why_undo_;
    bool is_attached_ = false;
};

/// What holds a program at its hook: some hooks need a perf event, some a BPF link, some both.
class Link {
public:
    /// By a BPF link.
    Link(std::string description, Fd link) : description_(std::move(description)), link_(std::move(link)) {}
    /// By what has no descriptor.
    Link(std::string description, std::unique_ptr<Attachment> attachment)
        : description_(std::move(description)), attachment_(std::move(attachment)) {}
    /// By a perf event, of a probe in tracefs perhaps, and with a BPF link on top of it perhaps.
    Link(std::string description, TracefsProbe probe, Fd event, Fd link = {})
        : description_(std::move(description)),
          probe_(std::move(probe)),
          event_(std::move(event)),
          link_(std::move(link)) {}

    const std::string& description() const noexcept { return description_; }  ///< "hello at kprobe:__x64_sys_execve"
    int event_fd() const noexcept { return event_.get(); }                    ///< -1 when the hook has no perf event
    int link_fd() const noexcept { return link_.get(); }                      ///< -1 when there is no BPF link

    /// Where a socket filter's packets can be read, without waiting; -1 when this is none.
    int packet_fd() const noexcept { return attachment_ != nullptr ? attachment_->packet_fd() : -1; }

private:
    std::string description_;
    TracefsProbe probe_;  // removed last: tracefs keeps a probe that a perf event still uses (EBUSY)
    Fd event_;
    Fd link_;
    std::unique_ptr<Attachment> attachment_;
};

}  // namespace minibpf

#pragma GCC visibility pop
