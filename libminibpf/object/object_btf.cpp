// The object's own BTF: parsed, and completed with what only the linker of a normal program would have filled in.
//
// clang leaves two things out of a `.o`: a DATASEC's size (0), and the offsets of its global variables (0, with a
// record in .rel.BTF). The kernel refuses such BTF, so both are taken from ELF's section headers and symbols here. The
// offsets of static variables are right already.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <cstring>

#include <elf.h>

namespace minibpf::parsing {

namespace {

void find_datasecs(Parsing& parsing) {
    const btf::Btf& btf = *parsing.spec.btf;
    parsing.datasecs.reserve(parsing.elf.sections().size());
    for (btf::TypeId id = btf.first_of(btf::Kind::datasec); id <= btf.last_id(); ++id) {
        if (btf.kind(id) != btf::Kind::datasec) continue;
        const std::string_view name = btf.name(id);
        const elf::Section* section = parsing.elf.find_section(name);
        parsing.datasecs.push_back(
            {.name = parsing.copy(name), .id = id, .section = section == nullptr ? 0 : section->index});
    }
}

const elf::Symbol* find_global_symbol(const elf::ElfFile& elf, std::uint32_t section, std::string_view name) {
    constexpr std::uint8_t stb_local = 0;
    for (const elf::Symbol& symbol : elf.symbols()) {
        if (symbol.section == section && symbol.bind != stb_local && symbol.name == name) return &symbol;
    }
    return nullptr;
}

// A variable that only the files of one object share (__hidden) is global for their linker and no business of user
// space's: libbpf has it static, which decides whether the section's map can be mapped into memory.
void make_hidden_variable_static(btf::Btf& btf, btf::TypeId var, const elf::Symbol& symbol) {
    if (symbol.visibility != STV_HIDDEN && symbol.visibility != STV_INTERNAL) return;
    const std::uint32_t linkage = BTF_VAR_STATIC;
    std::memcpy(btf.payload(var).data(), &linkage, sizeof linkage);
}

void complete_datasec(const elf::ElfFile& elf, btf::Btf& btf, const Datasec& datasec) {
    const elf::Section& section = *elf.section(datasec.section);
    btf.set_datasec_size(datasec.id, static_cast<std::uint32_t>(section.size));
    const btf::Type vars = btf.type(datasec.id);
    bool is_sorted = true;
    std::uint32_t last_offset = 0;
    const auto note_offset = [&](std::uint32_t offset) {
        is_sorted = is_sorted && offset >= last_offset;
        last_offset = offset;
    };
    for (std::uint32_t i = 0; i < vars.vlen; ++i) {
        const auto [var, offset, size] = btf.section_var(vars, i);
        if (btf.kind(var) != btf::Kind::var || btf.var_linkage(var) != BTF_VAR_GLOBAL_ALLOCATED) {
            note_offset(offset);
            continue;
        }
        const elf::Symbol* symbol = find_global_symbol(elf, datasec.section, btf.name(var));
        if (symbol == nullptr) {
            fail("section '{}': BTF has a variable '{}' that the symbol table lacks", section.name, btf.name(var));
        }
        const auto real_offset = static_cast<std::uint32_t>(symbol->value);
        if (offset != real_offset) btf.set_section_var_offset(datasec.id, i, real_offset);
        note_offset(real_offset);
        make_hidden_variable_static(btf, var, *symbol);
    }
    if (!is_sorted) btf.sort_section_vars(datasec.id);
}

}  // namespace

void read_object_btf(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section(".BTF");
    if (section == nullptr) return;
    parsing.spec.btf = btf::Btf::parse(Bytes(section->data.begin(), section->data.end()), "section .BTF");
    btf::Btf& btf = *parsing.spec.btf;
    find_datasecs(parsing);
    for (const Datasec& datasec : parsing.datasecs) {
        if (datasec.section != 0) complete_datasec(parsing.elf, btf, datasec);
    }
}

// __attribute__((btf_decl_tag("exception_callback:on_throw"))) on a program names the function that bpf_throw() calls.
void read_exception_callbacks(ObjectSpec& spec) {
    constexpr std::string_view tag = "exception_callback:";
    if (!spec.btf) return;
    const auto find = [&](std::string_view name) {
        return std::ranges::find(spec.functions, name, &FunctionSpec::name);
    };
    for (btf::TypeId id = spec.btf->first_of(btf::Kind::decl_tag); id <= spec.btf->last_id(); ++id) {
        if (spec.btf->kind(id) != btf::Kind::decl_tag) continue;
        const btf::Type type = spec.btf->type(id);
        if (!type.name.starts_with(tag)) continue;
        const auto function = find(spec.btf->type(type.target()).name);
        if (function == spec.functions.end()) continue;
        const auto callback = find(type.name.substr(tag.size()));
        if (callback == spec.functions.end()) {
            fail("function '{}': its exception callback '{}' is not in this object", function->name,
                 type.name.substr(tag.size()));
        }
        function->exception_callback = static_cast<std::size_t>(callback - spec.functions.begin());
    }
}

// A function that only the files of one object share (__hidden) is global for their linker. The verifier checks global
// functions by themselves, knowing nothing of their arguments, and static ones with their callers; so it is told
// static.
void make_hidden_functions_static(ObjectSpec& spec) {
    if (!spec.btf || std::ranges::none_of(spec.functions, &FunctionSpec::is_hidden)) return;
    std::vector<bool> is_program(spec.functions.size());
    for (const ProgramSpec& program : spec.programs) is_program[program.function] = true;
    for (std::size_t i = 0; i < spec.functions.size(); ++i) {
        const FunctionSpec& function = spec.functions[i];
        if (!function.is_hidden || !function.is_global || is_program[i]) continue;
        const auto type = spec.btf->find(btf::Kind::func, function.name);
        if (type) spec.btf->set_kind(*type, btf::Kind::func, BTF_FUNC_STATIC);
    }
}

}  // namespace minibpf::parsing
