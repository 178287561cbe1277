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

bpf_insn& insn_of_record(ElfBytes& elf, std::size_t index) {
    return *elf.at<bpf_insn>(elf.section("raw_tp/sys_enter").sh_offset + elf.record(records, index).r_offset);
}

}  // namespace

TEST_CASE("a wrong map definition is an error that names map and member", "[object]") {
    CHECK_THAT(complaint_about("unknown_member"),
               contains("map 'counts'") && contains("'max_entrys'") && contains("'max_entries'"));
    CHECK_THAT(complaint_about("conflicting_sizes"), contains("map 'counts'") && contains("4 bytes") && contains("8"));
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
