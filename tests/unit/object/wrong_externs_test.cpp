// Externs that are declared as what they cannot be.
#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

#include <libminibpf/object/object_spec.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

Error error_after(const std::string& name, const std::function<void(ElfBytes&)>& damage) {
    ElfBytes elf = damaged(name);
    damage(elf);
    return error_of([&] { parse_object(elf.bytes(), "broken.o"); });
}

std::uint32_t symbol_index(ElfBytes& elf, std::string_view name) {
    Elf64_Sym& symbol = elf.symbol(name);
    const auto* first = elf.at<Elf64_Sym>(elf.section(".symtab").sh_offset);
    return static_cast<std::uint32_t>(&symbol - first);
}

}  // namespace

TEST_CASE("an option that is declared of a type which none can be written into is an error that names it", "[object]") {
    struct Case {
        const char* section;
        const char* name;
    };
    constexpr Case cases[] = {{"struct", "CONFIG_STRUCT"}, {"float", "CONFIG_FLOAT"},     {"pointer", "CONFIG_POINTER"},
                              {"enum", "CONFIG_ENUM"},     {"numbers", "CONFIG_NUMBERS"}, {"wide", "CONFIG_WIDE"}};
    for (const auto& [section, name] : cases) {
        INFO(name);
        const Error error = error_after("wrong_kconfig", [section = section](ElfBytes& elf) {
            elf.rename(".kconfig." + std::string(section), ".kconfig");
        });
        CHECK(error.detail().blame == Blame::object);
        CHECK_THAT(error.detail().doing, contains("'" + std::string(name) + "'") && contains("into such a type"));
        CHECK_THAT(error.detail().hint, contains("libbpf_tristate"));
    }
    CHECK_THAT(
        error_after("wrong_kconfig", [](ElfBytes& elf) { elf.rename(".kconfig.function", ".kconfig"); }).detail().doing,
        contains("'CONFIG_FUNCTION'") && contains("is a function"));
}

TEST_CASE("the call of what is declared as a variable is an error that names it", "[object]") {
    const Error error = error_after("wrong_externs", [](ElfBytes& elf) {
        const Elf64_Shdr& table = elf.section(".relraw_tp/sys_enter");
        const std::uint64_t function = symbol_index(elf, "kfree"), variable = symbol_index(elf, "process_counts");
        for (std::size_t i = 0; i < table.sh_size / sizeof(Elf64_Rel); ++i) {
            Elf64_Rel& record = elf.record(".relraw_tp/sys_enter", i);
            if (ELF64_R_SYM(record.r_info) == function)
                record.r_info = ELF64_R_INFO(variable, ELF64_R_TYPE(record.r_info));
        }
    });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.detail().doing,
               contains("'other_function'") && contains("calls 'process_counts', which is declared as a variable"));
}
