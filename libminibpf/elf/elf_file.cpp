// First step of the pipeline: the bytes of a `.o` to sections, symbols and relocation records, each checked.
//
//     +------------+ 0
//     | ELF header |  what kind of file this is, and where the section header table lies (e_shoff, e_shnum)
//     +------------+
//     | section 1  |  "kprobe/do_unlinkat": instructions
//     | section 2  |  ".maps", "license", ".BTF", ".symtab", ".strtab", ...
//     |    ...     |
//     +------------+ e_shoff
//     | section    |  one Elf64_Shdr for each section: name, type, flags, offset and size in the file
//     | headers    |
//     +------------+
//
// libelf turns the headers, the symbols and the relocation records into this machine's byte order. It is handed only
// what was checked before: the header here, the tables after their section was seen to lie inside the file. The
// contents of other sections are not converted: Section::data is a view of the file's own bytes.
#include <libminibpf/elf/elf_file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <memory>
#include <optional>

#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <libminibpf/base/error.hpp>

namespace minibpf::elf {

namespace {

constexpr std::uint16_t machine_bpf = 247;  // EM_BPF

constexpr const char* truncated_hint =
    "the file is shorter than its own headers say: was it copied or written only in part?";

struct ElfEnd {
    void operator()(Elf* elf) const noexcept { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_386: return "32-bit x86";
        case EM_X86_64: return "x86-64";
        case EM_ARM: return "32-bit Arm";
        case EM_AARCH64: return "AArch64";
        case EM_PPC64: return "64-bit PowerPC";
        case EM_S390: return "s390";
        case EM_RISCV: return "RISC-V";
        default: return fmt::format("machine number {}", machine);
    }
}

std::string type_name(std::uint16_t type) {
    switch (type) {
        case ET_NONE: return "of no type";
        case ET_EXEC: return "an executable";
        case ET_DYN: return "a shared library or a position-independent executable";
        case ET_CORE: return "a core dump";
        default: return fmt::format("of type {}", type);
    }
}

// A number of the file's header, which is in the byte order of the machine that the file is for.
template <class T>
T in_native_order(T value, bool native_endian) noexcept {
    if (native_endian) return value;
    auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    std::reverse(bytes.begin(), bytes.end());
    return std::bit_cast<T>(bytes);
}

std::string first_bytes(ByteView bytes) {
    std::string text;
    for (std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 4))) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    return text;
}

bool is_native(unsigned char data_encoding) noexcept {
    return data_encoding == (std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB);
}

/// Reads an ElfFile's parts one after the other; everything that an error needs to name is here.
class Reader {
public:
    Reader(ByteView bytes, std::string_view file_name) : bytes_(bytes), file_name_(file_name) {}

    enum class Expect { bpf_object, any_machine };
    bool check_header(Expect expect);  ///< whether the byte order is this machine's
    void open();
    std::vector<Section> read_sections();
    std::vector<Symbol> read_symbols(const std::vector<Section>& sections);
    std::vector<RelocationTable> read_relocations(const std::vector<Section>& sections,
                                                  const std::vector<Symbol>& symbols);

private:
    template <class... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
        throw_malformed(fmt::format("{}: {}", file_name_, fmt::format(format, std::forward<Args>(args)...)));
    }
    [[noreturn]] void fail_truncated(const std::string& what) const {
        throw_malformed(fmt::format("{}: {}", file_name_, what), truncated_hint);
    }
    void check_identity(const Elf64_Ehdr& header) const;
    void check_section_table(std::uint64_t offset, std::uint16_t count, std::uint16_t entry_size) const;
    Section read_section(std::uint32_t index, const GElf_Shdr& header) const;
    void name_sections(std::vector<Section>& sections, const std::vector<std::uint32_t>& name_offsets) const;
    Elf_Data* table_data(const Section& section, std::size_t entry_size) const;
    void check_symbol(const Symbol& symbol, const std::vector<Section>& sections) const;
    RelocationTable read_table(const Section& table, const Section& target, const std::vector<Symbol>& symbols) const;

    ByteView bytes_;
    std::string_view file_name_;
    ElfHandle elf_;
};

// "section 3 'kprobe/execve'"
std::string title(const Section& section) {
    return fmt::format("section {} '{}'", section.index, section.name);
}

std::string title(const Symbol& symbol) {
    return fmt::format("symbol {} '{}'", symbol.index, symbol.name);
}

void Reader::check_identity(const Elf64_Ehdr& header) const {
    if (header.e_ident[EI_CLASS] != ELFCLASS64) {
        throw_malformed(fmt::format("{}: not a 64-bit ELF file (EI_CLASS is {})", file_name_, header.e_ident[EI_CLASS]),
                        "BPF objects are 64-bit: compile with clang -target bpf");
    }
    const unsigned char encoding = header.e_ident[EI_DATA];
    if (encoding != ELFDATA2LSB && encoding != ELFDATA2MSB) {
        fail("unknown byte order in the ELF header (EI_DATA is {})", encoding);
    }
    if (header.e_ident[EI_VERSION] != EV_CURRENT) fail("unknown ELF version {}", header.e_ident[EI_VERSION]);
}

void Reader::check_section_table(std::uint64_t offset, std::uint16_t count, std::uint16_t entry_size) const {
    // A count of 0 with a table present would mean "look into section 0 for it", for files of more than 65279 sections.
    if (offset == 0 || count == 0) fail("no section headers: nothing to load");
    if (entry_size != sizeof(Elf64_Shdr)) {
        fail("section headers of {} bytes instead of {}", entry_size, sizeof(Elf64_Shdr));
    }
    if (!slice(bytes_, offset, std::size_t{count} * sizeof(Elf64_Shdr))) {
        fail_truncated(
            fmt::format("the table of {} section headers at offset {} reaches past the end of the file ({} bytes)",
                        count, offset, bytes_.size()));
    }
}

bool Reader::check_header(Expect expect) {
    if (!looks_like_elf(bytes_)) {
        throw_malformed(fmt::format("{}: not an ELF file ({})", file_name_,
                                    bytes_.empty() ? "it is empty" : "it begins with " + first_bytes(bytes_)),
                        "a BPF object is what clang -target bpf -g -O2 -c writes; raw instructions need --type");
    }
    const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
    if (!header) {
        fail_truncated(fmt::format("the ELF header is cut off ({} of {} bytes)", bytes_.size(), sizeof(Elf64_Ehdr)));
    }
    check_identity(*header);
    const bool native = is_native(header->e_ident[EI_DATA]);
    const std::uint16_t machine = in_native_order(header->e_machine, native);
    const std::uint16_t type = in_native_order(header->e_type, native);
    if (expect == Expect::bpf_object && machine != machine_bpf) {
        throw_malformed(fmt::format("{}: compiled for {}, not for BPF", file_name_, machine_name(machine)),
                        "compile with clang -target bpf");
    }
    if (expect == Expect::bpf_object && type != ET_REL) {
        throw_malformed(fmt::format("{}: {}, not a relocatable object", file_name_, type_name(type)),
                        "compile with clang -c, without linking");
    }
    check_section_table(in_native_order(header->e_shoff, native), in_native_order(header->e_shnum, native),
                        in_native_order(header->e_shentsize, native));
    return native;
}

void Reader::open() {
    elf_version(EV_CURRENT);
    // elf_memory() takes a `char*` because a program may ask libelf to change the image; for reading, libelf leaves it
    // alone (it converts a file of the other byte order into memory of its own).
    char* image = const_cast<char*>(reinterpret_cast<const char*>(bytes_.data()));
    elf_.reset(elf_memory(image, bytes_.size()));
    if (!elf_ || elf_kind(elf_.get()) != ELF_K_ELF) fail("libelf cannot read it: {}", elf_errmsg(-1));
}

Section Reader::read_section(std::uint32_t index, const GElf_Shdr& header) const {
    Section section{.index = index,
                    .type = header.sh_type,
                    .flags = header.sh_flags,
                    .size = header.sh_size,
                    .alignment = header.sh_addralign,
                    .link = header.sh_link,
                    .info = header.sh_info};
    if (section.type == SHT_NOBITS || section.type == SHT_NULL) return section;
    const auto data = slice(bytes_, header.sh_offset, header.sh_size);
    if (!data) {
        fail_truncated(fmt::format("section {} lies outside the file ({} bytes at offset {}; the file has {})", index,
                                   header.sh_size, header.sh_offset, bytes_.size()));
    }
    section.data = *data;
    return section;
}

// The names lie in a section of their own, whose index the ELF header has; so they are read when all sections are
// known.
void Reader::name_sections(std::vector<Section>& sections, const std::vector<std::uint32_t>& name_offsets) const {
    std::size_t names_index = 0;
    elf_getshdrstrndx(elf_.get(), &names_index);
    if (names_index == SHN_UNDEF || names_index > sections.size() || sections[names_index - 1].type != SHT_STRTAB) {
        fail("the section names are missing (e_shstrndx is {}, which is no string table)", names_index);
    }
    const ByteView names = sections[names_index - 1].data;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const auto name = string_at(names, name_offsets[i]);
        if (!name) {
            fail("section {}: its name at offset {} lies outside the section names", sections[i].index,
                 name_offsets[i]);
        }
        sections[i].name = *name;
    }
}

std::vector<Section> Reader::read_sections() {
    std::vector<Section> sections;
    std::vector<std::uint32_t> name_offsets;
    std::size_t count = 0;
    elf_getshdrnum(elf_.get(), &count);
    sections.reserve(count);
    name_offsets.reserve(count);
    std::uint64_t bytes_in_sections = 0;
    // elf_nextscn() begins with section 1: number 0 is SHN_UNDEF, "no section".
    for (Elf_Scn* scn = elf_nextscn(elf_.get(), nullptr); scn != nullptr; scn = elf_nextscn(elf_.get(), scn)) {
        const auto index = static_cast<std::uint32_t>(elf_ndxscn(scn));
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) == nullptr) {
            fail("section {}: libelf cannot read its header: {}", index, elf_errmsg(-1));
        }
        sections.push_back(read_section(index, header));
        name_offsets.push_back(header.sh_name);
        bytes_in_sections += sections.back().data.size();
    }
    // What is copied out of sections takes then no more memory than the file.
    if (bytes_in_sections > bytes_.size()) {
        fail("sections overlap: together they have {} bytes, and the file {}", bytes_in_sections, bytes_.size());
    }
    name_sections(sections, name_offsets);
    return sections;
}

// A section that is an array of records, by libelf, which converts them if need be.
Elf_Data* Reader::table_data(const Section& section, std::size_t entry_size) const {
    if (section.size % entry_size != 0) {
        fail("{}: {} bytes is no multiple of its records' {}", title(section), section.size, entry_size);
    }
    Elf_Data* data = elf_getdata(elf_getscn(elf_.get(), section.index), nullptr);
    if (data == nullptr) fail("{}: libelf cannot read it: {}", title(section), elf_errmsg(-1));
    return data;
}

void Reader::check_symbol(const Symbol& symbol, const std::vector<Section>& sections) const {
    // SHN_LORESERVE and above are no sections but meanings: SHN_ABS, SHN_COMMON.
    if (symbol.section == SHN_UNDEF || symbol.section >= SHN_LORESERVE) return;
    if (symbol.section > sections.size()) {
        fail("{}: defined in section {}, but there are only {}", title(symbol), symbol.section, sections.size());
    }
    const Section& section = sections[symbol.section - 1];
    if (symbol.value > section.size || section.size - symbol.value < symbol.size) {
        fail("{}: {} bytes at offset {} reach outside {} ({} bytes)", title(symbol), symbol.size, symbol.value,
             title(section), section.size);
    }
}

std::vector<Symbol> Reader::read_symbols(const std::vector<Section>& sections) {
    const auto table =
        std::find_if(sections.begin(), sections.end(), [](const Section& s) { return s.type == SHT_SYMTAB; });
    if (table == sections.end()) return {};
    if (table->link == 0 || table->link > sections.size()) {
        fail("{}: its names are in section {}, which does not exist", title(*table), table->link);
    }
    const ByteView names = sections[table->link - 1].data;
    Elf_Data* data = table_data(*table, sizeof(Elf64_Sym));
    const std::size_t count = table->size / sizeof(Elf64_Sym);
    std::vector<Symbol> symbols;
    symbols.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Sym sym;
        if (gelf_getsym(data, static_cast<int>(i), &sym) == nullptr) fail("symbol {}: {}", i, elf_errmsg(-1));
        const auto name = string_at(names, sym.st_name);
        if (!name) fail("symbol {}: its name at offset {} lies outside the symbol names", i, sym.st_name);
        symbols.push_back({.index = static_cast<std::uint32_t>(i),
                           .name = *name,
                           .bind = static_cast<std::uint8_t>(GELF_ST_BIND(sym.st_info)),
                           .type = static_cast<std::uint8_t>(GELF_ST_TYPE(sym.st_info)),
                           .visibility = static_cast<std::uint8_t>(GELF_ST_VISIBILITY(sym.st_other)),
                           .section = sym.st_shndx,
                           .value = sym.st_value,
                           .size = sym.st_size});
        check_symbol(symbols.back(), sections);
    }
    return symbols;
}

RelocationTable Reader::read_table(const Section& table, const Section& target,
                                   const std::vector<Symbol>& symbols) const {
    Elf_Data* data = table_data(table, sizeof(Elf64_Rel));
    const std::size_t count = table.size / sizeof(Elf64_Rel);
    RelocationTable relocations{.section = target.index};
    relocations.records.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Rel rel;
        if (gelf_getrel(data, static_cast<int>(i), &rel) == nullptr) {
            fail("{}, record {}: {}", title(table), i, elf_errmsg(-1));
        }
        const auto symbol = static_cast<std::uint32_t>(GELF_R_SYM(rel.r_info));
        if (symbol >= symbols.size()) {
            fail("{}, record {}: refers to symbol {}, but there are only {}", title(table), i, symbol, symbols.size());
        }
        if (rel.r_offset >= target.size) {
            fail("{}, record {}: changes offset {} of {}, which has only {} bytes", title(table), i, rel.r_offset,
                 title(target), target.size);
        }
        relocations.records.push_back(
            {.offset = rel.r_offset, .type = static_cast<std::uint32_t>(GELF_R_TYPE(rel.r_info)), .symbol = symbol});
    }
    return relocations;
}

std::vector<RelocationTable> Reader::read_relocations(const std::vector<Section>& sections,
                                                      const std::vector<Symbol>& symbols) {
    std::vector<RelocationTable> tables;
    for (const Section& table : sections) {
        if (table.type != SHT_REL && table.type != SHT_RELA) continue;
        if (table.info == 0 || table.info > sections.size()) {
            fail("{}: changes section {}, which does not exist", title(table), table.info);
        }
        const Section& target = sections[table.info - 1];
        // Debug information (.rel.debug_info, .rel.BTF, .rel.BTF.ext) is never loaded.
        if ((target.flags & SHF_ALLOC) == 0) continue;
        if (table.type == SHT_RELA) fail("{}: relocations with addends (SHT_RELA) do not exist for BPF", title(table));
        tables.push_back(read_table(table, target, symbols));
    }
    return tables;
}

}  // namespace

bool Section::is_executable() const noexcept {
    return type == SHT_PROGBITS && (flags & SHF_EXECINSTR) != 0;
}

ElfFile ElfFile::parse(ByteView bytes, std::string_view file_name) {
    Reader reader(bytes, file_name);
    ElfFile file;
    file.native_endian_ = reader.check_header(Reader::Expect::bpf_object);
    reader.open();
    file.sections_ = reader.read_sections();
    file.symbols_ = reader.read_symbols(file.sections_);
    file.relocations_ = reader.read_relocations(file.sections_, file.symbols_);
    return file;
}

const Section* ElfFile::find_section(std::string_view name) const noexcept {
    for (const Section& section : sections_) {
        if (section.name == name) return &section;
    }
    return nullptr;
}

const Section* ElfFile::section(std::uint32_t index) const noexcept {
    return index == 0 || index > sections_.size() ? nullptr : &sections_[index - 1];
}

void ElfFile::replace_data(std::uint32_t index, Bytes data) {
    assert(section(index) != nullptr && section(index)->data.size() == data.size());
    replaced_.push_back(std::make_shared<const Bytes>(std::move(data)));
    sections_[index - 1].data = *replaced_.back();
}

ByteView require_section(ByteView bytes, std::string_view file_name, std::string_view section) {
    Reader reader(bytes, file_name);
    reader.check_header(Reader::Expect::any_machine);
    reader.open();
    for (const Section& candidate : reader.read_sections()) {
        if (candidate.name == section) return candidate.data;
    }
    throw_malformed(fmt::format("{}: it has no section {}", file_name, section));
}

bool looks_like_elf(ByteView bytes) noexcept {
    const auto magic = slice(bytes, 0, SELFMAG);
    return magic && std::memcmp(magic->data(), ELFMAG, SELFMAG) == 0;
}

}  // namespace minibpf::elf
