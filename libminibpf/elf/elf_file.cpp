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
// The records are those of <elf.h>, copied out of the bytes one by one and put into this machine's byte order where the
// file has the other one. Every offset is checked before it is followed. Sections' contents are not converted:
// Section::data is a view of the file's own bytes.
#include <libminibpf/elf/elf_file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <memory>

#include <elf.h>
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>

namespace minibpf::elf {

namespace {

constexpr std::uint16_t machine_bpf = 247;  // EM_BPF

constexpr const char* truncated_hint =
    "the file is shorter than its own headers say: was it copied or written only in part?";

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

// --- the other byte order: each number of a record by itself

template <class... Numbers>
void reverse_bytes(Numbers&... numbers) noexcept {
    const auto reverse = [](auto& number) {
        auto* bytes = reinterpret_cast<std::byte*>(&number);
        std::reverse(bytes, bytes + sizeof number);
    };
    (reverse(numbers), ...);
}

void swap(Elf64_Ehdr& header) noexcept {  // the fields that are read here
    reverse_bytes(header.e_type, header.e_machine, header.e_shoff, header.e_shentsize, header.e_shnum,
                  header.e_shstrndx);
}

void swap(Elf64_Shdr& header) noexcept {
    reverse_bytes(header.sh_name, header.sh_type, header.sh_flags, header.sh_addr, header.sh_offset, header.sh_size,
                  header.sh_link, header.sh_info, header.sh_addralign, header.sh_entsize);
}

void swap(Elf64_Sym& symbol) noexcept {
    reverse_bytes(symbol.st_name, symbol.st_shndx, symbol.st_value, symbol.st_size);
}

void swap(Elf64_Rel& relocation) noexcept {
    reverse_bytes(relocation.r_offset, relocation.r_info);
}

std::string first_bytes(ByteView bytes) {
    std::string text;
    for (std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 4))) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    return text;
}

/// Reads an ElfFile's parts one after the other; everything that an error needs to name is here.
class Reader {
public:
    Reader(ByteView bytes, std::string_view file_name) : bytes_(bytes), file_name_(file_name) {}

    enum class Expect { bpf_object, any_machine };
    void check_header(Expect expect);
    bool is_native() const noexcept { return native_; }
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
    /// The i-th record of a table that is known to have it.
    template <class Record>
    Record record(ByteView table, std::size_t i) const noexcept {
        Record record;
        std::memcpy(&record, table.data() + i * sizeof record, sizeof record);
        if (!native_) swap(record);
        return record;
    }
    void check_identity() const;
    ByteView section_table() const;
    Section read_section(std::uint32_t index, const Elf64_Shdr& header) const;
    ByteView section_names(ByteView table) const;
    template <class Record>
    std::size_t record_count(const Section& table) const;
    void check_symbol(const Symbol& symbol, const std::vector<Section>& sections) const;
    RelocationTable read_table(const Section& table, const Section& target, const std::vector<Symbol>& symbols) const;

    ByteView bytes_;
    std::string_view file_name_;
    Elf64_Ehdr header_{};
    bool native_ = true;  ///< the byte order is this machine's
};

// "section 3 'kprobe/execve'"
std::string title(const Section& section) {
    return fmt::format("section {} '{}'", section.index, section.name);
}

std::string title(const Symbol& symbol) {
    return fmt::format("symbol {} '{}'", symbol.index, symbol.name);
}

void Reader::check_identity() const {
    const unsigned char* const identity = header_.e_ident;
    if (identity[EI_CLASS] != ELFCLASS64) {
        throw_malformed(fmt::format("{}: not a 64-bit ELF file (EI_CLASS is {})", file_name_, identity[EI_CLASS]),
                        "BPF objects are 64-bit: compile with clang -target bpf");
    }
    if (identity[EI_DATA] != ELFDATA2LSB && identity[EI_DATA] != ELFDATA2MSB) {
        fail("unknown byte order in the ELF header (EI_DATA is {})", identity[EI_DATA]);
    }
    if (identity[EI_VERSION] != EV_CURRENT) fail("unknown ELF version {}", identity[EI_VERSION]);
}

void Reader::check_header(Expect expect) {
    if (!looks_like_elf(bytes_)) {
        throw_malformed(fmt::format("{}: not an ELF file ({})", file_name_,
                                    bytes_.empty() ? "it is empty" : "it begins with " + first_bytes(bytes_)),
                        "a BPF object is what clang -target bpf -g -O2 -c writes; raw instructions need --type");
    }
    if (bytes_.size() < sizeof header_) {
        fail_truncated(fmt::format("the ELF header is cut off ({} of {} bytes)", bytes_.size(), sizeof header_));
    }
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    check_identity();
    constexpr unsigned char native_data = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    native_ = header_.e_ident[EI_DATA] == native_data;
    if (!native_) swap(header_);
    if (expect == Expect::any_machine) return;
    if (header_.e_machine != machine_bpf) {
        throw_malformed(fmt::format("{}: compiled for {}, not for BPF", file_name_, machine_name(header_.e_machine)),
                        "compile with clang -target bpf");
    }
    if (header_.e_type != ET_REL) {
        throw_malformed(fmt::format("{}: {}, not a relocatable object", file_name_, type_name(header_.e_type)),
                        "compile with clang -c, without linking");
    }
}

ByteView Reader::section_table() const {
    // A count of 0 with a table present would mean "look into section 0 for it", for files of more than 65279 sections.
    if (header_.e_shoff == 0 || header_.e_shnum == 0) fail("no section headers: nothing to load");
    if (header_.e_shentsize != sizeof(Elf64_Shdr)) {
        fail("section headers of {} bytes instead of {}", header_.e_shentsize, sizeof(Elf64_Shdr));
    }
    const auto table = slice(bytes_, header_.e_shoff, std::size_t{header_.e_shnum} * sizeof(Elf64_Shdr));
    if (!table) {
        fail_truncated(
            fmt::format("the table of {} section headers at offset {} reaches past the end of the file ({} bytes)",
                        header_.e_shnum, header_.e_shoff, bytes_.size()));
    }
    return *table;
}

Section Reader::read_section(std::uint32_t index, const Elf64_Shdr& header) const {
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

// The sections' names lie in a section of their own, whose number the ELF header has.
ByteView Reader::section_names(ByteView table) const {
    const std::uint16_t index = header_.e_shstrndx;
    if (index != SHN_UNDEF && index < header_.e_shnum) {
        const auto header = record<Elf64_Shdr>(table, index);
        if (header.sh_type == SHT_STRTAB) return read_section(index, header).data;
    }
    fail("the section names are missing (e_shstrndx is {}, which is no string table)", index);
}

std::vector<Section> Reader::read_sections() {
    const ByteView table = section_table();
    const ByteView names = section_names(table);
    std::vector<Section> sections;
    sections.reserve(header_.e_shnum);
    std::uint64_t bytes_in_sections = 0;
    for (std::uint32_t index = 1; index < header_.e_shnum; ++index) {  // number 0 is SHN_UNDEF, "no section"
        const auto header = record<Elf64_Shdr>(table, index);
        Section& section = sections.emplace_back(read_section(index, header));
        const auto name = string_at(names, header.sh_name);
        if (!name) fail("section {}: its name at offset {} lies outside the section names", index, header.sh_name);
        section.name = *name;
        bytes_in_sections += section.data.size();
    }
    // What is copied out of sections takes then no more memory than the file.
    if (bytes_in_sections > bytes_.size()) {
        fail("sections overlap: together they have {} bytes, and the file {}", bytes_in_sections, bytes_.size());
    }
    return sections;
}

// How many records a section has that is an array of them.
template <class Record>
std::size_t Reader::record_count(const Section& table) const {
    if (table.data.size() % sizeof(Record) != 0) {
        fail("{}: {} bytes is no multiple of its records' {}", title(table), table.data.size(), sizeof(Record));
    }
    return table.data.size() / sizeof(Record);
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
    const std::size_t count = record_count<Elf64_Sym>(*table);
    std::vector<Symbol> symbols;
    symbols.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto sym = record<Elf64_Sym>(table->data, i);
        const auto name = string_at(names, sym.st_name);
        if (!name) fail("symbol {}: its name at offset {} lies outside the symbol names", i, sym.st_name);
        symbols.push_back({.index = static_cast<std::uint32_t>(i),
                           .name = *name,
                           .bind = static_cast<std::uint8_t>(ELF64_ST_BIND(sym.st_info)),
                           .type = static_cast<std::uint8_t>(ELF64_ST_TYPE(sym.st_info)),
                           .visibility = static_cast<std::uint8_t>(ELF64_ST_VISIBILITY(sym.st_other)),
                           .section = sym.st_shndx,
                           .value = sym.st_value,
                           .size = sym.st_size});
        check_symbol(symbols.back(), sections);
    }
    return symbols;
}

RelocationTable Reader::read_table(const Section& table, const Section& target,
                                   const std::vector<Symbol>& symbols) const {
    const std::size_t count = record_count<Elf64_Rel>(table);
    RelocationTable relocations{.section = target.index};
    relocations.records.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto rel = record<Elf64_Rel>(table.data, i);
        const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(rel.r_info));
        if (symbol >= symbols.size()) {
            fail("{}, record {}: refers to symbol {}, but there are only {}", title(table), i, symbol, symbols.size());
        }
        if (rel.r_offset >= target.size) {
            fail("{}, record {}: changes offset {} of {}, which has only {} bytes", title(table), i, rel.r_offset,
                 title(target), target.size);
        }
        relocations.records.push_back(
            {.offset = rel.r_offset, .type = static_cast<std::uint32_t>(ELF64_R_TYPE(rel.r_info)), .symbol = symbol});
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
    reader.check_header(Reader::Expect::bpf_object);
    file.native_endian_ = reader.is_native();
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
