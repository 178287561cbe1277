// The order of a run: load, listen to trace_pipe, attach, update maps, map the buffers, and then wait.
#include "session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/btf/value.hpp>
#include <libminibpf/events/map_view.hpp>

#include "child.hpp"
#include "load_object.hpp"
#include "map_updates.hpp"
#include "open_object.hpp"
#include "output.hpp"
#include "units.hpp"

namespace cli {

using namespace minibpf;

namespace {

using Clock = std::chrono::steady_clock;

std::string_view before(std::string_view text, char separator) {
    return text.substr(0, text.find(separator));
}

// Of PROGRAM=HOOK or HOOK. In tc/ingress:eth0,priority=9 the '=' belongs to the hook: no program's name has a ':' in
// it.
Hook asked_hook(std::string_view request) {
    const std::size_t equals = before(request, ':').find('=');
    return parse_hook(equals == std::string_view::npos ? request : request.substr(equals + 1));
}

bool is_kretprobe(const Hook& hook) {
    return hook.kind == HookKind::kretprobe || hook.kind == HookKind::kretsyscall;
}

bool is_buffer(const Map& map) {
    return map.spec().type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || map.spec().type == BPF_MAP_TYPE_RINGBUF;
}

// A program in a table of tail calls, whose section says of which type it is and no more: it runs when another one
// jumps to it.
bool is_jumped_to(const Object& object, const Program& program, const MapUpdates& updates) {
    if (!program.spec().kind.hook.target.empty()) return false;
    return object.spec().is_in_table(program.spec().function) || updates.refers_to(program.fd());
}

// A program without a place of its own may be one that is jumped to, and nobody has said in which slot.
[[noreturn]] void throw_with_jump_table(Object& object, const Program& program, const Error& error) {
    ErrorDetail detail = error.detail();
    for (const Map& map : object.maps()) {
        if (map.spec().type != BPF_MAP_TYPE_PROG_ARRAY) continue;
        detail.hint +=
            fmt::format("; or, if another program jumps to it, put it into the table: --update '{}[INDEX]={}'",
                        map.name(), program.name());
        break;
    }
    throw Error(std::move(detail));
}

}  // namespace

bool waits_for_events(const RunOptions& options) {
    return !options.no_attach || options.duration_ms || !options.command.empty();
}

Session::Session(KernelGate& gate, const RunOptions& options)
    : gate_(gate),
      options_(options),
      object_(load_object(gate, prepare_object(gate, options), options)),
      usdt_specs_(object_),
      poller_(gate) {
    if (options.use_link) attach_options_.by = AttachBy::link;
    if (options.use_older) attach_options_.by = AttachBy::older;
    if (options.tracefs_kprobes) attach_options_.kprobe_by = KprobeBy::tracefs;
    if (options.pid) attach_options_.pid = *options.pid;
    attach_options_.usdt_specs = &usdt_specs_;
    attach_options_.object = &object_;
    MapUpdates updates(gate, object_, options_.update);
    check_requests();
    check_maxactive();
    catch_signals();
    updates.apply_references();
    if (!options_.no_attach) {
        open_trace_pipe();
        attach_programs(updates);
    }
    updates.apply_values();
    if (options_.no_attach) return;
    open_buffers();
    open_packet_sockets();
}

// What was made last goes first, and a vector destroys from the front.
Session::~Session() {
    packet_readers_.clear();
    while (!ring_buffers_.empty()) ring_buffers_.pop_back();
    while (!perf_buffers_.empty()) perf_buffers_.pop_back();
    while (!links_.empty()) links_.pop_back();
}

// Names and values are checked before anything is attached: a misspelt map is to cost nothing.
void Session::check_requests() {
    for (const std::string& request : options_.events) {
        const Map& map = object_.require_map(before(request, ':'));
        if (!is_buffer(map))
            throw_usage(fmt::format("--events {}: this map is no perf or ring buffer", request),
                        "--show shows its contents");
        shown_as(map.name());
    }
    for (const std::string& name : options_.show) {
        const Map& map = object_.require_map(name);
        if (is_buffer(map)) {
            throw_usage(fmt::format("--show {}: a buffer has no elements", name),
                        "its events are shown without being asked for");
        }
        if (map.spec().key_size == 0) {
            throw_usage(fmt::format("--show {}: a {} has no keys", name, map_type_name(map.spec().type)),
                        "what is in it only programs can tell");
        }
    }
    for (const std::string& request : options_.cookie) {
        if (request.find('=') != std::string::npos) object_.require_program(before(request, '='));
    }
    if (options_.no_attach && !options_.attach.empty()) throw_usage("--attach and --no-attach exclude each other", "");
}

void Session::check_maxactive() const {
    if (!options_.maxactive) return;
    const auto& programs = object_.programs();
    const bool is_by_section =
        std::ranges::any_of(programs, [](const Program& program) { return is_kretprobe(program.spec().kind.hook); });
    const bool is_asked_for =
        std::ranges::any_of(options_.attach, [](const auto& request) { return is_kretprobe(asked_hook(request)); });
    if (is_by_section || is_asked_for) return;
    throw_usage("--maxactive: no program is attached as a kretprobe, and only these count the calls under way",
                "leave it out, or --attach PROGRAM=kretprobe:FUNCTION");
}

// A program that --attach names goes where it says, and the others where their sections say.
void Session::attach_programs(const MapUpdates& updates) {
    std::vector<const Program*> attached;
    for (const std::string& request : options_.attach) attached.push_back(&attach_as_asked(request));
    for (const Program& program : object_.programs()) {
        // The functions of a table come with the table.
        if (program.spec().kind.hook.kind == HookKind::struct_ops) continue;
        if (is_jumped_to(object_, program, updates)) continue;
        const bool done = std::find(attached.begin(), attached.end(), &program) != attached.end();
        if (!done) attach_where_its_section_says(program);
    }
    attach_tables();
    if (links_.empty() && !not_attached_.empty()) throw not_attached_.front().error;
}

void Session::attach_where_its_section_says(const Program& program) {
    try_to_attach(program.name(), program.spec().kind.hook.kind, [&] {
        try {
            return attach(gate_, program, attach_options(program, program.spec().kind.hook));
        } catch (const Error& error) {
            if (error.detail().blame != Blame::usage) throw;
            throw_with_jump_table(object_, program, error);
        }
    });
}

void Session::attach_tables() {
    for (Map& map : object_.maps()) {
        if (map.struct_ops_value().empty()) continue;
        try_to_attach(map.name(), HookKind::struct_ops, [&] { return attach_struct_ops(gate_, map, attach_options_); });
    }
}

AttachOptions Session::attach_options(const Program& program, const Hook& hook) const {
    AttachOptions options = attach_options_;
    if (is_kretprobe(hook)) options.maxactive = options_.maxactive.value_or(0);
    for (const std::string& request : options_.cookie) {
        const std::size_t equals = request.find('=');
        if (equals != std::string::npos && before(request, '=') != program.name()) continue;
        const auto cookie = parse_number(equals == std::string::npos ? request : request.substr(equals + 1));
        if (!cookie) throw_usage(fmt::format("--cookie {}: this is not PROGRAM=NUMBER", request), "");
        options.cookie = static_cast<std::uint64_t>(*cookie);
        options.by = AttachBy::link;
    }
    return options;
}

void Session::try_to_attach(const std::string& name, HookKind kind, const std::function<Link()>& attach_it) {
    try {
        links_.push_back(attach_it());
        if (kind == HookKind::iter) iterators_.push_back(links_.size() - 1);
    } catch (const Error& error) {
        if (!options_.keep_going || error.detail().code == ECANCELED) throw;
        not_attached_.push_back({.name = name, .error = error});
    }
}

// --- the summary of a run that went on without some programs

std::vector<ProgramState> Session::summary() const {
    std::vector<ProgramState> states;
    for (const FailedProgram& failed : object_.failed_programs()) {
        states.push_back({.program = failed.name, .state = "not loaded", .error = &failed.error});
    }
    for (const FailedProgram& failed : not_attached_) {
        states.push_back({.program = failed.name, .state = "not attached", .error = &failed.error});
    }
    return states;
}

const Program& Session::attach_as_asked(const std::string& request) {
    const std::string_view before_colon = before(request, ':');
    const std::size_t equals = before_colon.find('=');
    if (equals == std::string::npos && object_.programs().size() > 1) {
        throw_usage(fmt::format("--attach {}: which program?", request),
                    fmt::format("the object has several: --attach PROGRAM={}", request));
    }
    const Program& program = equals == std::string::npos
                                 ? object_.programs().front()
                                 : object_.require_program(std::string_view(request).substr(0, equals));
    const Hook hook = asked_hook(request);
    AttachOptions how = attach_options(program, hook);
    if (hook.kind == HookKind::sockmap && !hook.target.empty()) how.map_fd = object_.require_map(hook.target).fd();
    try_to_attach(program.name(), hook.kind, [&] { return attach(gate_, program, hook, how); });
    return program;
}

void Session::open_trace_pipe() {
    PrintkFormats formats = formats_printed_by(object_);
    if (options_.all_lines) formats = {.formats = {}, .complete = false};
    if (formats.empty()) return;
    try {
        const auto show = [this](const TraceLine& line) { show_line(line); };
        trace_pipe_ = std::make_unique<TracePipe>(poller_, std::move(formats), show);
    } catch (const Error& error) {
        if (error.detail().code != EBUSY) throw;
        note("loader: another process reads trace_pipe, and only one may: what the programs print appears there");
    }
}

void Session::show_line(const TraceLine& line) {
    if (should_stop()) return;  // --count is reached: the rest of what was read is not wanted
    if (is_loss_notice(line.whole)) return note(fmt::format("loader: trace_pipe: {}", line.whole));
    say(printable(line.whole));
    event_shown();
}

void Session::open_buffers() {
    for (Map& map : object_.maps()) {
        if (!is_buffer(map)) continue;
        const Shown shown = shown_as(map.name());
        if (map.spec().type == BPF_MAP_TYPE_RINGBUF) {
            ring_buffers_.push_back(std::make_unique<RingBuffer>(
                poller_, map, [this, shown](ByteView sample) { show_sample(shown, -1, sample); }));
            continue;
        }
        const auto on_lost = [shown](int cpu, std::uint64_t count) {
            note(fmt::format("loader: {}: {} samples lost on CPU {}: the ring was full", shown.map, count, cpu));
        };
        perf_buffers_.push_back(std::make_unique<PerfBuffer>(
            poller_, map, [this, shown](int cpu, ByteView sample) { show_sample(shown, cpu, sample); }, on_lost));
        const std::vector<int>& without = perf_buffers_.back()->cpus_without_slot();
        if (without.empty()) continue;
        note(fmt::format(
            "loader: map '{}' has {} slots, and what programs send on CPU {} is lost: give it no max_entries",
            map.name(), map.max_entries(), fmt::join(without, ", ")));
    }
}

// All links are there by now: their addresses stay.
void Session::open_packet_sockets() {
    for (const Link& link : links_) {
        if (link.packet_fd() < 0) continue;
        packet_readers_.push_back(std::make_unique<PacketReader>(
            poller_, link.packet_fd(), [this, &link](ByteView packet) { show_packet(link, packet); }));
    }
}

void Session::show_packet(const Link& link, ByteView packet) {
    if (should_stop()) return;
    say(fmt::format("{}: {} bytes", link.description(), packet.size()));
    say(btf::hexdump(packet));
    event_shown();
}

Session::Shown Session::shown_as(const std::string& map) const {
    Shown shown{.map = map};
    for (const std::string& request : options_.events) {
        if (before(request, ':') != map || request.find(':') == std::string::npos) continue;
        const std::string type = request.substr(request.find(':') + 1);
        const auto found = object_.spec().btf ? object_.spec().btf->find_named(type) : std::nullopt;
        if (!found)
            throw_malformed(fmt::format("--events {}: the object's BTF has no type '{}'", request, type),
                            "loader inspect --btf lists them");
        shown.type = *found;
    }
    return shown;
}

void Session::show_sample(const Shown& shown, int cpu, ByteView sample) {
    if (should_stop()) return;
    if (shown.type != 0) {
        say(fmt::format("{}: {}", shown.map, btf::format_value(*object_.spec().btf, shown.type, sample)));
    } else {
        say(fmt::format("{}: {} bytes{}", shown.map, sample.size(),
                        cpu < 0 ? std::string() : fmt::format(" from CPU {}", cpu)));
        say(btf::hexdump(sample));
        suggest_types(shown, sample.size());
    }
    event_shown();
}

void Session::suggest_types(const Shown& shown, std::size_t size) {
    if (types_suggested_ || options_.quiet || !object_.spec().btf) return;
    types_suggested_ = true;
    const btf::Btf& btf = *object_.spec().btf;
    for (btf::TypeId id = 1; id <= btf.last_id(); ++id) {
        const btf::Type type = btf.type(id);
        // perf pads a sample until size + 4 is a multiple of 8.
        const bool fits =
            type.kind == btf::Kind::struct_ && !type.name.empty() && type.size() <= size && size < type.size() + 8;
        if (fits)
            note(fmt::format("loader: to see fields instead of bytes, if this is a struct {0}: --events {1}:{0}",
                             type.name, shown.map));
    }
}

void Session::show_maps() {
    for (const std::string& name : options_.show) say(map_line(object_, object_.require_map(name)));
    for (const std::size_t iterator : iterators_) {
        run_iterator(gate_, links_[iterator], [](std::string_view text) { say_as_it_is(text); });
    }
}

bool Session::waits() const {
    if (!waits_for_events(options_)) return false;
    const bool only_iterators = !iterators_.empty() && iterators_.size() == links_.size();
    return !only_iterators || options_.duration_ms || options_.count || !options_.command.empty();
}

void Session::event_shown() {
    if (options_.count && ++events_shown_ >= *options_.count) ask_to_stop();
}

void Session::run() {
    if (!waits()) {
        show_maps();
        return flush_output();
    }
    constexpr int longest_wait_ms = 100;  // how late the end of the command may be noticed
    std::optional<Child> child;
    if (!options_.command.empty()) child.emplace(options_.command);
    const Clock::time_point start = Clock::now();
    Clock::time_point next_show = start + std::chrono::milliseconds(options_.interval_ms);
    while (!should_stop()) {
        if (child && child->has_ended()) break;
        if (options_.duration_ms && Clock::now() - start >= std::chrono::milliseconds(*options_.duration_ms)) break;
        poller_.wait(child ? 10 : longest_wait_ms);
        if ((!options_.show.empty() || !iterators_.empty()) && Clock::now() >= next_show) {
            show_maps();
            next_show += std::chrono::milliseconds(options_.interval_ms);
        }
        flush_output();
    }
    if (!should_stop()) poller_.drain();
    show_maps();
    flush_output();
    if (child && !options_.quiet && child->has_ended() && !child->complaint().empty()) {
        note(fmt::format("loader: '{}' {}", options_.command, child->complaint()));
    }
}

}  // namespace cli
