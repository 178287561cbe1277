#include <libminibpf/elf/elf_file.hpp>

#include <functional>
#include <string>

#include <libminibpf/base/error.hpp>
#include <tests/catch.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// What the parser says to a file, hint included; empty when it has nothing to complain about.
std::string complaint(ByteView bytes) {
    try {
        elf::ElfFile::parse(bytes, "broken.o");
        return "";
    } catch (const Error& error) {
        CHECK(error.detail().blame == Blame::object);
        return error.detail().doing + " / " + error.detail().hint;
    }
}

std::string complaint_after(const std::string& name, const std::function<void(ElfBytes&)>& damage) {
    ElfBytes elf = damaged(name);
    damage(elf);
    return complaint(elf.bytes());
}

}  // namespace

TEST_CASE("an object's sections, symbols and relocation records are read", "[elf]") {
    const Bytes bytes = read_test_object("maps");
    const elf::ElfFile elf = elf::ElfFile::parse(bytes, "maps.bpf.o");
    CHECK(elf.is_native_endian());

    const elf::Section* code = elf.find_section("raw_tp/sys_enter");
    REQUIRE(code != nullptr);
    CHECK(code->is_executable());
    CHECK(elf.section(code->index) == code);
    CHECK(elf.section(0) == nullptr);
    CHECK(elf.find_section("nothing") == nullptr);
    CHECK_FALSE(elf.find_section(".maps")->is_executable());

    const elf::RelocationTable* table = nullptr;
    for (const elf::RelocationTable& t : elf.relocations()) {
        if (t.section == code->index) table = &t;
    }
    REQUIRE(table != nullptr);
    REQUIRE(table->records.size() == 3);
    CHECK(elf.symbols()[table->records[0].symbol].name == "messages");
    CHECK(elf.symbols()[table->records[0].symbol].section == elf.find_section(".maps")->index);
}

TEST_CASE("a .bss section has a size and no bytes", "[elf]") {
    const Bytes bytes = read_test_object("variables");
    const elf::ElfFile elf = elf::ElfFile::parse(bytes, "variables.bpf.o");
    CHECK(elf.find_section(".bss")->size == 42);
    CHECK(elf.find_section(".bss")->data.empty());
}

TEST_CASE("relocations of debug information are not read", "[elf]") {
    const Bytes bytes = read_test_object("maps");
    const elf::ElfFile elf = elf::ElfFile::parse(bytes, "maps.bpf.o");
    for (const elf::RelocationTable& table : elf.relocations()) {
        CHECK_FALSE(elf.section(table.section)->name.starts_with(".debug"));
        CHECK_FALSE(elf.section(table.section)->name.starts_with(".BTF"));
    }
}

TEST_CASE("what is not ELF is told by its first bytes", "[elf]") {
    CHECK_THAT(complaint({}), contains("not an ELF file (it is empty)"));
    CHECK_THAT(complaint(bytes_of(std::string_view("#include <x>"))), contains("it begins with 23 69 6e 63"));
    CHECK_FALSE(
        elf::looks_like_elf(bytes_of(std::string_view("\x7f"
                                                      "EL"))));
}

TEST_CASE("an object for another machine is refused by the machine's name", "[elf]") {
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_machine = EM_X86_64; }),
               contains("compiled for x86-64") && contains("clang -target bpf"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_machine = 999; }),
               contains("machine number 999"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_ident[EI_CLASS] = ELFCLASS32; }),
               contains("64-bit"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_type = ET_EXEC; }),
               contains("an executable"));
}

TEST_CASE("a file that does not hold what its headers promise is refused", "[elf]") {
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_shoff = elf.bytes().size() - 10; }),
               contains("section headers") && contains("past the end of the file"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_shnum = 0; }),
               contains("no section headers"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_shstrndx = 1000; }),
               contains("section names"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.header().e_shstrndx = 2; }), contains("section names"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section(".maps").sh_offset = ~0ULL; }),
               contains("lies outside the file") && contains("only in part"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section("license").sh_size = 1 << 30; }),
               contains("outside the file"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section(".maps").sh_name = 0xffffff; }),
               contains("its name at offset"));
}

TEST_CASE("a symbol must be in an existing section, inside it, and have a name", "[elf]") {
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.symbol("hello").st_shndx = 500; }),
               contains("'hello'") && contains("section 500"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.symbol("hello").st_value = 1 << 20; }),
               contains("'hello'") && contains("outside section") && contains("raw_tp/sys_enter"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.symbol("ring").st_size = ~0ULL; }), contains("'ring'"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.symbol("ring").st_name = 0xfffffff; }),
               contains("its name at offset"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section(".symtab").sh_link = 999; }), contains("999"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section(".symtab").sh_size -= 1; }),
               contains("multiple"));
}

TEST_CASE("a relocation table must speak of an existing section and existing symbols", "[elf]") {
    const std::string table = ".relraw_tp/sys_enter";
    CHECK_THAT(complaint_after("maps", [&](ElfBytes& elf) { elf.section(table).sh_info = 300; }),
               contains("section 300"));
    CHECK_THAT(complaint_after("maps", [&](ElfBytes& elf) { elf.record(table, 0).r_info = ELF64_R_INFO(7777, 1); }),
               contains("symbol 7777"));
    CHECK_THAT(complaint_after("maps", [&](ElfBytes& elf) { elf.record(table, 1).r_offset = 1 << 20; }),
               contains("record 1") && contains("1048576"));
    CHECK_THAT(complaint_after("maps", [&](ElfBytes& elf) { elf.section(table).sh_type = SHT_RELA; }),
               contains("SHT_RELA"));
}

TEST_CASE("a file cut off anywhere is refused", "[elf]") {
    const Bytes whole = read_test_object("text_only");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        INFO("cut to " << size << " bytes");
        CHECK_FALSE(complaint(cut).empty());
    }
}

TEST_CASE("a big-endian object can be read on a little-endian machine", "[elf]") {
    if constexpr (std::endian::native == std::endian::little) {
        // The smallest file there can be: the header, the null section and the section names, most significant byte
        // first.
        Bytes bytes(64 + 2 * 64 + 12);
        const auto put = [&](std::size_t offset, std::size_t size, std::uint64_t value) {
            for (std::size_t i = 0; i < size; ++i) {
                bytes[offset + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
            }
        };
        const unsigned char ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2MSB, EV_CURRENT};
        std::memcpy(bytes.data(), ident, sizeof(ident));
        put(16, 2, ET_REL);
        put(18, 2, 247);
        put(20, 4, EV_CURRENT);
        put(40, 8, 64);  // e_shoff
        put(58, 2, 64);  // e_shentsize
        put(60, 2, 2);   // e_shnum
        put(62, 2, 1);   // e_shstrndx
        put(128, 4, 1);  // sh_name
        put(132, 4, SHT_STRTAB);
        put(152, 8, 192);  // sh_offset
        put(160, 8, 12);   // sh_size
        std::memcpy(bytes.data() + 192, "\0.shstrtab", 11);
        const elf::ElfFile elf = elf::ElfFile::parse(bytes, "big.o");
        CHECK_FALSE(elf.is_native_endian());
        REQUIRE(elf.sections().size() == 1);
        CHECK(elf.sections()[0].name == ".shstrtab");
    }
}

TEST_CASE("sections that overlap are an error, for what is copied out of them would be more than the file", "[elf]") {
    CHECK_THAT(complaint_after("maps",
                               [](ElfBytes& elf) {
                                   const std::size_t size = elf.bytes().size();
                                   for (const char* name : {".maps", "license"}) {
                                       elf.section(name).sh_offset = 0;
                                       elf.section(name).sh_size = size;
                                   }
                               }),
               contains("overlap"));
}
