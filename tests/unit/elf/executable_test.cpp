// Executables and the dynamic linker's cache: file offsets of functions and USDT probes, from well-formed and other
// bytes.
#include <cstring>

#include <elf.h>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/elf/executable.hpp>
#include <libminibpf/elf/library_cache.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;

namespace {

void append(std::string& bytes, const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
}

template <class T>
void append(std::string& bytes, const T& value) {
    append(bytes, &value, sizeof value);
}

constexpr std::uint64_t code_address = 0x401000;
constexpr std::uint64_t code_offset = 0x400;
constexpr std::uint64_t data_address = 0x602000;
constexpr std::uint64_t data_offset = 0x600;

std::string note_bytes(std::uint64_t pc, std::uint64_t base, std::uint64_t semaphore, const std::string& texts) {
    std::string note;
    append(note, Elf64_Nhdr{.n_namesz = 8, .n_descsz = Elf64_Word(24 + texts.size()), .n_type = 3});
    append(note, "stapsdt", 8);
    for (const std::uint64_t address : {pc, base, semaphore}) append(note, address);
    note += texts;
    while (note.size() % 4 != 0) note += '\0';
    return note;
}

/// A file of 2 KiB: code at 0x400, data at 0x600, then whatever its parts hold.
struct ExecutableBuilder {
    std::vector<Elf64_Sym> symbols = {{}};
    std::string names = std::string(1, '\0');
    std::string notes;
    std::uint64_t base_now = 0x9000;

    void add_symbol(const std::string& name, std::uint64_t address, unsigned type = STT_FUNC,
                    unsigned bind = STB_GLOBAL, unsigned section = 1) {
        Elf64_Sym symbol{};
        symbol.st_name = static_cast<Elf64_Word>(names.size());
        symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(bind, type));
        symbol.st_shndx = static_cast<Elf64_Section>(section);
        symbol.st_value = address;
        symbol.st_size = 16;
        symbols.push_back(symbol);
        names += name + '\0';
    }

    std::string build() const {
        const std::string section_names("\0.symtab\0.strtab\0.note.stapsdt\0.stapsdt.base\0", 46);
        std::string file(0x800, '\0');
        std::vector<Elf64_Shdr> sections(1);
        const auto add = [&](std::uint32_t name, std::uint32_t type, const std::string& content, std::uint32_t link,
                             std::uint64_t address = 0) {
            Elf64_Shdr section{};
            section.sh_name = name;
            section.sh_type = type;
            section.sh_offset = file.size();
            section.sh_size = content.size();
            section.sh_link = link;
            section.sh_addr = address;
            sections.push_back(section);
            file += content;
        };
        std::string table;
        append(table, symbols.data(), symbols.size() * sizeof(Elf64_Sym));
        add(1, SHT_SYMTAB, table, 2);
        add(9, SHT_STRTAB, names, 0);
        add(17, SHT_NOTE, notes, 0);
        add(31, SHT_PROGBITS, "", 0, base_now);
        add(0, SHT_STRTAB, section_names, 0);
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 2;
        header.e_shoff = file.size();
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = static_cast<Elf64_Half>(sections.size());
        header.e_shstrndx = 5;
        append(file, sections.data(), sections.size() * sizeof(Elf64_Shdr));
        const Elf64_Phdr segments[] = {
            {PT_LOAD, PF_R | PF_X, code_offset, code_address, code_address, 0x100, 0x100, 0x1000},
            {PT_LOAD, PF_R | PF_W, data_offset, data_address, data_address, 0x100, 0x100, 0x1000}};
        std::memcpy(file.data(), &header, sizeof header);
        std::memcpy(file.data() + sizeof header, segments, sizeof segments);
        return file;
    }
};

elf::Executable parse(const std::string& file) {
    return elf::parse_executable(bytes_of(std::string_view(file)), "a.out");
}

}  // namespace

TEST_CASE("a function's file offset follows from its address and the segment that it lies in", "[elf]") {
    ExecutableBuilder builder;
    builder.add_symbol("main", code_address + 0x20);
    builder.add_symbol("malloc@@GLIBC_2.2.5", code_address + 0x40, STT_FUNC, STB_WEAK);
    builder.add_symbol("memcpy", code_address + 0x60, STT_GNU_IFUNC);
    builder.add_symbol("a_variable", data_address, STT_OBJECT);
    builder.add_symbol("from_elsewhere", 0, STT_FUNC, STB_GLOBAL, SHN_UNDEF);
    builder.add_symbol("not_code", data_address);
    builder.add_symbol("nowhere", 0x7000);
    builder.add_symbol("malloc@GLIBC_2.0", code_address + 0x80);
    const std::string file = builder.build();
    const elf::Executable executable = parse(file);
    REQUIRE(executable.functions.size() == 4);
    CHECK(executable.functions[0].name == "main");
    CHECK(executable.functions[0].offset == code_offset + 0x20);
    CHECK(executable.functions[0].size == 16);
    CHECK(executable.functions[1].name == "malloc");
    CHECK(executable.functions[1].bind == STB_WEAK);
    CHECK(executable.functions[2].is_indirect);
    CHECK_FALSE(executable.functions[1].is_old);
    CHECK(executable.functions[3].name == "malloc");
    CHECK(executable.functions[3].is_old);
}

TEST_CASE("a USDT note says where its probe is, and follows what was moved after it was made", "[elf][usdt]") {
    ExecutableBuilder builder;
    const std::string texts("mysql\0query__start\0-4@%eax 8@-16(%rbp)\0", 39);
    builder.notes = note_bytes(code_address + 8, 0x9000, 0, texts);
    builder.notes += note_bytes(code_address + 0x10 - 0x100, 0x8f00, data_address + 4 - 0x100, texts);
    builder.notes += note_bytes(0x12345, 0x9000, 0, texts);  // in no segment
    const std::string file = builder.build();
    const elf::Executable executable = parse(file);
    REQUIRE(executable.usdt_notes.size() == 2);
    CHECK(executable.usdt_notes[0].provider == "mysql");
    CHECK(executable.usdt_notes[0].name == "query__start");
    CHECK(executable.usdt_notes[0].arguments == "-4@%eax 8@-16(%rbp)");
    CHECK(executable.usdt_notes[0].offset == code_offset + 8);
    CHECK(executable.usdt_notes[0].semaphore_offset == 0);
    CHECK(executable.usdt_notes[1].offset == code_offset + 0x10);
    CHECK(executable.usdt_notes[1].semaphore_offset == data_offset + 4);
}

TEST_CASE("a file that is no executable of this machine is an error that names it", "[elf]") {
    const auto refusal = [](const std::string& file) {
        const Error error = error_of([&] { parse(file); });
        CHECK(error.detail().blame == Blame::object);
        CHECK_THAT(error.what(), contains("a.out"));
        return std::string(error.what());
    };
    CHECK_THAT(refusal("#!/bin/sh\n"), contains("script"));
    CHECK_THAT(refusal(""), contains("not an ELF file"));
    const std::string file = ExecutableBuilder().build();
    std::string other = file;
    other[EI_CLASS] = ELFCLASS32;
    CHECK_THAT(refusal(other), contains("64-bit"));
    other = file;
    other[EI_DATA] = ELFDATA2MSB;
    CHECK_THAT(refusal(other), contains("byte order"));
    other = file;
    other[offsetof(Elf64_Ehdr, e_type)] = ET_REL;
    CHECK_THAT(refusal(other), contains("neither an executable"));
}

TEST_CASE("an executable that was cut off anywhere, or has any byte changed, is read or refused", "[elf]") {
    ExecutableBuilder builder;
    builder.add_symbol("main", code_address + 0x20);
    builder.notes = note_bytes(code_address, 0x9000, data_address, std::string("a\0b\0-4@%eax\0", 12));
    const std::string file = builder.build();
    const auto read_or_refuse = [](const std::string& bytes) {
        try {
            for (const elf::FunctionSymbol& function : parse(bytes).functions) CHECK(function.offset < bytes.size());
        } catch (const Error&) {
        }
    };
    for (std::size_t size = 0; size < file.size(); ++size) read_or_refuse(file.substr(0, size));
    for (std::size_t at = 0; at < file.size(); ++at) {
        std::string changed = file;
        changed[at] = '\xff';
        read_or_refuse(changed);
    }
}

TEST_CASE("a library is found in ld.so.cache by its whole name and by its beginning", "[elf]") {
    struct Entry {
        std::uint32_t flags, name, path, unused;
        std::uint64_t capabilities;
    };
#if defined(__aarch64__)
    constexpr std::uint32_t ours = 0x0a03;
#else
    constexpr std::uint32_t ours = 0x0303;
#endif
    const std::string strings("libc.so.6\0/lib32/libc.so.6\0/lib/libc.so.6\0libcrypt.so.1\0/lib/libcrypt.so.1\0", 75);
    constexpr std::uint32_t begin = 48 + 3 * sizeof(Entry);
    std::string cache = "glibc-ld.so.cache1.1";
    append(cache, std::uint32_t{3});
    append(cache, static_cast<std::uint32_t>(strings.size()));
    cache.resize(48);
    append(cache, Entry{ours, begin + 41, begin + 55, 0, 0});
    append(cache, Entry{0x0803, begin, begin + 10, 0, 0});
    append(cache, Entry{ours, begin, begin + 27, 0, 0});
    cache += strings;
    const auto find = [](const std::string& bytes, std::string_view name) {
        return std::string(elf::find_library(bytes_of(std::string_view(bytes)), name).value_or("none"));
    };
    for (const char* name : {"libc", "libc.so", "libc.so.6"}) CHECK(find(cache, name) == "/lib/libc.so.6");
    CHECK(find("an older part comes first" + cache, "libc") == "/lib/libc.so.6");
    for (const char* name : {"lib", "libcry", "libc.so.7", "", "c"}) CHECK(find(cache, name) == "none");
    CHECK(find("", "libc") == "none");
    for (std::size_t size = 0; size < cache.size(); ++size) find(cache.substr(0, size), "libc");
}
