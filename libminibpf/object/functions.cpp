// Functions and programs. Every function symbol in an executable section is a function; the section's name makes the
// global ones among them programs.
//
//     section "kprobe/do_unlinkat":  | hello (global) | helper (static) | hello2 (global) |    programs hello, hello2
//     section ".text":               | print_it (global or static) |                           subprograms for any of
//     them
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <cstring>

#include <elf.h>

#include <libminibpf/insn/disassembler.hpp>

namespace minibpf::parsing {

namespace {

bool has_instructions(const elf::Section* section) noexcept {
    return section != nullptr && section->is_executable() && section->size > 0;
}

// Compilers of before 2019 left functions without a type. Labels have none either: LLVM's own are called LBB0_2, those
// of inline assembly as the author likes, which is why local symbols without a type count in such old objects only.
bool names_function(const elf::Symbol& symbol, bool has_types) noexcept {
    if (symbol.type == STT_FUNC) return true;
    if (symbol.type != STT_NOTYPE) return false;
    if (symbol.bind == STB_GLOBAL) return true;
    return !has_types && !symbol.name.empty() && !symbol.name.starts_with("LBB") && !symbol.name.starts_with(".L");
}

std::vector<const elf::Symbol*> function_symbols(const elf::ElfFile& elf) {
    const bool has_types = std::ranges::any_of(elf.symbols(), [](const elf::Symbol& s) { return s.type == STT_FUNC; });
    std::vector<const elf::Symbol*> symbols;
    for (const elf::Symbol& symbol : elf.symbols()) {
        if (!has_instructions(elf.section(symbol.section))) continue;
        if (names_function(symbol, has_types)) symbols.push_back(&symbol);
    }
    const auto place_of = [](const elf::Symbol* symbol) { return Place{symbol->section, symbol->value}; };
    if (!std::ranges::is_sorted(symbols, {}, place_of)) std::ranges::stable_sort(symbols, {}, place_of);
    return symbols;
}

// An assembler source without .size leaves 0: such a function reaches to the next one.
std::uint64_t function_end(const elf::Symbol& symbol, const elf::Symbol* next, const elf::Section& section) noexcept {
    if (symbol.size != 0) return symbol.value + symbol.size;
    return next != nullptr && next->section == symbol.section ? next->value : section.size;
}

void check_bounds(const elf::Symbol& symbol, std::uint64_t end, const elf::Symbol* next, const elf::Section& section) {
    if (symbol.value % insn_size != 0 || end % insn_size != 0) {
        fail("section '{}': function '{}' (offsets {} to {}) does not consist of whole instructions of {} bytes",
             section.name, symbol.name, symbol.value, end, insn_size);
    }
    if (end > section.size || end <= symbol.value) {
        fail("section '{}': function '{}' (offsets {} to {}) lies outside it ({} bytes)", section.name, symbol.name,
             symbol.value, end, section.size);
    }
    // Copying one instruction into two functions is refused: a hostile file could make many of few.
    if (next != nullptr && next->section == symbol.section && next->value < end) {
        fail("section '{}': functions '{}' and '{}' overlap at offset {}", section.name, symbol.name, next->name,
             next->value);
    }
}

FunctionSpec make_function(const elf::Symbol& symbol, std::uint64_t end, const elf::Section& section) {
    FunctionSpec function{.name = std::string(symbol.name),
                          .section = std::string(section.name),
                          .section_offset = symbol.value,
                          .is_global = symbol.bind != STB_LOCAL,
                          .is_hidden = symbol.visibility == STV_HIDDEN || symbol.visibility == STV_INTERNAL};
    const ByteView bytes = section.data.subspan(symbol.value, end - symbol.value);
    function.insns.resize(bytes.size() / insn_size);
    std::memcpy(function.insns.data(), bytes.data(), bytes.size());
    return function;
}

// Whether the object has instructions outside .text, whose sections say what their programs are.
bool has_program_sections(const elf::ElfFile& elf) noexcept {
    return std::any_of(elf.sections().begin(), elf.sections().end(), [](const elf::Section& section) {
        return has_instructions(&section) && !is_text(section.name);
    });
}

// Functions of .text that have lost their symbols are missed by those who call them (relocations.cpp).
void check_every_section_has_functions(const Parsing& parsing) {
    const bool has_programs = has_program_sections(parsing.elf);
    for (const elf::Section& section : parsing.elf.sections()) {
        if (!has_instructions(&section) || (has_programs && is_text(section.name))) continue;
        const auto& places = parsing.function_places;
        const auto first = std::lower_bound(places.begin(), places.end(), Place{section.index, 0});
        if (first == places.end() || first->section != section.index) {
            throw_malformed(fmt::format("section '{}' holds instructions, but no symbol says which functions they are",
                                        section.name),
                            "was the symbol table stripped? llvm-strip -g keeps it");
        }
    }
}

}  // namespace

void read_functions(Parsing& parsing) {
    const std::vector<const elf::Symbol*> symbols = function_symbols(parsing.elf);
    parsing.spec.functions.reserve(symbols.size());
    parsing.function_places.reserve(symbols.size());
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const elf::Symbol& symbol = *symbols[i];
        const elf::Symbol* next = i + 1 < symbols.size() ? symbols[i + 1] : nullptr;
        const elf::Section& section = *parsing.elf.section(symbol.section);
        const std::uint64_t end = function_end(symbol, next, section);
        check_bounds(symbol, end, next, section);
        parsing.spend(symbol.name.size() + section.name.size());
        parsing.spec.functions.push_back(make_function(symbol, end, section));
        parsing.function_places.push_back({.section = symbol.section, .offset = symbol.value});
    }
    check_every_section_has_functions(parsing);
}

void read_programs(Parsing& parsing) {
    ObjectSpec& spec = parsing.spec;
    std::uint32_t section = 0;  // whose kind is known
    ProgramKind kind;
    for (std::size_t i = 0; i < spec.functions.size(); ++i) {
        const FunctionSpec& function = spec.functions[i];
        if (is_text(function.section)) continue;
        if (section != parsing.function_places[i].section) {
            section = parsing.function_places[i].section;
            // A section that no table knows may be another project's; whoever loads its programs says what they are.
            kind = find_program_kind(function.section).value_or(ProgramKind());
            parsing.spend(kind.warning.size());
            if (!kind.warning.empty()) spec.warnings.push_back(kind.warning);
        }
        if (!function.is_global) continue;
        parsing.spend(function.name.size() + 2 * function.section.size());  // its kind has the target's name too
        spec.programs.push_back({.name = function.name, .section = function.section, .kind = kind, .function = i});
    }
}

// Global functions that no section name makes programs. In a section that nobody knows, those that another function
// refers to are its subprograms. And the smallest objects have no SEC() at all: one function in .text, of a type that
// the user must give; their programs are the global functions that no other function refers to.
void settle_programs(Parsing& parsing) {
    ObjectSpec& spec = parsing.spec;
    std::vector<bool> is_referred_to(spec.functions.size());
    for (std::size_t i = 0; i < spec.functions.size(); ++i) {
        for (const InsnRelocation& relocation : spec.functions[i].relocations) {
            const auto* reference = std::get_if<FunctionReference>(&relocation.target);
            if (reference != nullptr && reference->function != i) is_referred_to[reference->function] = true;
        }
    }
    if (has_program_sections(parsing.elf)) {
        std::erase_if(spec.programs, [&](const ProgramSpec& program) {
            return program.kind.type == BPF_PROG_TYPE_UNSPEC && is_referred_to[program.function];
        });
        return;
    }
    for (std::size_t i = 0; i < spec.functions.size(); ++i) {
        const FunctionSpec& function = spec.functions[i];
        if (!function.is_global || is_referred_to[i]) continue;
        spec.programs.push_back({.name = function.name, .section = function.section, .kind = {}, .function = i});
    }
}

}  // namespace minibpf::parsing
