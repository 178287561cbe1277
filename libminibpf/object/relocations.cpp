// ELF's relocation records to references: which map, which byte of a data section, which function an instruction means.
// Nothing is written into the instructions here; relocate/ does that when the maps have descriptors.
//
//     record type   instruction                what it refers to            where in the section
//     R_BPF_64_64   ld_imm64 rN = imm          a map, a variable            symbol's value + imm
//                                              a function, as a callback    symbol's value + imm
//     R_BPF_64_32   call pc+imm                a function                   symbol's value + (imm + 1) * 8
//     (none)        call pc+imm                a function, same section     the next instruction + imm * 8
//
// The symbol is the thing itself when it is global (imm is then 0, and -1 for a call); for static things it is the
// section's own symbol, and imm is the offset.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <span>

#include <elf.h>

#include <libminibpf/insn/disassembler.hpp>

namespace minibpf::parsing {

namespace {

constexpr std::uint32_t type_64_64 = 1;   // R_BPF_64_64
constexpr std::uint32_t type_64_32 = 10;  // R_BPF_64_32

bool is_call(const bpf_insn& insn) noexcept {
    return insn.code == (BPF_JMP | BPF_CALL);
}

// imm counts instructions or bytes, forwards or backwards. The sum may wrap; then no map or function is there.
std::uint64_t sign_extended(std::int32_t imm) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(imm));
}

/// Resolves the instructions of one function.
class FunctionResolver {
public:
    FunctionResolver(Parsing& parsing, std::size_t function)
        : parsing_(parsing), function_(parsing.spec.functions[function]), place_(parsing.function_places[function]) {}

    /// Takes this function's records off the front of `records`, which are sorted by offset.
    void resolve(std::span<const elf::Relocation>& records);

private:
    template <class... Args>
    [[noreturn]] void fail_at(std::size_t insn_index, fmt::format_string<Args...> format, Args&&... args) const {
        fail("function '{}', instruction {}: {}", function_.name, insn_index,
             fmt::format(format, std::forward<Args>(args)...));
    }

    /// A reference that is an error once its function gets into a program.
    template <class... Args>
    InsnRelocation unknown(std::size_t insn_index, std::string_view symbol, fmt::format_string<Args...> format,
                           Args&&... args) const {
        parsing_.spend(function_.name.size() + symbol.size());
        return {.insn_index = static_cast<std::uint32_t>(insn_index),
                .target = UnknownReference{fmt::format("function '{}', instruction {}: {}", function_.name, insn_index,
                                                       fmt::format(format, std::forward<Args>(args)...))},
                .symbol = parsing_.copy(symbol)};
    }

    void resolve_record(std::size_t insn_index, const elf::Relocation& record);
    void resolve_without_record(std::size_t insn_index);
    InsnRelocation resolve_ld_imm64(std::size_t insn_index, const elf::Symbol& symbol) const;
    bool lacks_functions(const elf::Section& section) const noexcept;
    InsnRelocation unknown_function(std::size_t insn_index, const elf::Section& section) const;
    /// Nothing if no symbol says which functions are in that section.
    std::optional<std::size_t> find_function(std::size_t insn_index, Place place) const;
    std::string_view name_of(const elf::Symbol& symbol) const;
    InsnRelocation resolve_extern(std::size_t insn_index, const elf::Symbol& symbol) const;
    void add(std::size_t insn_index, std::size_t function, std::string_view symbol);

    Parsing& parsing_;
    FunctionSpec& function_;
    Place place_;
};

std::string_view FunctionResolver::name_of(const elf::Symbol& symbol) const {
    const elf::Section* section = parsing_.elf.section(symbol.section);
    return symbol.name.empty() && section != nullptr ? section->name : symbol.name;
}

// A symbol without a section: read_externs() knows those that BTF declares.
InsnRelocation FunctionResolver::resolve_extern(std::size_t insn_index, const elf::Symbol& symbol) const {
    if (symbol.name.empty()) fail_at(insn_index, "its relocation names no symbol");
    const auto found = std::ranges::lower_bound(parsing_.extern_symbols, symbol.index, {}, &ExternSymbol::symbol);
    if (found == parsing_.extern_symbols.end() || found->symbol != symbol.index) {
        return unknown(insn_index, symbol.name,
                       "symbol '{}' is not defined in this object, and BTF does not declare it in .kconfig or .ksyms",
                       symbol.name);
    }
    InsnRelocation relocation{.insn_index = static_cast<std::uint32_t>(insn_index),
                              .symbol = parsing_.copy(symbol.name)};
    const auto* external = std::get_if<ExternReference>(&found->target);
    const bool is_function = external != nullptr && parsing_.spec.externs[external->index].kind == ExternKind::kfunc;
    if (is_call(function_.insns[insn_index]) && !is_function) {
        fail_at(insn_index, "calls '{}', which is declared as a variable", symbol.name);
    }
    std::visit([&](const auto& target) { relocation.target = target; }, found->target);
    return relocation;
}

bool FunctionResolver::lacks_functions(const elf::Section& section) const noexcept {
    const auto& places = parsing_.function_places;
    const auto first = std::ranges::lower_bound(places, Place{section.index, 0});
    return section.is_executable() && (first == places.end() || first->section != section.index);
}

InsnRelocation FunctionResolver::unknown_function(std::size_t insn_index, const elf::Section& section) const {
    return unknown(insn_index, section.name,
                   "no symbol says which functions are in section '{}': was the symbol table stripped? llvm-strip -g "
                   "keeps it",
                   section.name);
}

std::optional<std::size_t> FunctionResolver::find_function(std::size_t insn_index, Place place) const {
    const auto function = parsing_.function_at(place);
    if (function) return function;
    const elf::Section* section = parsing_.elf.section(place.section);
    if (section != nullptr && lacks_functions(*section)) return std::nullopt;
    fail_at(insn_index, "refers to offset {} of section '{}', where no function begins",
            static_cast<std::int64_t>(place.offset), section == nullptr ? "" : section->name);
}

void FunctionResolver::add(std::size_t insn_index, std::size_t function, std::string_view symbol) {
    function_.relocations.push_back({.insn_index = static_cast<std::uint32_t>(insn_index),
                                     .target = FunctionReference{function},
                                     .symbol = parsing_.copy(symbol)});
}

InsnRelocation FunctionResolver::resolve_ld_imm64(std::size_t insn_index, const elf::Symbol& symbol) const {
    InsnRelocation relocation{.insn_index = static_cast<std::uint32_t>(insn_index),
                              .symbol = parsing_.copy(name_of(symbol))};
    const std::uint64_t offset = symbol.value + sign_extended(function_.insns[insn_index].imm);
    const elf::Section* section = parsing_.elf.section(symbol.section);
    if (section != nullptr && section->is_executable()) {
        const auto function = find_function(insn_index, {symbol.section, offset});
        if (!function) return unknown_function(insn_index, *section);
        relocation.target = FunctionReference{*function};
        relocation.symbol = parsing_.spec.functions[*function].name;
        return relocation;
    }
    bool section_has_maps = false;
    for (std::size_t i = 0; i < parsing_.map_places.size(); ++i) {
        const MapPlace& map = parsing_.map_places[i];
        if (map.data_section != 0 && map.data_section == symbol.section && offset < map.data_size) {
            relocation.target = DataReference{.map = i, .offset = static_cast<std::uint32_t>(offset)};
            return relocation;
        }
        if (map.place.section != symbol.section) continue;
        section_has_maps = true;
        if (map.whole_section && offset < parsing_.spec.maps[i].value_size) {
            relocation.target = DataReference{.map = i, .offset = static_cast<std::uint32_t>(offset)};
            return relocation;
        }
        if (!map.whole_section && map.place.offset == offset) {
            relocation.target = MapReference{i};
            return relocation;
        }
    }
    const std::string_view where = section == nullptr ? "no section" : section->name;
    if (section_has_maps) {
        fail_at(insn_index, "symbol '{}': nothing is at offset {} of section '{}'", relocation.symbol,
                static_cast<std::int64_t>(offset), where);
    }
    return unknown(insn_index, relocation.symbol,
                   "symbol '{}' is in section '{}', which holds neither maps nor variables nor functions",
                   relocation.symbol, where);
}

void FunctionResolver::resolve_record(std::size_t insn_index, const elf::Relocation& record) {
    const elf::Symbol& symbol = parsing_.elf.symbols()[record.symbol];
    const bpf_insn& insn = function_.insns[insn_index];
    const bool is_load = slot_count(insn) == 2;
    if (!is_load && !is_call(insn)) {
        fail_at(insn_index, "a relocation against '{}' on '{}', which is neither a ld_imm64 nor a call",
                name_of(symbol), disassemble({&insn, 1}));
    }
    if (symbol.section == SHN_UNDEF) {
        function_.relocations.push_back(resolve_extern(insn_index, symbol));
        return;
    }
    if (record.type != (is_load ? type_64_64 : type_64_32)) {
        fail_at(insn_index, "a relocation of type {} against '{}' does not fit '{}'", record.type, name_of(symbol),
                is_load ? "ld_imm64" : "call");
    }
    if (is_load) {
        function_.relocations.push_back(resolve_ld_imm64(insn_index, symbol));
        return;
    }
    if (insn.src_reg != BPF_PSEUDO_CALL) {
        fail_at(insn_index, "a relocation against '{}' on the call of a helper", name_of(symbol));
    }
    const std::uint64_t offset = symbol.value + (sign_extended(insn.imm) + 1) * insn_size;
    const auto target = find_function(insn_index, {symbol.section, offset});
    if (!target) {
        function_.relocations.push_back(unknown_function(insn_index, *parsing_.elf.section(symbol.section)));
        return;
    }
    add(insn_index, *target, parsing_.spec.functions[*target].name);
}

// A call of a static function in the same section needs no record: the assembler knew the distance.
void FunctionResolver::resolve_without_record(std::size_t insn_index) {
    const bpf_insn& insn = function_.insns[insn_index];
    const bool calls = is_call(insn) && insn.src_reg == BPF_PSEUDO_CALL;
    const bool takes_address = slot_count(insn) == 2 && insn.src_reg == BPF_PSEUDO_FUNC;
    if (!calls && !takes_address) return;
    const std::uint64_t offset = place_.offset + (insn_index + 1 + sign_extended(insn.imm)) * insn_size;
    const std::size_t target = find_function(insn_index, {place_.section, offset}).value();  // at least this one
    add(insn_index, target, parsing_.spec.functions[target].name);
}

void FunctionResolver::resolve(std::span<const elf::Relocation>& records) {
    const std::size_t count = function_.insns.size();
    const std::uint64_t end = place_.offset + count * insn_size;
    const auto behind = std::ranges::lower_bound(records, end, {}, &elf::Relocation::offset);
    std::span<const elf::Relocation> own(records.begin(), behind);
    records = records.subspan(own.size());
    function_.relocations.reserve(own.size());
    const auto insn_of_next = [&] {
        return own.empty() ? count : static_cast<std::size_t>((own.front().offset - place_.offset) / insn_size);
    };
    std::size_t next = insn_of_next();
    const auto fail_within = [&] {
        fail_at(next, "a relocation at offset {} of section '{}', not at the beginning of an instruction",
                own.front().offset, function_.section);
    };
    for (std::size_t i = 0; i < count;) {
        const bpf_insn& insn = function_.insns[i];
        const std::size_t slots = slot_count(insn);
        if (i + slots > count) fail_at(i, "the function ends in the middle of a ld_imm64");
        if (next < i + slots) {
            if (own.front().offset != place_.offset + i * insn_size) fail_within();
            resolve_record(i, own.front());
            own = own.subspan(1);
            next = insn_of_next();
            if (next < i + slots) fail_within();
        } else if (slots == 2 || is_call(insn)) {
            resolve_without_record(i);
        }
        i += slots;
    }
}

std::vector<elf::Relocation> sorted_records(const elf::ElfFile& elf, std::uint32_t section) {
    std::vector<elf::Relocation> records;
    for (const elf::RelocationTable& table : elf.relocations()) {
        if (table.section == section) records.insert(records.end(), table.records.begin(), table.records.end());
    }
    if (!std::ranges::is_sorted(records, {}, &elf::Relocation::offset)) {
        std::ranges::stable_sort(records, {}, &elf::Relocation::offset);
    }
    return records;
}

// Instructions of no function: when `bpftool gen object` links files, those of a weak function stay where another
// file's definition of it has won, without a symbol.
void skip_until(std::uint64_t offset, std::span<const elf::Relocation>& records) {
    while (!records.empty() && records.front().offset < offset) records = records.subspan(1);
}

void warn_of_ignored_pointers(Parsing& parsing) {
    for (const elf::RelocationTable& table : parsing.elf.relocations()) {
        const elf::Section& section = *parsing.elf.section(table.section);
        if (table.records.empty() || !is_data_section(section)) continue;
        parsing.spend(section.name.size());
        parsing.spec.warnings.push_back(fmt::format(
            "section '{}': pointers to variables or functions in it stay 0, for BPF has no addresses before loading",
            section.name));
    }
}

}  // namespace

void read_relocations(Parsing& parsing) {
    const std::vector<Place>& places = parsing.function_places;
    for (std::size_t i = 0; i < places.size();) {
        const std::uint32_t section = places[i].section;
        const std::vector<elf::Relocation> records = sorted_records(parsing.elf, section);
        std::span<const elf::Relocation> rest(records);
        for (; i < places.size() && places[i].section == section; ++i) {
            skip_until(places[i].offset, rest);
            FunctionResolver(parsing, i).resolve(rest);
        }
    }
    warn_of_ignored_pointers(parsing);
}

}  // namespace minibpf::parsing
