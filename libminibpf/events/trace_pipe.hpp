// trace_pipe: where bpf_printk() goes. One buffer for the whole kernel, and reading takes a line out of it for good.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/events/poller.hpp>
#include <libminibpf/object/printk_formats.hpp>

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

/// The parts of a line that bpf_trace_printk() wrote; nothing for other tracers' lines.
std::optional<TraceLine> parse_trace_line(std::string_view line);

/// Hands out the lines of BPF programs as they come.
class TracePipe {
public:
    using OnLine = std::function<void(const TraceLine& line)>;

    /// Opens trace_pipe, drops what earlier programs have left in it, and adds it to `poller`. Only lines that one of
    /// `only`'s formats can have printed are handed out; all when that list is not complete.
    TracePipe(Poller& poller, PrintkFormats only, OnLine on_line);
    TracePipe(const TracePipe&) = delete;
    TracePipe& operator=(const TracePipe&) = delete;

    /// Reads what is there now.
    void drain();

private:
    bool read_some();  ///< appends to pending_; false when nothing was there
    void hand_out(std::string_view line);

    KernelGate& gate_;
    PrintkFormats only_;
    OnLine on_line_;
    TracefsFile pipe_;
    std::string pending_;  ///< the beginning of a line whose end has not come yet
};

}  // namespace minibpf
