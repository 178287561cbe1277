// trace_pipe: where bpf_printk() goes. One buffer for the whole kernel, and reading takes a line out of it for good.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/events/poller.hpp>
#include <libminibpf/object/printk_formats.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// One line that a BPF program printed:
///
///     bash-812     [001] ...21  1234.567890: bpf_trace_printk: Hello World!
struct TraceLine {
    std::string_view whole;  ///< without leading blanks and the newline
    std::string_view task;   ///< "bash"; "<...>" when the kernel has forgotten the name
    int pid = 0;
    std::string_view message;  ///< "Hello World!"
};

/// Whether the kernel says that lines were lost: "CPU:1 [LOST 17 EVENTS]".
bool is_loss_notice(std::string_view line);

/// The parts of a line that bpf_trace_printk() wrote; nothing for other tracers' lines.
std::optional<TraceLine> parse_trace_line(std::string_view line);

/// Hands out the lines of BPF programs as they come.
class TracePipe {
public:
    /// A message of several lines comes line by line; from the second on they have no task and no pid. So do the
    /// kernel's notices that lines were lost.
    using OnLine = std::function<void(const TraceLine& line)>;

    /// Opens trace_pipe (EBUSY: since 6.8 only one process may have it open), drops what earlier programs have left in
    /// it, and adds it to `poller`. Only lines that one of `only`'s formats can have printed are handed out; all when
    /// that list is not complete.
    TracePipe(Poller& poller, PrintkFormats only, OnLine on_line);
    TracePipe(const TracePipe&) = delete;
    TracePipe& operator=(const TracePipe&) = delete;

    /// Reads what is there now.
    void drain();

private:
    bool read_some();  ///< appends to pending_; false when that was all for now
    void hand_out(std::string_view line);
    bool is_ours(const TraceLine& line) const;

    KernelGate& gate_;
    PrintkFormats only_;
    OnLine on_line_;
    TracefsFile pipe_;
    std::string pending_;         ///< what was read and not handed out; ends in a line whose end has not come yet
    bool last_was_ours_ = false;  ///< a line without a header goes on the one before it
    Poller::Registration registration_;
};

}  // namespace minibpf

#pragma GCC visibility pop
