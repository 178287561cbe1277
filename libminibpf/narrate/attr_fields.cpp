// From an encoded bpf(2) call to the text of its fields.
#include <libminibpf/narrate/attr_fields.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>

#include <fmt/format.h>

#include <libminibpf/narrate/attr_tables.hpp>
#include <libminibpf/narrate/quote.hpp>

namespace minibpf {

namespace {

ByteView bytes_of_field(const EncodedBpf& call, const AttrField& field) noexcept {
    return bytes_of(call.attr).subspan(field.offset, field.width);
}

std::uint64_t number_at(const EncodedBpf& call, const AttrField& field) noexcept {
    const ByteView bytes = bytes_of_field(call, field);
    if (field.width == sizeof(std::uint32_t)) return read_at<std::uint32_t>(bytes, 0).value_or(0);
    return read_at<std::uint64_t>(bytes, 0).value_or(0);
}

std::string address_text(std::uint64_t address) {
    return address == 0 ? "NULL" : fmt::format("{:#x}", address);
}

std::string version_text(std::uint64_t version) {
    return fmt::format("KERNEL_VERSION({}, {}, {})", version >> 16, version >> 8 & 0xff, version & 0xff);
}

// What a pointer points to, when strace prints that.
std::string pointee_text(const EncodedBpf& call, const AttrField& field, std::uint64_t address) {
    if (address == 0) return "NULL";
    const char* text = reinterpret_cast<const char*>(static_cast<std::uintptr_t>(address));
    switch (field.format) {
        case FieldFormat::string: return quoted_c_string(text);
        case FieldFormat::path: return quoted_text(text);
        case FieldFormat::log: return quoted_buffer({text, call.attr.log_size});
        default: return quoted_bytes(std::as_bytes(std::span(text, call.attr.btf_size)));
    }
}

// print_array() of strace: no more than 32 elements without -v.
template <class Element, class Text>
std::string array_text(const EncodedBpf& call, const AttrField& field, std::uint64_t address, Text text) {
    if (address == 0) return "NULL";
    constexpr std::size_t most = 32;
    const std::size_t count = read_at<std::uint32_t>(bytes_of(call.attr), field.count_at).value_or(0);
    const auto* elements = reinterpret_cast<const Element*>(static_cast<std::uintptr_t>(address));
    std::string all;
    for (std::size_t i = 0; i < std::min(count, most); ++i) all += (i == 0 ? "" : ", ") + text(elements[i]);
    return "[" + all + (count > most ? ", ...]" : "]");
}

std::string elements_text(const EncodedBpf& call, const AttrField& field, std::uint64_t address) {
    switch (field.format) {
        case FieldFormat::strings:
            return array_text<const char*>(call, field, address,
                                           [](const char* text) { return quoted_c_string(text); });
        case FieldFormat::hex_numbers:
            return array_text<std::uint64_t>(call, field, address, [](std::uint64_t number) {
                return number == 0 ? std::string("0") : fmt::format("{:#x}", number);
            });
        default:
            return array_text<std::int32_t>(call, field, address,
                                            [](std::int32_t fd) { return fmt::format("{{map={{map_fd={}}}}}", fd); });
    }
}

std::string name_text(const EncodedBpf& call, const AttrField& field) {
    const ByteView bytes = bytes_of_field(call, field);
    const char* name = reinterpret_cast<const char*>(bytes.data());
    return quoted_text({name, strnlen(name, bytes.size())});
}

std::string value_text(const EncodedBpf& call, const AttrField& field, StraceVersion version) {
    const std::uint64_t value = number_at(call, field);
    switch (field.format) {
        case FieldFormat::number: return fmt::format("{}", value);
        case FieldFormat::descriptor: return fmt::format("{}", static_cast<std::int32_t>(value));
        case FieldFormat::hex: return value == 0 ? "0" : fmt::format("{:#x}", value);
        case FieldFormat::address: return address_text(value);
        case FieldFormat::enumeration: return enum_text(*field.names, value, version);
        case FieldFormat::flags: return flags_text(*field.names, value, version);
        case FieldFormat::name: return name_text(call, field);
        case FieldFormat::kernel_version: return version_text(value);
        case FieldFormat::interface: return interface_text(value);
        case FieldFormat::numa_node:
            return value == 0xffffffff ? "4294967295 /* NUMA_NO_NODE */" : fmt::format("{}", value);
        case FieldFormat::string:
        case FieldFormat::path:
        case FieldFormat::log:
        case FieldFormat::btf: return pointee_text(call, field, value);
        case FieldFormat::strings:
        case FieldFormat::hex_numbers:
        case FieldFormat::iter_infos: return elements_text(call, field, value);
    }
    return {};
}

// strace leaves out two fields when they say nothing.
bool is_shown(const EncodedBpf& call, const AttrField& field) {
    if (field.format == FieldFormat::numa_node) return (call.attr.map_flags & BPF_F_NUMA_NODE) != 0;
    if (field.name == "link_create.target_btf_id") return call.attr.link_create.target_btf_id != 0;
    if (field.name == "link_update.old_prog_fd") return (call.attr.link_update.flags & BPF_F_REPLACE) != 0;
    return true;
}

// Where strace's words mislead; empty where they do not.
std::string_view puzzle(const EncodedBpf& call, const AttrField& field) {
    if (field.name == "expected_attach_type" && call.attr.expected_attach_type == 0 &&
        call.attr.prog_type != BPF_PROG_TYPE_CGROUP_SKB) {
        return "merely 0, which happens to be BPF_CGROUP_INET_INGRESS's number: this program type has no attach type";
    }
    if (field.name == "bpf_fd" && call.cmd == BPF_OBJ_GET)
        return "merely 0: BPF_OBJ_GET takes none, strace shows BPF_OBJ_PIN's fields";
    return {};
}

std::string field_text(const EncodedBpf& call, const AttrField& field, StraceVersion version) {
    return value_text(call, field, version);
}

void append_fields(std::vector<CallField>& fields, const EncodedBpf& call, FieldTable table, StraceVersion version) {
    for (const AttrField& field : table) {
        if (field.offset >= call.size || field.since > version || !is_shown(call, field)) continue;
        const ByteView bytes = bytes_of_field(call, field);
        const std::string_view misleading = puzzle(call, field);
        fields.push_back({.name = std::string(field.name),
                          .offset = field.offset,
                          .bytes = Bytes(bytes.begin(), bytes.end()),
                          .value = field_text(call, field, version),
                          .meaning = misleading.empty() ? field.meaning : misleading,
                          .is_puzzling = !misleading.empty()});
    }
}

}  // namespace

// By looking into sysfs, for asking by ioctl would show up among the calls that strace prints.
std::string interface_text(std::uint64_t index) {
    if (index == 0) return "0";
    std::error_code no_sysfs;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net", no_sysfs)) {
        std::uint64_t number = 0;
        std::ifstream(entry.path() / "ifindex") >> number;
        if (number == index) return fmt::format("if_nametoindex(\"{}\")", entry.path().filename().string());
    }
    return fmt::format("{}", index);
}

std::vector<CallField> fields_of(const EncodedBpf& call, StraceVersion version) {
    const AttrLayout layout = layout_of(call, version);
    std::vector<CallField> fields;
    append_fields(fields, call, layout.fields, version);
    append_fields(fields, call, layout.variant, version);
    return fields;
}

bool has_unknown_bytes(const EncodedBpf& call, StraceVersion version) {
    const std::size_t end = std::min<std::size_t>(call.size, sizeof(call.attr));
    const std::size_t begin = std::min(layout_of(call, version).known_end(version), end);
    const ByteView rest = bytes_of(call.attr).subspan(begin, end - begin);
    return std::any_of(rest.begin(), rest.end(), [](std::byte byte) { return byte != std::byte{0}; });
}

std::string struct_text(const std::vector<CallField>& fields, bool has_more) {
    std::string text = "{";
    std::string open;  // the groups that are open: "link_create.perf_event."
    std::string_view separator;
    const auto close_down_to = [&](std::string_view wanted) {
        while (!wanted.starts_with(open)) {
            open.resize(open.find_last_of('.', open.size() - 2) + 1);  // npos + 1 is 0: all closed
            text += '}';
        }
    };
    for (const CallField& field : fields) {
        close_down_to(field.name);
        text += separator;
        for (std::size_t dot; (dot = field.name.find('.', open.size())) != std::string::npos;) {
            text += field.name.substr(open.size(), dot - open.size()) + "={";
            open = field.name.substr(0, dot + 1);
        }
        text += fmt::format("{}={}", std::string_view(field.name).substr(open.size()), field.value);
        separator = ", ";
    }
    close_down_to("");
    return text + (has_more ? ", ...}" : "}");
}

}  // namespace minibpf
