// Objects that ask for what cannot be, and objects damaged on purpose: an Error with names, never a crash.
#include <libminibpf/object/object_spec.hpp>

#include <functional>

#include <libminibpf/base/error.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <libminibpf/relocate/link.hpp>
#include <tests/catch.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::string complaint(ByteView bytes) {
    try {
        const ObjectSpec object = parse_object(bytes, "broken.o");
        for (const ProgramSpec& program : object.programs) link_functions(object, program);
        return "";
    } catch (const Error& error) {
        CHECK(error.detail().blame == Blame::object);
        return error.detail().doing + " / " + error.detail().hint;
    }
}

std::string complaint_about(const std::string& name) {
    return complaint(read_test_object(name));
}

std::string complaint_after(const std::string& name, const std::function<void(ElfBytes&)>& damage) {
    ElfBytes elf = damaged(name);
    damage(elf);
    return complaint(elf.bytes());
}

const std::string records = ".relraw_tp/sys_enter";

/// The object with another .BTF, of these types (each a type's record without its name) that all have this name.
Bytes with_types(const std::string& object, std::string_view name, std::vector<std::vector<std::uint32_t>> types) {
    constexpr std::uint32_t name_at = 1;
    btf_header header{.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(btf_header)};
    std::vector<std::uint32_t> words;
    for (const std::vector<std::uint32_t>& type : types) {
        words.push_back(name_at);
        words.insert(words.end(), type.begin(), type.end());
    }
    const std::string strings = '\0' + std::string(name) + '\0';
    header.type_len = header.str_off = static_cast<std::uint32_t>(words.size() * sizeof(std::uint32_t));
    header.str_len = static_cast<std::uint32_t>(strings.size());
    ElfBytes elf = damaged(object);
    const std::size_t at = (elf.bytes().size() + 7) / 8 * 8;
    elf.bytes().resize(at);
    for (const ByteView part :
         {ByteView(bytes_of(header)), ByteView(std::as_bytes(std::span(words))), bytes_of(std::string_view(strings))}) {
        elf.bytes().insert(elf.bytes().end(), part.begin(), part.end());
    }
    elf.section(".BTF").sh_offset = at;
    elf.section(".BTF").sh_size = elf.bytes().size() - at;
    return elf.bytes();
}

constexpr std::uint32_t info(btf::Kind kind, std::uint32_t vlen) {
    return static_cast<std::uint32_t>(kind) << 24 | vlen;
}

bpf_insn& insn_of_record(ElfBytes& elf, std::size_t index) {
    return *elf.at<bpf_insn>(elf.section("raw_tp/sys_enter").sh_offset + elf.record(records, index).r_offset);
}

}  // namespace

TEST_CASE("a wrong map definition is an error that names map and member", "[object]") {
    CHECK_THAT(complaint_about("unknown_member"),
               contains("map 'counts'") && contains("'max_entrys'") && contains("'max_entries'"));
    CHECK_THAT(complaint_about("conflicting_sizes"), contains("map 'counts'") && contains("4 bytes") && contains("8"));
}

TEST_CASE("a map's definition that cannot be meant is an error that names map and member", "[object]") {
    struct Case {
        std::string map;
        std::vector<std::string> words;
    };
    const Case cases[] = {
        {"without_type", {"no member 'type'"}},
        {"wrong_pinning", {"pinning 7"}},
        {"plain_number", {"'max_entries'", "__uint"}},
        {"type_for_number", {"'max_entries'", "write __uint(max_entries, N)"}},
        {"plain_key", {"'key'", "not a pointer"}},
        {"incomplete_value", {"'value'", "without a size"}},
        {"two_numbers", {"'map_extra'", "2 values instead of 1"}},
        {"two_sizes", {"'value_size'", "12 bytes", "4"}},
        {"values_first", {"'values'", "not said before it"}},
        {"values_in_hash", {"'values'", "its type is hash"}},
        {"values_no_pointers", {"'values'", "__array(values"}},
        {"values_no_maps", {"INT", "not to a map's definition"}},
        {"values_no_programs", {"STRUCT", "not to functions"}},
        {"pinned_inner", {"inner maps cannot have 'pinning'"}},
        {"inner_of_inner", {"inner maps cannot have 'values'"}},
        {"wrong_inner", {"'max_entrys'", "'max_entries'"}},
        {"inner_without_type", {"no member 'type'"}},
        {"no_struct", {"not a struct"}},
    };
    CHECK(complaint_about("wrong_maps").empty());  // none of them is in .maps
    for (const Case& wrong : cases) {
        INFO(wrong.map);
        const std::string said = complaint_after("wrong_maps", [&](ElfBytes& elf) {
            elf.rename(".maps." + wrong.map, ".maps");  // in ELF's names and in BTF's
        });
        CHECK_THAT(said, contains("map '" + wrong.map));
        for (const std::string& word : wrong.words) CHECK_THAT(said, contains(word));
    }
}

TEST_CASE("a value in a map's definition must be a whole pointer to a map or a program", "[object]") {
    CHECK_THAT(complaint_about("wrong_values"),
               contains("map 'programs'") && contains("'subprogram'") && contains("not a program"));
    const std::string table = ".rel.maps";
    CHECK_THAT(complaint_after("map_values", [&](ElfBytes& elf) { elf.record(table, 0).r_offset += 4; }),
               contains("no element of a map's values"));
    CHECK_THAT(complaint_after("map_values", [&](ElfBytes& elf) { elf.record(table, 0).r_offset = 0; }),
               contains("no element of a map's values"));
    CHECK_THAT(complaint_after("map_values",
                               [&](ElfBytes& elf) { elf.record(table, 0).r_offset = elf.section(".maps").sh_size; }),
               contains(".maps") && contains("changes offset"));
    CHECK_THAT(complaint_after("map_values", [&](ElfBytes& elf) { elf.record(table, 0).r_info |= 0xffffffull << 32; }),
               contains("symbol"));
    CHECK_THAT(complaint_after("map_values", [](ElfBytes& elf) { elf.symbol("next").st_value += 8; }),
               contains("'next'"));
    // What a static map's pointer holds: the offset of no map.
    CHECK_THAT(complaint_after("static_inner_maps",
                               [&](ElfBytes& elf) {
                                   const std::uint64_t at =
                                       elf.section(".maps").sh_offset + elf.record(table, 0).r_offset;
                                   *elf.at<std::uint64_t>(at) = 4;
                               }),
               contains("map 'by_index'") && contains("no map of this object"));
}

TEST_CASE("an extern that cannot be filled in is an error that names it", "[object]") {
    CHECK_THAT(complaint_after("legacy_maps",
                               [](ElfBytes& elf) {
                                   elf.symbol("counts").st_shndx = SHN_UNDEF;
                                   elf.symbol("counts").st_value = 0;
                               }),
               contains("'counts'"));
}

TEST_CASE("maps in .maps without BTF are an error that says how to compile", "[object]") {
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.section(".BTF").sh_name += 1; }), contains("clang -g"));
}

TEST_CASE("a legacy definition must be whole, and zero where it is longer", "[object]") {
    const auto without_btf = [](ElfBytes& elf) { elf.section(".BTF").sh_name += 1; };  // "BTF" is no section of BTF
    CHECK(complaint_after("legacy_maps", without_btf).empty());
    CHECK_THAT(complaint_after("legacy_maps",
                               [&](ElfBytes& elf) {
                                   without_btf(elf);
                                   elf.symbol("output").st_shndx =
                                       SHN_ABS;  // counts is now followed by more bytes of its own
                               }),
               contains("map 'counts'") && contains("40 bytes") && contains("not zero"));
    CHECK_THAT(complaint_after("legacy_maps",
                               [&](ElfBytes& elf) {
                                   without_btf(elf);
                                   elf.symbol("output").st_value = 10;
                               }),
               contains("map 'counts'") && contains("10 bytes"));
}

TEST_CASE("a relocation on the wrong instruction or symbol is an error with function, instruction and symbol",
          "[object]") {
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.record(records, 0).r_offset = 0; }),
               contains("function 'hello', instruction 0") && contains("'messages'") &&
                   contains("neither a ld_imm64 nor a call"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.record(records, 0).r_offset += 4; }),
               contains("not at the beginning"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.record(records, 0).r_offset += 8; }),
               contains("not at the beginning"));
    CHECK_THAT(complaint_after(
                   "maps", [](ElfBytes& elf) { elf.record(records, 1).r_offset = elf.record(records, 0).r_offset; }),
               contains("not at the beginning"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.record(records, 0).r_offset = 1 << 20; }),
               contains("'raw_tp/sys_enter', which has only"));
    CHECK_THAT(complaint_after("maps",
                               [](ElfBytes& elf) {
                                   Elf64_Rel& record = elf.record(records, 0);
                                   record.r_info = ELF64_R_INFO(ELF64_R_SYM(record.r_info), 10);
                               }),
               contains("type 10") && contains("'messages'"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { elf.record(records, 0).r_info = ELF64_R_INFO(0, 1); }),
               contains("names no symbol"));
    CHECK_THAT(complaint_after("maps",
                               [](ElfBytes& elf) {
                                   elf.symbol("messages").st_shndx =
                                       static_cast<std::uint16_t>(elf.section_index("license"));
                                   elf.symbol("messages").st_value = elf.symbol("messages").st_size = 0;
                               }),
               contains("messages"));
    CHECK_THAT(complaint_after("maps", [](ElfBytes& elf) { insn_of_record(elf, 0).imm = 4; }),
               contains("nothing is at offset"));
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { insn_of_record(elf, 0).imm = 1000; }),
               contains("'limit'") && contains("offset 1000"));
}

TEST_CASE("a call must reach the beginning of a function", "[object]") {
    const auto misdirect = [](int distance) {
        return [distance](ElfBytes& elf) {
            // entry's second instruction is its call of `called`
            auto* insns = elf.at<bpf_insn>(elf.section(".text").sh_offset + elf.symbol("entry").st_value);
            REQUIRE(insns[1].code == (BPF_JMP | BPF_CALL));
            insns[1].imm += distance;
        };
    };
    CHECK_THAT(complaint_after("text_only", misdirect(1)),
               contains("function 'entry', instruction 1") && contains("no function begins"));
    CHECK_THAT(complaint_after("text_only", misdirect(-100)), contains("no function begins"));
    CHECK_THAT(complaint_after("text_only", misdirect(1000000)), contains("no function begins"));
}

TEST_CASE("functions must be whole instructions, inside their section, and apart", "[object]") {
    CHECK_THAT(complaint_after("text_only", [](ElfBytes& elf) { elf.symbol("called").st_size = 12; }),
               contains("whole instructions"));
    CHECK_THAT(complaint_after("text_only", [](ElfBytes& elf) { elf.symbol("called").st_size += 8; }),
               contains("overlap"));
    CHECK_THAT(complaint_after("text_only",
                               [](ElfBytes& elf) {
                                   elf.symbol("called").st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
                                   elf.symbol("entry").st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
                               }),
               contains("section '.text'") && contains("llvm-strip -g"));
}

TEST_CASE("a function ending in the middle of a ld_imm64 is an error", "[object]") {
    CHECK_THAT(complaint_after("text_only",
                               [](ElfBytes& elf) {
                                   auto* insns =
                                       elf.at<bpf_insn>(elf.section(".text").sh_offset + elf.symbol("entry").st_value);
                                   insns[2].code = BPF_LD | BPF_IMM | BPF_DW;
                               }),
               contains("function 'entry', instruction 2") && contains("middle"));
}

TEST_CASE("a .bss larger than any map's value is refused, not allocated", "[object]") {
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { elf.section(".bss").sh_size = 1ULL << 31; }),
               contains("'.bss'"));
    CHECK_THAT(complaint_after("variables", [](ElfBytes& elf) { elf.section(".bss").sh_size = ~0ULL; }),
               contains("'.bss'"));
}

TEST_CASE("a long name that thousands of things share is refused before it fills the memory", "[object]") {
    const std::string name(100'000, 'x');
    const std::vector<std::uint32_t> integer = {info(btf::Kind::int_, 0), 4, 32};
    const std::vector<std::uint32_t> section = {info(btf::Kind::datasec, 0), 0};
    std::vector<std::vector<std::uint32_t>> types(5000, section);  // 500 MB of names in 200 KB
    types.insert(types.begin(), integer);
    CHECK_THAT(complaint(with_types("variables", name, types)), contains("more than 16 times its size"));
    types.resize(5);
    CHECK(complaint(with_types("text_only", name, types)).empty());
}

TEST_CASE("without the symbols of .text, programs that call nothing in it are whole", "[object]") {
    ElfBytes elf = damaged("core_local");
    const std::size_t text = elf.section_index(".text");
    const Elf64_Shdr& table = elf.section(".symtab");
    for (std::size_t at = 0; at < table.sh_size; at += sizeof(Elf64_Sym)) {
        Elf64_Sym& symbol = *elf.at<Elf64_Sym>(table.sh_offset + at);
        if (symbol.st_shndx == text) symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION);
    }
    const ObjectSpec object = parse_object(elf.bytes(), "stripped.o");
    CHECK(link_functions(object, object.require_program("offset")).functions.size() == 1);
    try {
        link_functions(object, object.require_program("calls_shared"));
        FAIL("did not throw");
    } catch (const Error& error) {
        CHECK_THAT(error.detail().doing,
                   contains("'calls_shared'") && contains("'.text'") && contains("llvm-strip -g"));
    }
}

TEST_CASE("an object cut off anywhere is an error", "[object]") {
    for (const char* name : {"text_only", "legacy_maps"}) {
        const Bytes whole = read_test_object(name);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            INFO(name << " cut to " << size << " bytes");
            CHECK_FALSE(complaint(cut).empty());
        }
    }
}

TEST_CASE("an object with any one byte changed is an error or an object, never a crash", "[object]") {
    std::size_t objects = 0;
    for (const char* name : {"text_only", "variables", "programs"}) {
        Bytes bytes = read_test_object(name);
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            const std::byte good = bytes[at];
            for (std::byte bad : {std::byte{0}, std::byte{0xff}, good ^ std::byte{1}, good ^ std::byte{0x80}}) {
                if (bad == good) continue;
                bytes[at] = bad;
                try {
                    const ObjectSpec object = parse_object(bytes, "broken.o");
                    for (const FunctionSpec& function : object.functions) (void)disassemble(function.insns);
                    ++objects;
                } catch (const Error& error) {
                    if (error.detail().doing.empty()) {
                        FAIL("an error that says nothing at byte " << at << " of " << name);
                    }
                }
            }
            bytes[at] = good;
        }
    }
    CHECK(objects > 0);  // most of a file is debug information, which nobody reads
}
