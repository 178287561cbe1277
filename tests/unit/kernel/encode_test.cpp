// The bytes that the kernel reads, compared one by one: offsets and sizes are the ABI's, so they stand here as numbers.
#include <array>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include <tests/catch.hpp>

#include <libminibpf/kernel/encode.hpp>

using namespace minibpf;

namespace {

template <class T>
T at(const EncodedBpf& encoded, std::size_t offset) {
    T value;
    std::memcpy(&value, reinterpret_cast<const char*>(&encoded.attr) + offset, sizeof(value));
    return value;
}

EncodedBpf minimal(const Syscall& call) {
    return encode_bpf(call, AttrSize::minimal).value();
}

std::uint64_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

TEST_CASE("MAP_CREATE puts each field where the kernel reads it", "[kernel][encode]") {
    const Syscall call = MapCreate{.name = "config",
                                   .type = BPF_MAP_TYPE_HASH,
                                   .key_size = 4,
                                   .value_size = 12,
                                   .max_entries = 10240,
                                   .map_flags = 1,
                                   .numa_node = 2,
                                   .btf_fd = 3,
                                   .btf_key_type_id = 5,
                                   .btf_value_type_id = 7,
                                   .map_extra = 9};
    const EncodedBpf encoded = minimal(call);
    CHECK(encoded.cmd == BPF_MAP_CREATE);
    CHECK(encoded.size == 72);
    CHECK(at<std::uint32_t>(encoded, 0) == 1);
    CHECK(at<std::uint32_t>(encoded, 4) == 4);
    CHECK(at<std::uint32_t>(encoded, 8) == 12);
    CHECK(at<std::uint32_t>(encoded, 12) == 10240);
    CHECK(at<std::uint32_t>(encoded, 16) == 1);
    CHECK(at<std::uint32_t>(encoded, 24) == 2);
    CHECK(std::string(reinterpret_cast<const char*>(&encoded.attr) + 28) == "config");
    CHECK(at<std::uint32_t>(encoded, 48) == 3);
    CHECK(at<std::uint32_t>(encoded, 52) == 5);
    CHECK(at<std::uint32_t>(encoded, 56) == 7);
    CHECK(at<std::uint64_t>(encoded, 64) == 9);
}

TEST_CASE("a map name longer than 15 characters is cut, and ends in NUL", "[kernel][encode]") {
    const EncodedBpf encoded = minimal(MapCreate{.name = "a_name_that_is_too_long"});
    CHECK(std::string(reinterpret_cast<const char*>(&encoded.attr) + 28) == "a_name_that_is_");
    CHECK(at<std::uint32_t>(encoded, 44) == 0);
}

TEST_CASE("the BTF of a module's struct_ops makes MAP_CREATE longer, and only that", "[kernel][encode]") {
    const EncodedBpf encoded = minimal(MapCreate{.map_flags = 1u << 15, .value_type_btf_obj_fd = 11});
    CHECK(encoded.size == 76);
    CHECK(at<std::uint32_t>(encoded, 16) == 0x8000);
    CHECK(at<std::uint32_t>(encoded, 72) == 11);
    CHECK(encode_bpf(MapCreate{.value_type_btf_obj_fd = 11}, AttrSize::book)->size == 128);
}

TEST_CASE("PROG_LOAD points into the call, and counts what it points to", "[kernel][encode]") {
    const std::vector<bpf_insn> insns(3);
    const Bytes func_info(16);
    const Bytes line_info(48);
    const std::array<int, 2> fd_array{0, 17};
    std::vector<char> log(100);
    const Syscall call = ProgLoad{.name = "hello",
                                  .type = BPF_PROG_TYPE_XDP,
                                  .insns = insns,
                                  .license = "GPL",
                                  .expected_attach_type = BPF_XDP,
                                  .prog_btf_fd = 3,
                                  .func_info_rec_size = 8,
                                  .func_info = func_info,
                                  .line_info_rec_size = 16,
                                  .line_info = line_info,
                                  .attach_btf_id = 19,
                                  .attach_prog_fd = 23,
                                  .fd_array = fd_array,
                                  .log_level = 1,
                                  .log = log};
    const EncodedBpf encoded = minimal(call);
    CHECK(encoded.size == 128);
    CHECK(at<std::uint32_t>(encoded, 0) == 6);
    CHECK(at<std::uint32_t>(encoded, 4) == 3);
    CHECK(at<std::uint64_t>(encoded, 8) == address(insns.data()));
    CHECK(at<std::uint64_t>(encoded, 16) == address(std::get<ProgLoad>(call).license.c_str()));
    CHECK(at<std::uint32_t>(encoded, 24) == 1);
    CHECK(at<std::uint32_t>(encoded, 28) == 100);
    CHECK(at<std::uint64_t>(encoded, 32) == address(log.data()));
    CHECK(std::string(reinterpret_cast<const char*>(&encoded.attr) + 48) == "hello");
    CHECK(at<std::uint32_t>(encoded, 68) == 37);
    CHECK(at<std::uint32_t>(encoded, 72) == 3);
    CHECK(at<std::uint32_t>(encoded, 76) == 8);
    CHECK(at<std::uint64_t>(encoded, 80) == address(func_info.data()));
    CHECK(at<std::uint32_t>(encoded, 88) == 2);
    CHECK(at<std::uint32_t>(encoded, 92) == 16);
    CHECK(at<std::uint64_t>(encoded, 96) == address(line_info.data()));
    CHECK(at<std::uint32_t>(encoded, 104) == 3);
    CHECK(at<std::uint32_t>(encoded, 108) == 19);
    CHECK(at<std::uint32_t>(encoded, 112) == 23);
    CHECK(at<std::uint64_t>(encoded, 120) == address(fd_array.data()));
}

TEST_CASE("the calls on a map's elements point to keys and values", "[kernel][encode]") {
    const std::array<std::byte, 4> key{};
    std::array<std::byte, 12> value{};
    std::array<std::byte, 4> next_key{};
    const Syscall update = MapUpdateElem{.map_fd = 5, .key = key, .value = value, .flags = BPF_NOEXIST};
    CHECK(minimal(update).cmd == BPF_MAP_UPDATE_ELEM);
    CHECK(minimal(update).size == 32);
    CHECK(at<std::uint32_t>(minimal(update), 0) == 5);
    CHECK(at<std::uint64_t>(minimal(update), 8) == address(key.data()));
    CHECK(at<std::uint64_t>(minimal(update), 16) == address(value.data()));
    CHECK(at<std::uint64_t>(minimal(update), 24) == BPF_NOEXIST);
    const Syscall lookup = MapLookupElem{.map_fd = 5, .key = key, .value = value};
    CHECK(minimal(lookup).cmd == BPF_MAP_LOOKUP_ELEM);
    CHECK(at<std::uint64_t>(minimal(lookup), 16) == address(value.data()));
    const Syscall remove = MapDeleteElem{.map_fd = 5, .key = key};
    CHECK(minimal(remove).cmd == BPF_MAP_DELETE_ELEM);
    CHECK(minimal(remove).size == 16);
    CHECK(at<std::uint64_t>(minimal(remove), 8) == address(key.data()));
    const Syscall next = MapGetNextKey{.map_fd = 5, .key = key, .next_key = next_key};
    CHECK(minimal(next).cmd == BPF_MAP_GET_NEXT_KEY);
    CHECK(minimal(next).size == 24);
    CHECK(at<std::uint32_t>(minimal(next), 0) == 5);
    CHECK(at<std::uint64_t>(minimal(next), 8) == address(key.data()));
    CHECK(at<std::uint64_t>(minimal(next), 16) == address(next_key.data()));
    const Syscall first = MapGetNextKey{.map_fd = 5, .key = ByteView(key).first(0), .next_key = next_key};
    CHECK(at<std::uint64_t>(minimal(first), 8) == 0);  // no key: the kernel gives the first one
}

TEST_CASE("BTF_LOAD points to the types and to the log", "[kernel][encode]") {
    const Bytes types(200);
    std::vector<char> log(100);
    const Syscall call = BtfLoad{.btf = types, .log_level = 1, .log = log};
    const EncodedBpf encoded = minimal(call);
    CHECK(encoded.cmd == BPF_BTF_LOAD);
    CHECK(encoded.size == 28);
    CHECK(at<std::uint64_t>(encoded, 0) == address(types.data()));
    CHECK(at<std::uint64_t>(encoded, 8) == address(log.data()));
    CHECK(at<std::uint32_t>(encoded, 16) == 200);
    CHECK(at<std::uint32_t>(encoded, 20) == 100);
    CHECK(at<std::uint32_t>(encoded, 24) == 1);
}

TEST_CASE("ids are walked and opened by one command for each kind of object", "[kernel][encode]") {
    const std::tuple<IdKind, bpf_cmd, bpf_cmd, std::uint32_t> commands[] = {
        {IdKind::prog, BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, 12},
        {IdKind::map, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, 12},
        {IdKind::btf, BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, 4},
        {IdKind::link, BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID, 4},
    };
    for (const auto& [kind, next_id, fd_by_id, fd_by_id_size] : commands) {
        const EncodedBpf next = minimal(GetNextId{.kind = kind, .start_id = 629});
        CHECK(next.cmd == next_id);
        CHECK(next.size == 12);
        CHECK(at<std::uint32_t>(next, 0) == 629);
        CHECK(at<std::uint64_t>(next, 4) == 0);
        const EncodedBpf open = minimal(GetFdById{.kind = kind, .id = 630});
        CHECK(open.cmd == fd_by_id);
        CHECK(open.size == fd_by_id_size);
        CHECK(at<std::uint32_t>(open, 0) == 630);
    }
}

TEST_CASE("a call's name tells of which kind the ids are", "[kernel][encode]") {
    CHECK(call_name(GetNextId{.kind = IdKind::prog}) == "bpf(BPF_PROG_GET_NEXT_ID)");
    CHECK(call_name(GetNextId{.kind = IdKind::btf}) == "bpf(BPF_BTF_GET_NEXT_ID)");
    CHECK(call_name(GetFdById{.kind = IdKind::map}) == "bpf(BPF_MAP_GET_FD_BY_ID)");
    CHECK(call_name(GetFdById{.kind = IdKind::link}) == "bpf(BPF_LINK_GET_FD_BY_ID)");
    CHECK(call_name(Lseek{}) == "lseek");
    CHECK(call_name(ReadDirectory{}) == "getdents64");
    CHECK(call_name(ReadLink{}) == "readlink");
    CHECK(call_name(Close{}) == "close");
    CHECK(call_name(Mkdir{}) == "mkdir");
    CHECK(call_name(Unlink{}) == "unlink");
    CHECK(call_name(PerfEventOpen{}) == "perf_event_open");
    CHECK(call_name(GetPid{}) == "getpid");
}

TEST_CASE("removing a pin is clean-up, making a directory for it is not", "[kernel][encode]") {
    CHECK(is_cleanup(Unlink{.path = "/sys/fs/bpf/config"}));
    CHECK_FALSE(is_cleanup(Mkdir{.path = "/sys/fs/bpf/tc"}));
    CHECK_FALSE(is_cleanup(Lseek{}));
}

TEST_CASE("each command passes as many bytes as it has fields, or 128 as in the book", "[kernel][encode]") {
    const std::pair<Syscall, std::uint32_t> sizes[] = {
        {MapCreate{}, 72},         {MapLookupElem{}, 32}, {MapUpdateElem{}, 32}, {MapDeleteElem{}, 16},
        {MapGetNextKey{}, 24},     {MapFreeze{}, 4},      {ProgLoad{}, 128},     {BtfLoad{}, 28},
        {RawTracepointOpen{}, 16}, {LinkCreate{}, 48},    {ObjPin{}, 16},        {ObjGet{}, 16},
        {ObjGetInfoByFd{}, 16},    {GetNextId{}, 12},     {GetFdById{}, 12},     {ProgTestRun{}, 40},
        {EnableStats{}, 4},
    };
    for (const auto& [call, size] : sizes) {
        INFO(call_name(call));
        CHECK(encode_bpf(call, AttrSize::minimal)->size == size);
        CHECK(encode_bpf(call, AttrSize::book)->size == 128);
    }
}

TEST_CASE("a raw tracepoint's cookie is passed only when there is one", "[kernel][encode]") {
    const EncodedBpf encoded = minimal(RawTracepointOpen{.name = "sys_enter", .prog_fd = 6, .cookie = 0x1234});
    CHECK(encoded.size == 24);
    CHECK(at<std::uint64_t>(encoded, 16) == 0x1234);
}

TEST_CASE("a test run passes as much as it needs: a packet, a context, or flags", "[kernel][encode]") {
    const std::array<std::byte, 14> packet{};
    std::array<std::byte, 20> packet_out{};
    const std::array<std::byte, 8> context{};
    const Syscall call = ProgTestRun{.prog_fd = 7, .data = packet, .data_out = packet_out, .repeat = 3};
    const EncodedBpf encoded = minimal(call);
    CHECK(encoded.cmd == BPF_PROG_TEST_RUN);
    CHECK(at<std::uint32_t>(encoded, 0) == 7);
    CHECK(at<std::uint32_t>(encoded, 8) == 14);
    CHECK(at<std::uint32_t>(encoded, 12) == 20);
    CHECK(at<std::uint64_t>(encoded, 16) == address(packet.data()));
    CHECK(at<std::uint64_t>(encoded, 24) == address(packet_out.data()));
    CHECK(at<std::uint32_t>(encoded, 32) == 3);
    const Syscall with_context = ProgTestRun{.prog_fd = 7, .ctx = context};
    CHECK(minimal(with_context).size == 64);
    CHECK(at<std::uint32_t>(minimal(with_context), 40) == 8);
    CHECK(at<std::uint64_t>(minimal(with_context), 48) == address(context.data()));
    const Syscall on_cpu = ProgTestRun{.prog_fd = 7, .ctx = context, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = 1};
    CHECK(minimal(on_cpu).size == 76);
    CHECK(at<std::uint32_t>(minimal(on_cpu), 64) == 1);
    CHECK(at<std::uint32_t>(minimal(on_cpu), 68) == 1);
}

TEST_CASE("bytes that a command does not use are zero, for the kernel refuses others", "[kernel][encode]") {
    const EncodedBpf encoded = encode_bpf(RawTracepointOpen{.name = "sys_enter", .prog_fd = 6}, AttrSize::book).value();
    for (std::size_t i = 12; i < sizeof(encoded.attr); ++i) {
        INFO(i);
        CHECK(at<std::uint8_t>(encoded, i) == 0);
    }
}

TEST_CASE("calls that are not bpf(2) have no bpf_attr", "[kernel][encode]") {
    CHECK_FALSE(encode_bpf(Close{.fd = 3}, AttrSize::minimal).has_value());
    CHECK_FALSE(encode_bpf(PerfEventOpen{}, AttrSize::minimal).has_value());
    CHECK_FALSE(encode_bpf(Lseek{}, AttrSize::minimal).has_value());
    CHECK_FALSE(encode_bpf(Mkdir{}, AttrSize::minimal).has_value());
    CHECK_FALSE(encode_bpf(Unlink{}, AttrSize::minimal).has_value());
}

TEST_CASE("a perf event's attr has its type, its config and how often it samples", "[kernel][encode]") {
    const perf_event_attr each = encode(PerfEventOpen{.type = PERF_TYPE_TRACEPOINT,
                                                      .config = 862,
                                                      .sample_period = 1,
                                                      .sample_type = PERF_SAMPLE_RAW,
                                                      .wakeup_events = 1});
    CHECK(each.type == PERF_TYPE_TRACEPOINT);
    CHECK(each.size == PERF_ATTR_SIZE_VER7);
    CHECK(each.config == 862);
    CHECK(each.sample_period == 1);
    CHECK(each.sample_type == PERF_SAMPLE_RAW);
    CHECK(each.wakeup_events == 1);
    CHECK(each.freq == 0);
    CHECK(each.config1 == 0);  // no function
    CHECK(each.disabled == 0);
    const perf_event_attr often = encode(PerfEventOpen{.type = PERF_TYPE_SOFTWARE, .sample_freq = 99});
    CHECK(often.freq == 1);
    CHECK(often.sample_freq == 99);
}

TEST_CASE("a kprobe's function name goes to the PMU through config1, its offset through config2", "[kernel][encode]") {
    const PerfEventOpen call{.type = 8, .config = 1, .kprobe_func = "do_unlinkat", .probe_offset = 16};
    const perf_event_attr attr = encode(call);
    CHECK(attr.type == 8);
    CHECK(attr.size == 128);
    CHECK(attr.config == 1);
    CHECK(attr.kprobe_func == address(call.kprobe_func.c_str()));
    CHECK(attr.probe_offset == 16);
}
