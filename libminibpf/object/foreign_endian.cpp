// Objects for machines of the other byte order (-target bpfeb on a little-endian one): their sections' contents are
// turned into this machine's order before anything reads them, so that no other step has to know. ELF's own tables are
// not among them: elf/ has converted those.
//
//     executable   instructions:  | code | dst:4 src:4 | off16 | imm32 |      the two registers change places
//     .BTF, .BTF.ext, maps, version: 32-bit words
//     .data, .rodata, .struct_ops, ...: variables, by their BTF types
//
// Without BTF nothing says where in a data section numbers are: its bytes then stay as they lie in the file, and text
// is right while numbers are not.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#include <libminibpf/btf/byte_order.hpp>

namespace minibpf::parsing {

namespace {

void reverse(std::byte* begin, std::size_t size) {
    std::reverse(begin, begin + size);
}

Bytes swap_words(ByteView data) {
    constexpr std::size_t word = 4;
    Bytes swapped(data.begin(), data.end());
    for (std::size_t at = 0; at + word <= swapped.size(); at += word) reverse(swapped.data() + at, word);
    return swapped;
}

// struct bpf_insn has bit-fields for the registers, which C compilers lay out in the machine's order as well.
Bytes swap_instructions(ByteView data) {
    Bytes swapped(data.begin(), data.end());
    for (std::size_t at = 0; at + insn_size <= swapped.size(); at += insn_size) {
        std::byte* insn = swapped.data() + at;
        insn[1] = insn[1] << 4 | insn[1] >> 4;
        reverse(insn + 2, 2);
        reverse(insn + 4, 4);
    }
    return swapped;
}

Bytes swap_section(const elf::Section& section) {
    if (section.is_executable()) return swap_instructions(section.data);
    if (section.name == ".BTF") return btf::swap_btf(section.data);
    if (section.name == ".BTF.ext") return btf::swap_btf_ext(section.data);
    return swap_words(section.data);
}

bool is_table(const elf::Section& section) noexcept {
    return section.is_executable() || section.name == ".BTF" || section.name == ".BTF.ext" ||
           section.name == "version" || is_legacy_maps(section);
}

/// The section with its variables converted. They come sorted by offset, and each is given the bytes up to the next
/// one: BTF's size of a variable leaves out the elements of an array without a length, at the end of a struct.
Bytes convert_section(const btf::Btf& btf, const elf::Section& section, btf::TypeId datasec) {
    Bytes converted(section.data.begin(), section.data.end());
    const std::vector<btf::SectionVar> vars = btf.section_vars(btf.type(datasec));
    for (std::size_t i = 0; i < vars.size(); ++i) {
        const std::size_t end = i + 1 < vars.size() ? vars[i + 1].offset : section.data.size();
        if (end <= vars[i].offset) continue;
        const auto contents = slice(section.data, vars[i].offset, end - vars[i].offset);
        if (!contents) continue;
        const Bytes value = btf::native_value(btf, vars[i].type, *contents);
        std::memcpy(converted.data() + vars[i].offset, value.data(), value.size());
    }
    return converted;
}

}  // namespace

void convert_tables(Parsing& parsing) {
    if (!parsing.spec.foreign_endian) return;
    const bool is_big = std::endian::native == std::endian::little;
    parsing.spec.warnings.push_back(
        fmt::format("compiled for {}-endian machines: it can be inspected and planned here, but not loaded",
                    is_big ? "big" : "little"));
    for (const elf::Section& section : parsing.elf.sections()) {
        if (is_table(section)) parsing.elf.replace_data(section.index, swap_section(section));
    }
}

void convert_variables(Parsing& parsing) {
    if (!parsing.spec.foreign_endian) return;
    std::vector<bool> is_converted(parsing.elf.sections().size() + 1);
    for (const Datasec& datasec : parsing.datasecs) {
        const elf::Section* section = parsing.elf.section(datasec.section);
        if (section == nullptr || is_table(*section) || is_converted[section->index]) continue;
        is_converted[section->index] = true;
        if (section->data.empty()) continue;
        parsing.elf.replace_data(section->index, convert_section(*parsing.spec.btf, *section, datasec.id));
    }
}

}  // namespace minibpf::parsing
