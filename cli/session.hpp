// One run of an object, from file to detached: what run, plan and step have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/usdt.hpp>
#include <libminibpf/events/packets.hpp>
#include <libminibpf/events/perf_buffer.hpp>
#include <libminibpf/events/poller.hpp>
#include <libminibpf/events/ring_buffer.hpp>
#include <libminibpf/events/trace_pipe.hpp>
#include <libminibpf/load/loader.hpp>

#include "run_options.hpp"

namespace cli {

/// Whether a run goes on after the load: to show events, or for the command or the time that was asked for.
bool waits_for_events(const RunOptions& options);

/// A program that --keep-going went on without.
struct ProgramState {
    std::string program;
    std::string_view state;  ///< "not loaded", "not attached"
    const minibpf::Error* error = nullptr;
};

class MapUpdates;

/// A loaded and attached object with its event buffers. Its death detaches, unmaps and closes everything.
class Session {
public:
    /// Opens, loads, attaches, updates maps and maps the buffers, in this order. Throws minibpf::Error.
    Session(minibpf::KernelGate& gate, const RunOptions& options);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Shows maps once, where nothing is attached; else events until the command has ended, --duration or --count is
    /// reached, or somebody asks to stop.
    void run();
    /// Whether run() waits for something. What an iterator writes is there at once.
    bool waits() const;

    const std::vector<minibpf::Link>& links() const noexcept { return links_; }
    const minibpf::Object& object() const noexcept { return object_; }
    /// The programs that were left out; empty without --keep-going.
    std::vector<ProgramState> summary() const;

private:
    struct Shown {
        std::string map;
        minibpf::btf::TypeId type = 0;  ///< 0: not known, a hexdump
    };

    void check_requests();
    void check_maxactive() const;
    void attach_programs(const MapUpdates& updates);
    const minibpf::Program& attach_as_asked(const std::string& request);
    void attach_where_its_section_says(const minibpf::Program& program);
    void attach_tables();
    minibpf::AttachOptions attach_options(const minibpf::Program& program, const minibpf::Hook& hook) const;
    void try_to_attach(const std::string& name, minibpf::HookKind kind,
                       const std::function<minibpf::Link()>& attach_it);
    void open_trace_pipe();
    void open_buffers();
    void open_packet_sockets();
    void show_packet(const minibpf::Link& link, minibpf::ByteView packet);
    Shown shown_as(const std::string& map) const;
    void show_sample(const Shown& shown, int cpu, minibpf::ByteView sample);
    void suggest_types(const Shown& shown, std::size_t size);
    void show_line(const minibpf::TraceLine& line);
    void show_maps();
    void event_shown();

    minibpf::KernelGate& gate_;
    const RunOptions& options_;
    minibpf::AttachOptions attach_options_;
    minibpf::Object object_;
    minibpf::UsdtSpecs usdt_specs_;
    minibpf::Poller poller_;
    std::unique_ptr<minibpf::TracePipe> trace_pipe_;
    std::vector<minibpf::Link> links_;
    std::vector<std::size_t> iterators_;  ///< which of the links
    std::vector<minibpf::FailedProgram> not_attached_;
    std::vector<std::unique_ptr<minibpf::PerfBuffer>> perf_buffers_;
    std::vector<std::unique_ptr<minibpf::RingBuffer>> ring_buffers_;
    std::vector<std::unique_ptr<minibpf::PacketReader>> packet_readers_;
    long events_shown_ = 0;
    bool types_suggested_ = false;
};

}  // namespace cli
