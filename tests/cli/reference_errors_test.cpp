// What docs/reference/bpf-commands/ says of errors is what the running kernel answers: each call here is one that it
// refuses, and the table under the call's heading has a row with that errno.
#include <array>
#include <cerrno>
#include <regex>

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/kernel/page_size.hpp>
#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr int not_supported = 524;  // ENOTSUPP

const std::array<bpf_insn, 2> return_0 = {{{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                                           {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};

// The lines under "## `NAME`" of whichever page has it.
std::string entry_of(const std::string& name) {
    for (const auto& page : std::filesystem::directory_iterator(source_dir() / "docs/reference/bpf-commands")) {
        const std::string content = text_file(page.path());
        std::smatch heading;
        if (!std::regex_search(content, heading, std::regex("\n## [^\n]*`" + name + "`"))) continue;
        const auto begin = static_cast<std::size_t>(heading.position() + 1);
        return content.substr(begin, content.find("\n## ", begin) - begin);
    }
    return {};
}

bool has_error(const std::string& entry, int error) {
    const std::regex row("^\\|( [A-Z0-9]+,)* " + errno_name(error) + "(, [A-Z0-9]+)* \\|.*");
    for (const std::string& line : lines_of(entry)) {
        if (std::regex_match(line, row)) return true;
    }
    return false;
}

class RefusedCalls {
public:
    Fd make(const Syscall& call) {
        const Answer answer = gate.enter(call);
        REQUIRE(answer.error == 0);
        return Fd(gate, answer.fd());
    }
    void expect(const std::string& name, int error, const Syscall& call) {
        INFO(name << " is to say " << errno_name(error));
        const Answer answer = gate.enter(call);
        CHECK(errno_name(answer.error) == errno_name(error));
        CHECK(has_error(entry_of(name), error));
    }
    Fd map(std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries, std::uint32_t flags = 0) {
        return make(
            MapCreate{.type = type, .key_size = key, .value_size = value, .max_entries = entries, .map_flags = flags});
    }
    Fd program(std::uint32_t type) { return make(ProgLoad{.type = type, .insns = return_0, .license = "GPL"}); }

    LiveGate gate;
};

}  // namespace

TEST_CASE("the errors of map commands in the reference are the kernel's", "[cli][kernel][docs][reference]") {
    require_prerequisite(geteuid() == 0, "root");
    RefusedCalls calls;
    const std::string create = "BPF_MAP_CREATE", lookup = "BPF_MAP_LOOKUP_ELEM", update = "BPF_MAP_UPDATE_ELEM";
    const std::string remove = "BPF_MAP_DELETE_ELEM", next = "BPF_MAP_GET_NEXT_KEY", freeze = "BPF_MAP_FREEZE";
    const std::uint32_t zero = 0, one = 1, far = 1000;
    std::uint32_t value = 0;
    const auto to_fill = std::as_writable_bytes(std::span(&value, 1));

    calls.expect(create, EINVAL, MapCreate{.type = 9999, .key_size = 4, .value_size = 4, .max_entries = 1});
    calls.expect(create, EINVAL, MapCreate{.type = BPF_MAP_TYPE_HASH, .value_size = 4, .max_entries = 1});
    calls.expect(
        create, EINVAL,
        MapCreate{.name = "a-b", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
    calls.expect(create, E2BIG,
                 MapCreate{.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 1u << 30, .max_entries = 1});
    calls.expect(create, not_supported,
                 MapCreate{.type = BPF_MAP_TYPE_LRU_HASH,
                           .key_size = 4,
                           .value_size = 4,
                           .max_entries = 1,
                           .map_flags = BPF_F_NO_PREALLOC});

    const Fd array = calls.map(BPF_MAP_TYPE_ARRAY, 4, 4, 2), hash = calls.map(BPF_MAP_TYPE_HASH, 4, 4, 1);
    const Fd for_reading = calls.map(BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_RDONLY);
    const Fd for_writing = calls.map(BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_WRONLY);
    const Fd queue = calls.map(BPF_MAP_TYPE_QUEUE, 0, 4, 2), ring = calls.map(BPF_MAP_TYPE_RINGBUF, 0, 0, 65536);
    const Fd programs = calls.map(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2);
    calls.expect(lookup, ENOENT, MapLookupElem{.map_fd = array.get(), .key = bytes_of(far), .value = to_fill});
    calls.expect(lookup, ENOENT, MapLookupElem{.map_fd = hash.get(), .key = bytes_of(far), .value = to_fill});
    calls.expect(lookup, EPERM, MapLookupElem{.map_fd = for_writing.get(), .key = bytes_of(zero), .value = to_fill});
    calls.expect(lookup, EINVAL,
                 MapLookupElem{.map_fd = array.get(), .key = bytes_of(zero), .value = to_fill, .flags = BPF_F_LOCK});
    calls.expect(lookup, not_supported, MapLookupElem{.map_fd = ring.get(), .key = {}, .value = to_fill});

    calls.expect(update, E2BIG, MapUpdateElem{.map_fd = array.get(), .key = bytes_of(far), .value = bytes_of(one)});
    calls.expect(
        update, ENOENT,
        MapUpdateElem{.map_fd = hash.get(), .key = bytes_of(zero), .value = bytes_of(one), .flags = BPF_EXIST});
    CHECK(calls.gate.enter(MapUpdateElem{.map_fd = hash.get(), .key = bytes_of(zero), .value = bytes_of(one)}).ok());
    calls.expect(update, E2BIG, MapUpdateElem{.map_fd = hash.get(), .key = bytes_of(one), .value = bytes_of(one)});
    calls.expect(
        update, EEXIST,
        MapUpdateElem{.map_fd = hash.get(), .key = bytes_of(zero), .value = bytes_of(one), .flags = BPF_NOEXIST});
    calls.expect(update, EPERM,
                 MapUpdateElem{.map_fd = for_reading.get(), .key = bytes_of(zero), .value = bytes_of(one)});
    calls.expect(update, EBADF, MapUpdateElem{.map_fd = programs.get(), .key = bytes_of(zero), .value = bytes_of(far)});

    calls.expect(remove, ENOENT, MapDeleteElem{.map_fd = hash.get(), .key = bytes_of(far)});
    calls.expect(remove, EINVAL, MapDeleteElem{.map_fd = array.get(), .key = bytes_of(zero)});
    calls.expect(remove, EPERM, MapDeleteElem{.map_fd = for_reading.get(), .key = bytes_of(zero)});

    calls.expect(next, ENOENT, MapGetNextKey{.map_fd = array.get(), .key = bytes_of(one), .next_key = to_fill});
    calls.expect(next, EPERM, MapGetNextKey{.map_fd = for_writing.get(), .key = {}, .next_key = to_fill});
    calls.expect(next, EINVAL, MapGetNextKey{.map_fd = queue.get(), .key = {}, .next_key = to_fill});
    calls.expect(next, not_supported, MapGetNextKey{.map_fd = ring.get(), .key = {}, .next_key = to_fill});

    CHECK(calls.gate.enter(MapFreeze{.map_fd = array.get()}).ok());
    const int error = calls.gate.enter(MapFreeze{.map_fd = array.get()}).error;  // Linux 6.1 says EBUSY
    CHECK((error == EPERM || error == EBUSY));
    CHECK(has_error(entry_of(freeze), error));
    const Fd shared = calls.map(BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_MMAPABLE);
    const Mmap map_it{.length = page_size(), .prot = PROT_READ | PROT_WRITE, .fd = shared.get()};
    const Answer mapped = calls.gate.enter(map_it);
    REQUIRE(mapped.ok());
    const Mapping memory(calls.gate, reinterpret_cast<void*>(mapped.value), map_it.length);
    calls.expect(freeze, EBUSY, MapFreeze{.map_fd = shared.get()});
    calls.expect(update, EPERM, MapUpdateElem{.map_fd = array.get(), .key = bytes_of(zero), .value = bytes_of(one)});
}

TEST_CASE("the errors of program and link commands in the reference are the kernel's",
          "[cli][kernel][docs][reference]") {
    require_prerequisite(geteuid() == 0, "root");
    RefusedCalls calls;
    const std::string load = "BPF_PROG_LOAD", test = "BPF_PROG_TEST_RUN", open = "BPF_RAW_TRACEPOINT_OPEN";
    const auto first_insn = std::span(return_0).first(1), last_insn = std::span(return_0).last(1);
    calls.expect(load, EINVAL, ProgLoad{.type = 9999, .insns = return_0, .license = "GPL"});
    calls.expect(load, E2BIG, ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = {}, .license = "GPL"});
    calls.expect(load, EINVAL, ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = first_insn, .license = "GPL"});
    calls.expect(load, EACCES, ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = last_insn, .license = "GPL"});
    std::array<char, 128> log{};  // Linux 6.1 takes no less
    calls.expect(load, ENOSPC,
                 ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = return_0, .license = "GPL", .log_level = 2, .log = log});

    const Fd xdp = calls.program(BPF_PROG_TYPE_XDP), tracepoint = calls.program(BPF_PROG_TYPE_TRACEPOINT);
    const Fd raw = calls.program(BPF_PROG_TYPE_RAW_TRACEPOINT);
    ProgTestResult result;
    const std::array<std::byte, 8> packet{};
    calls.expect(test, not_supported, ProgTestRun{.prog_fd = tracepoint.get(), .result = &result});
    calls.expect(test, EINVAL, ProgTestRun{.prog_fd = xdp.get(), .data = packet, .result = &result});
    calls.expect("BPF_ENABLE_STATS", EINVAL, EnableStats{.type = 9999});

    calls.expect(open, ENOENT, RawTracepointOpen{.name = "no_such_tracepoint", .prog_fd = raw.get()});
    calls.expect(open, EINVAL, RawTracepointOpen{.name = "sched_switch", .prog_fd = xdp.get()});
    const Fd link = calls.make(RawTracepointOpen{.name = "sched_process_exit", .prog_fd = raw.get()});
    calls.expect("BPF_LINK_UPDATE", EINVAL, LinkUpdate{.link_fd = link.get(), .new_prog_fd = raw.get()});
    calls.expect("BPF_LINK_DETACH", EOPNOTSUPP, LinkDetach{.link_fd = link.get()});
    calls.expect("BPF_ITER_CREATE", EINVAL, IterCreate{.link_fd = link.get()});
    calls.expect("BPF_ITER_CREATE", EBADF, IterCreate{.link_fd = 12345});
    calls.expect("BPF_LINK_CREATE", EINVAL, LinkCreate{.prog_fd = xdp.get(), .target_fd = 0, .attach_type = 9999});
    calls.expect("BPF_PROG_ATTACH", EINVAL,
                 ProgAttach{.target_fd = 0, .attach_bpf_fd = xdp.get(), .attach_type = BPF_CGROUP_INET_EGRESS});
}

TEST_CASE("the errors of pins, ids and perf events in the reference are the kernel's",
          "[cli][kernel][docs][reference]") {
    require_prerequisite(geteuid() == 0, "root");
    RefusedCalls calls;
    const TemporaryDirectory directory;
    const Fd map = calls.map(BPF_MAP_TYPE_ARRAY, 4, 4, 1);
    const std::array<std::byte, 24> no_btf{};
    calls.expect("BPF_BTF_LOAD", EINVAL, BtfLoad{.btf = no_btf});
    calls.expect("BPF_OBJ_PIN", EPERM, ObjPin{.pathname = directory / "pin", .bpf_fd = map.get()});
    calls.expect("BPF_OBJ_PIN", ENOENT, ObjPin{.pathname = directory / "no/pin", .bpf_fd = map.get()});
    calls.expect("BPF_OBJ_PIN", EEXIST, ObjPin{.pathname = "/proc/self/comm", .bpf_fd = map.get()});
    calls.expect("BPF_OBJ_GET", ENOENT, ObjGet{.pathname = directory / "pin"});
    calls.expect("BPF_OBJ_GET", EACCES, ObjGet{.pathname = "/proc/self/comm"});
    std::array<std::byte, 16> info{};
    const Fd no_bpf = calls.make(OpenAt{.path = "/dev/null", .flags = O_RDONLY});
    calls.expect("BPF_OBJ_GET_INFO_BY_FD", EINVAL, ObjGetInfoByFd{.bpf_fd = no_bpf.get(), .info = info});
    calls.expect("BPF_OBJ_GET_INFO_BY_FD", EBADFD, ObjGetInfoByFd{.bpf_fd = 12345, .info = info});
    constexpr std::uint32_t last_id = 0x7ffffffe;
    calls.expect("BPF_MAP_GET_NEXT_ID", ENOENT, GetNextId{.kind = IdKind::map, .start_id = last_id});
    calls.expect("BPF_MAP_GET_FD_BY_ID", ENOENT, GetFdById{.kind = IdKind::map, .id = last_id});

    const PerfEventOpen clock{
        .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000000, .cpu = 0};
    PerfEventOpen wrong = clock;
    wrong.type = 9999;
    calls.expect("perf_event_open", ENOENT, wrong);
    wrong = clock;
    wrong.sample_period = 0;
    wrong.sample_freq = 1000000000;
    calls.expect("perf_event_open", EINVAL, wrong);
    wrong = clock;
    wrong.pid = 0x7ffffffe;
    wrong.cpu = -1;
    calls.expect("perf_event_open", ESRCH, wrong);
    const Fd event = calls.make(clock), program = calls.program(BPF_PROG_TYPE_PERF_EVENT);
    const std::string set = "PERF_EVENT_IOC_SET_BPF";
    calls.expect(set, EINVAL,
                 PerfEventSetBpf{.event_fd = event.get(), .prog_fd = calls.program(BPF_PROG_TYPE_XDP).get()});
    CHECK(calls.gate.enter(PerfEventSetBpf{.event_fd = event.get(), .prog_fd = program.get()}).ok());
    calls.expect(set, EEXIST, PerfEventSetBpf{.event_fd = event.get(), .prog_fd = program.get()});
    CHECK(calls.gate.enter(PerfEventEnable{.event_fd = no_bpf.get()}).error == ENOTTY);
}
