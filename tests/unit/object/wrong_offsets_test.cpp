// BTF and .BTF.ext that do not fit the sections that they speak of: an Error that names section and variable.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

#include <libminibpf/btf/btf.hpp>
#include <libminibpf/object/object_spec.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::string complaint_of(ElfBytes& elf) {
    const Error error = error_of([&] { parse_object(elf.bytes(), "broken.o"); });
    CHECK(error.detail().blame == Blame::object);
    return error.detail().doing;
}

std::string complaint_after(const std::string& name, const std::function<void(ElfBytes&)>& damage) {
    ElfBytes elf = damaged(name);
    damage(elf);
    return complaint_of(elf);
}

/// What the object's BTF says of a variable's place in its section.
btf_var_secinfo& place_of(ElfBytes& elf, std::string_view section, std::string_view variable) {
    const Elf64_Shdr& header = elf.section(".BTF");
    const ByteView raw = ByteView(elf.bytes()).subspan(header.sh_offset, header.sh_size);
    const btf::Btf btf = btf::Btf::parse(Bytes(raw.begin(), raw.end()), "here");
    const btf::Type datasec = btf.type(btf.find(btf::Kind::datasec, section).value());
    for (std::uint32_t i = 0; i < datasec.vlen; ++i) {
        if (btf.type(btf.section_var(datasec, i).type).name != variable) continue;
        const auto payload = static_cast<std::size_t>(datasec.payload.data() - btf.raw().data());
        return *elf.at<btf_var_secinfo>(header.sh_offset + payload + i * sizeof(btf_var_secinfo));
    }
    throw std::runtime_error("no variable " + std::string(variable));
}

enum class Table { func_info, line_info };

/// The byte offset of the first record of .BTF.ext's table for a section, as an object keeps it.
std::uint32_t& offset_of_record(ElfBytes& elf, Table table, std::size_t index = 0) {
    const std::size_t start = elf.section(".BTF.ext").sh_offset;
    const std::uint32_t* words = elf.at<std::uint32_t>(start);
    const std::uint32_t header_bytes = words[1];
    const std::uint32_t table_offset = words[table == Table::func_info ? 2 : 4];
    // record size; then for each section: its name, how many records, the records
    const std::size_t at = start + header_bytes + table_offset;
    const std::uint32_t record_size = *elf.at<std::uint32_t>(at);
    return *elf.at<std::uint32_t>(at + 3 * sizeof(std::uint32_t) + index * record_size);
}

}  // namespace

TEST_CASE("a variable that BTF has outside its section is an error that names both", "[object][damage]") {
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { place_of(elf, ".data", "step").size = 0x10000; }),
               contains("section '.data'") && contains("variable 'step'") && contains("65536 bytes"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { place_of(elf, ".maps", "messages").size = 0x10000; }),
               contains("map 'messages'") && contains("reaches outside section .maps"));
    // A static one, whose offset is BTF's.
    CHECK_THAT(
        complaint_after("kernel_btf_kinds", [](ElfBytes& elf) { place_of(elf, ".bss", "calls").offset = 0x7fffffff; }),
        contains("section '.bss'") && contains("variable 'calls'") && contains("offset 2147483647"));
    // ELF's symbol says where a global one is, and a symbol without a size may stand at the end.
    const auto at_the_end = [](const char* variable, const char* section) {
        return [=](ElfBytes& elf) {
            elf.symbol(variable).st_size = 0;
            elf.symbol(variable).st_value = elf.section(section).sh_size;
        };
    };
    CHECK_THAT(complaint_after("variables", at_the_end("counter", ".bss")),
               contains("section '.bss'") && contains("variable 'counter'") && contains("reaches outside"));
    CHECK_THAT(complaint_after("maps", at_the_end("ring", ".maps")),
               contains("map 'ring'") && contains("reaches outside section .maps"));
    CHECK_THAT(complaint_after("struct_ops", at_the_end("minibpf", ".struct_ops")),
               contains("section '.struct_ops'") && contains("variable 'minibpf'") && contains("reaches outside"));
}

TEST_CASE("a variable without a symbol is an error that names it and its section", "[object][damage]") {
    struct Case {
        const char *object, *section, *variable;
    };
    constexpr Case cases[] = {{"variables", ".bss", "counter"},
                              {"variables", ".data", "step"},
                              {"maps", ".maps", "messages"},
                              {"struct_ops", ".struct_ops", "minibpf"}};
    for (const auto& [object, section, variable] : cases) {
        INFO(object << ", " << variable);
        const std::string said =
            complaint_after(object, [variable = variable](ElfBytes& elf) { elf.symbol(variable).st_name = 0; });
        CHECK_THAT(said, contains("section '" + std::string(section) + "'") &&
                             contains("a variable '" + std::string(variable) + "'") && contains("symbol table lacks"));
    }
    // One of the same name elsewhere is another one.
    CHECK_THAT(complaint_after("variables",
                               [](ElfBytes& elf) {
                                   elf.symbol("counter").st_shndx = static_cast<Elf64_Half>(elf.section_index(".data"));
                               }),
               contains("section '.bss'") && contains("a variable 'counter'"));
}

TEST_CASE("a record of .BTF.ext that is about no instruction is an error that names table and section",
          "[object][damage]") {
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { offset_of_record(elf, Table::func_info) += 4; }),
               contains(".BTF.ext") && contains("func_info") && contains("offset 4") &&
                   contains("section 'raw_tp/sys_enter'") && contains("not the beginning of an instruction"));
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { offset_of_record(elf, Table::line_info, 1) |= 1; }),
               contains(".BTF.ext") && contains("line_info") && contains("section 'raw_tp/sys_enter'"));
}

TEST_CASE("a function's record that does not begin with it is an error that names the function", "[object][damage]") {
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { offset_of_record(elf, Table::func_info) += 8; }),
               contains("func_info of function 'hello'") && contains("instruction 1"));
}
