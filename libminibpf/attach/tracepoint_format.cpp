// The kernel writes a line for each field (kernel/trace/trace_events.c, f_show()):
//
//     field:const char * filename;	offset:16;	size:8;	signed:0;
//
// A field `__data_loc char[] name` is a u32: the low half says where in the record the text begins, the high half how
// long it is.
#include <libminibpf/attach/tracepoint_format.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <libminibpf/base/lines.hpp>

namespace minibpf {

namespace {

// The text between `key` and the next semicolon.
std::string_view part(std::string_view line, std::string_view key) {
    const std::size_t begin = line.find(key);
    if (begin == std::string_view::npos) return {};
    line.remove_prefix(begin + key.size());
    return line.substr(0, line.find(';'));
}

std::uint32_t number(std::string_view text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The last word, without an array's brackets.
std::string_view declared_name(std::string_view declaration) {
    const std::size_t bracket = declaration.ends_with(']') ? declaration.rfind('[') : declaration.size();
    const std::string_view before = declaration.substr(0, bracket);
    std::size_t begin = before.size();
    while (begin > 0 && is_name_character(before[begin - 1])) --begin;
    return before.substr(begin);
}

std::uint32_t array_count(std::string_view declaration) {
    if (!declaration.ends_with(']')) return 0;
    return number(declaration.substr(declaration.rfind('[') + 1));
}

std::string sized_type(std::uint32_t size, bool is_signed) {
    switch (size) {
        case 1:
        case 2:
        case 4:
        case 8: return fmt::format("{}{}", is_signed ? 's' : 'u', size * 8);
        default: return {};
    }
}

std::string member_text(const TracepointField& field) {
    const bool is_text = field.declaration.find("char ") != std::string::npos && field.count != 0;
    if (is_text && field.count == field.size) return fmt::format("char {}[{}]", field.name, field.size);
    if (field.count != 0 && field.size % field.count == 0) {
        const std::string type = sized_type(field.size / field.count, field.is_signed);
        if (!type.empty()) return fmt::format("{} {}[{}]", type, field.name, field.count);
    }
    const std::string type = sized_type(field.size, field.is_signed);
    return type.empty() ? fmt::format("u8 {}[{}]", field.name, field.size) : fmt::format("{} {}", type, field.name);
}

std::uint32_t alignment_of(const TracepointField& field) {
    const std::uint32_t element =
        field.count != 0 && field.size % field.count == 0 ? field.size / field.count : field.size;
    return sized_type(element, false).empty() ? 1 : element;
}

}  // namespace

std::vector<TracepointField> parse_tracepoint_format(std::string_view format) {
    std::vector<TracepointField> fields;
    while (!format.empty()) {
        const std::string_view line = take_line(format);
        const std::string_view declaration = part(line, "field:");
        if (declaration.empty()) continue;
        fields.push_back({.declaration = std::string(declaration),
                          .name = std::string(declared_name(declaration)),
                          .offset = number(part(line, "offset:")),
                          .size = number(part(line, "size:")),
                          .is_signed = part(line, "signed:") == "1",
                          .count = array_count(declaration)});
    }
    return fields;
}

std::string tracepoint_struct(std::string_view name, const std::vector<TracepointField>& fields) {
    std::string text = fmt::format("struct {} {{\n", name);
    std::uint32_t position = 0, widest = 1;
    bool is_packed = false;
    for (const TracepointField& field : fields) {
        if (field.offset > position) text += fmt::format("    u8 pad_{}[{}];\n", position, field.offset - position);
        text += fmt::format("    {:<32} // {:3}: {}\n", member_text(field) + ";", field.offset, field.declaration);
        is_packed |= field.offset % alignment_of(field) != 0;
        widest = std::max(widest, alignment_of(field));
        position = field.offset + field.size;
    }
    return text + (is_packed ? "} __attribute__((packed));" : "};");
}

}  // namespace minibpf
