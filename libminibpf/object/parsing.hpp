// What the steps of parse_object() share while they turn an ELF file into an ObjectSpec. Internal to object/.
//
//     convert_tables -> read_object_btf -> convert_variables
//                     -> read_legacy_maps -> read_btf_maps -> read_data_sections -> read_externs -> read_struct_ops
//                     -> read_functions -> read_programs -> read_relocations -> read_map_slots -> settle_programs
//                     -> read_btf_ext
//
// An ObjectSpec says nothing of ELF's section numbers, but relocations do. So the places of maps and functions in the
// file are kept here, beside the spec, for as long as it is being made.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/btf.hpp>
#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/object/object_spec.hpp>

namespace minibpf::parsing {

constexpr std::size_t most_copies = 16;  // of each byte of the file, on the average

constexpr std::uint64_t insn_size = sizeof(bpf_insn);  // 8 bytes; offsets in code sections are multiples of it

struct Place {
    std::uint32_t section = 0;  ///< ELF section index
    std::uint64_t offset = 0;   ///< bytes

    friend auto operator<=>(const Place&, const Place&) = default;
};

/// A map's place: its definition, or for a data section the whole of it.
struct MapPlace {
    Place place;
    bool whole_section = false;
    std::uint64_t size = 0;           ///< of the definition, bytes
    std::uint64_t values_offset = 0;  ///< of the member `values` in it, bytes; 0: there is none
    std::uint32_t data_section = 0;   ///< an arena's: the section of the variables that lie in it; 0: there is none
    std::uint64_t data_size = 0;      ///< of that section, bytes
};

/// An ELF symbol of something that is not in the object, and what it stands for.
struct ExternSymbol {
    std::uint32_t symbol = 0;                             ///< index in the symbol table
    std::variant<DataReference, ExternReference> target;  ///< DataReference: a variable in .kconfig
};

/// A DATASEC of the object's BTF and the ELF section that it describes.
struct Datasec {
    std::string name;  ///< no view of the BTF, whose strings move when read_externs() adds some
    btf::TypeId id = 0;
    std::uint32_t section = 0;  ///< 0: no such section, as for the externs of .ksyms and .kconfig
};

struct Parsing {
    elf::ElfFile& elf;
    ObjectSpec& spec;
    std::vector<Datasec> datasecs;
    std::vector<MapPlace> map_places;          ///< of spec.maps, by index
    std::vector<Place> function_places;        ///< of spec.functions, by index; sorted
    std::vector<ExternSymbol> extern_symbols;  ///< sorted by symbol
    std::size_t copies_left = 0;               ///< bytes, see spend()

    const Datasec* find_datasec(std::string_view name) const noexcept;
    /// The index of the function that begins there.
    std::optional<std::size_t> function_at(Place place) const noexcept;

    /// Counts what is copied out of the file, for one long name can belong to thousands of things. Throws Error when
    /// the copies come to many times the file, which those of a compiler never do.
    void spend(std::size_t bytes) {
        if (bytes > copies_left) [[unlikely]]
            fail_copies();
        copies_left -= bytes;
    }
    std::string copy(std::string_view name) {
        spend(name.size());
        return std::string(name);
    }
    [[noreturn]] static void fail_copies();
};

// Of an object of the other byte order, the sections' contents are put into this machine's first.
void convert_tables(Parsing& parsing);
void convert_variables(Parsing& parsing);

void read_object_btf(Parsing& parsing);
void read_legacy_maps(Parsing& parsing);
void read_btf_maps(Parsing& parsing);
void read_data_sections(Parsing& parsing);
void read_externs(Parsing& parsing);
void read_struct_ops(Parsing& parsing);
void read_functions(Parsing& parsing);
void read_programs(Parsing& parsing);
void read_relocations(Parsing& parsing);
void read_map_slots(Parsing& parsing);
void settle_programs(Parsing& parsing);
void read_btf_ext(Parsing& parsing);
void read_exception_callbacks(ObjectSpec& spec);
void make_hidden_functions_static(ObjectSpec& spec);

/// Throws an Error that blames the object. `fail("map '{}': no type", name)`.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw_malformed(fmt::format(format, std::forward<Args>(args)...));
}

/// Functions that belong to no hook: ".text", and what compilers split off from it (".text.unlikely").
inline bool is_text(std::string_view section) noexcept {
    return section == ".text" || section.starts_with(".text.");
}

/// ".data", ".rodata", ".bss" and their named variants ".data.config", ".rodata.str1.1".
bool is_data_section(const elf::Section& section) noexcept;

/// "maps" or "maps/NAME", of definitions without BTF.
bool is_legacy_maps(const elf::Section& section) noexcept;

/// "hello.rodata": what the kernel is told of a data section's map.
std::string data_map_kernel_name(std::string_view object, std::string_view section);

}  // namespace minibpf::parsing
