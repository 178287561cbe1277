// From a perf_event_attr to the text of its fields. strace without -v shows the first ones, the bits that are set, and
// precise_ip whether it is set or not (include/uapi/linux/perf_event.h).
#include <libminibpf/narrate/attr_fields.hpp>

#include <array>
#include <cstddef>

#include <fmt/format.h>

#include <libminibpf/narrate/names.hpp>

namespace minibpf {

namespace {

std::string hex_text(std::uint64_t value) {
    return value == 0 ? "0" : fmt::format("{:#x}", value);
}

// Which cache, which operation and which result, a byte each.
std::string cache_text(std::uint64_t config, StraceVersion version) {
    std::string text;
    if (config >> 24 != 0) text = fmt::format("{:#x}<<24|", config >> 24);
    return text + fmt::format("{}<<16|{}<<8|{}", enum_text(perf_cache_results, config >> 16 & 0xff, version),
                              enum_text(perf_cache_operations, config >> 8 & 0xff, version),
                              enum_text(perf_caches, config & 0xff, version));
}

std::string config_text(const perf_event_attr& attr, StraceVersion version) {
    switch (attr.type) {
        case PERF_TYPE_HARDWARE: return enum_text(perf_hardware_events, attr.config, version);
        case PERF_TYPE_SOFTWARE: return enum_text(perf_software_events, attr.config, version);
        case PERF_TYPE_TRACEPOINT: return fmt::format("{}", attr.config);
        case PERF_TYPE_HW_CACHE: return cache_text(attr.config, version);
        default: return hex_text(attr.config);
    }
}

std::string_view config_meaning(const perf_event_attr& attr) {
    switch (attr.type) {
        case PERF_TYPE_TRACEPOINT: return "which tracepoint: the number in its `id` file in tracefs";
        case PERF_TYPE_SOFTWARE: return "which event of the kernel's own making";
        case PERF_TYPE_HARDWARE:
        case PERF_TYPE_HW_CACHE: return "which counter of the processor";
        default:
            return "which event; for kprobes and uprobes, bit 0 asks for the function's return, and bits 32-63 are "
                   "where in the file a USDT probe's semaphore is";
    }
}

std::string precision_text(const perf_event_attr& attr) {
    constexpr std::array<std::string_view, 4> promises = {"arbitrary skid", "constant skid", "requested to have 0 skid",
                                                          "must have 0 skid"};
    const unsigned level = attr.precise_ip;
    return fmt::format("{} /* {} */", level, promises[level]);
}

CallField field(const perf_event_attr& attr, std::string_view name, std::size_t offset, std::size_t width,
                std::string value, std::string_view meaning) {
    const ByteView bytes = bytes_of(attr).subspan(offset, width);
    return {.name = std::string(name),
            .offset = offset,
            .bytes = Bytes(bytes.begin(), bytes.end()),
            .value = std::move(value),
            .meaning = meaning};
}

}  // namespace

std::vector<CallField> fields_of(const perf_event_attr& attr, StraceVersion version) {
    constexpr std::size_t bits_offset = offsetof(perf_event_attr, read_format) + sizeof(attr.read_format);
    const bool has_own_type = attr.type >= PERF_TYPE_MAX;
    std::vector<CallField> fields = {
        field(attr, "type", offsetof(perf_event_attr, type), sizeof(attr.type),
              enum_text(perf_types, attr.type, version),
              has_own_type ? "the kprobe, uprobe, ... PMU's own number, read from "
                             "/sys/bus/event_source/devices/*/type; strace has no name for it"
                           : "who provides the event"),
        field(attr, "size", offsetof(perf_event_attr, size), sizeof(attr.size),
              enum_text(perf_attr_sizes, attr.size, version), "which version of this struct, by its size"),
        field(attr, "config", offsetof(perf_event_attr, config), sizeof(attr.config), config_text(attr, version),
              config_meaning(attr)),
        field(attr, attr.freq ? "sample_freq" : "sample_period", offsetof(perf_event_attr, sample_period),
              sizeof(attr.sample_period), fmt::format("{}", attr.sample_period),
              attr.freq ? "how many samples there are to be in a second" : "how many hits make a sample: 1 means each"),
        field(attr, "sample_type", offsetof(perf_event_attr, sample_type), sizeof(attr.sample_type),
              flags_text(perf_sample_types, attr.sample_type, version), "what a sample in the ring buffer consists of"),
        field(attr, "read_format", offsetof(perf_event_attr, read_format), sizeof(attr.read_format),
              flags_text(perf_read_formats, attr.read_format, version), "what read(2) would answer"),
        field(attr, "precise_ip", bits_offset, sizeof(std::uint64_t), precision_text(attr),
              "how far a sampled instruction may be off; two bits of the options that lie here"),
    };
    if (attr.freq) {
        fields.insert(fields.end() - 1, field(attr, "freq", bits_offset, sizeof(std::uint64_t), "1",
                                              "sample_period holds a frequency; one of the options that lie here"));
    }
    fields.front().is_puzzling = has_own_type;
    return fields;
}

}  // namespace minibpf
