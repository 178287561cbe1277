// Tables and dumps for `loader step`.
#include <libminibpf/narrate/call_details.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/insn/disassembler.hpp>

namespace minibpf {

namespace {

using Lines = std::vector<std::string>;

// "01 00 00 00"; a name of 16 bytes takes two lines' room, so only its first 8 are shown.
std::string hex_bytes(ByteView bytes, std::size_t limit) {
    std::string text;
    for (const std::byte byte : bytes.first(std::min(bytes.size(), limit))) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    return text + (bytes.size() > limit ? " .." : "");
}

// The bytes and, beside them, the characters among them.
void append_hexdump(Lines& lines, std::string_view title, ByteView bytes) {
    constexpr std::size_t row_size = 16;
    constexpr std::size_t most_rows = 8;
    lines.push_back(fmt::format("{} ({} bytes)", title, bytes.size()));
    for (std::size_t offset = 0; offset < bytes.size(); offset += row_size) {
        if (offset == row_size * most_rows) {
            lines.push_back(fmt::format("    .. {} more bytes", bytes.size() - offset));
            return;
        }
        const ByteView row = bytes.subspan(offset, std::min(row_size, bytes.size() - offset));
        std::string characters;
        for (const std::byte byte : row) {
            const int c = std::to_integer<int>(byte);
            characters += std::isprint(c) != 0 ? static_cast<char>(c) : '.';
        }
        lines.push_back(fmt::format("    {:4}  {:<47}  {}", offset, hex_bytes(row, row_size), characters));
    }
}

void append_instructions(Lines& lines, std::span<const bpf_insn> insns, std::size_t limit) {
    lines.push_back(fmt::format("instructions ({})", insns.size()));
    for (std::size_t index = 0; index < insns.size();) {
        if (limit != 0 && index >= limit) {
            lines.push_back(fmt::format("    .. {} more", insns.size() - index));
            return;
        }
        const std::size_t slots = std::min(slot_count(insns[index]), insns.size() - index);
        const std::span<const bpf_insn> shown = insns.subspan(index, slots);
        lines.push_back(fmt::format("    {:4}  {:<23}  {}", index, hex_bytes(std::as_bytes(shown.first(1)), 8),
                                    disassemble(shown)));
        index += slots;
    }
}

}  // namespace

std::vector<CallField> fields_of(const Syscall& call, AttrSize attr_size, StraceVersion version) {
    if (const std::optional<EncodedBpf> bpf = encode_bpf(call, attr_size)) return fields_of(*bpf, version);
    if (const PerfEventOpen* open = std::get_if<PerfEventOpen>(&call)) return fields_of(encode(*open), version);
    return {};
}

Lines field_lines(const std::vector<CallField>& fields) {
    constexpr std::size_t shown_bytes = 8;
    std::size_t widest = 0;
    for (const CallField& field : fields) widest = std::max(widest, field.name.size() + 1 + field.value.size());
    widest = std::min<std::size_t>(widest, 48);  // one long string does not push all meanings off the screen
    Lines lines;
    for (const CallField& field : fields) {
        lines.push_back(fmt::format("{:4}  {:<26}  {:<{}}  {}", field.offset, hex_bytes(field.bytes, shown_bytes),
                                    field.name + "=" + field.value, widest, field.meaning));
    }
    return lines;
}

Lines pointed_to_lines(const Syscall& call, std::size_t insn_limit) {
    Lines lines;
    if (const ProgLoad* load = std::get_if<ProgLoad>(&call)) append_instructions(lines, load->insns, insn_limit);
    if (const ProgLoad* load = std::get_if<ProgLoad>(&call); load != nullptr && !load->fd_array.empty()) {
        lines.push_back(fmt::format("fd_array points to [{}]", fmt::join(load->fd_array, ", ")));
    }
    if (const MapUpdateElem* update = std::get_if<MapUpdateElem>(&call)) {
        append_hexdump(lines, "key", update->key);
        append_hexdump(lines, "value", update->value);
    }
    if (const MapLookupElem* lookup = std::get_if<MapLookupElem>(&call)) append_hexdump(lines, "key", lookup->key);
    if (const MapDeleteElem* erase = std::get_if<MapDeleteElem>(&call)) append_hexdump(lines, "key", erase->key);
    if (const PerfEventOpen* open = std::get_if<PerfEventOpen>(&call); open != nullptr && !open->kprobe_func.empty()) {
        lines.push_back(fmt::format("config1 points to \"{}\", config2 is the offset {:#x} in it", open->kprobe_func,
                                    open->probe_offset));
    }
    return lines;
}

}  // namespace minibpf
