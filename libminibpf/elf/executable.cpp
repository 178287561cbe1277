// From the bytes of an executable to file offsets of functions and USDT probes.
//
// A USDT probe is a note of this layout (https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation):
//
//     | namesz=8 | descsz | type=3 | "stapsdt\0" | pc | base | semaphore | provider\0 name\0 arguments\0 |
//
// Addresses in notes are not relocated when a linker or prelink(8) moves the file's contents: `base` is where the
// section .stapsdt.base was when the note was made, and the difference to where it is now belongs to each address.
#include <libminibpf/elf/executable.hpp>

#include <bit>
#include <cstring>

#include <elf.h>
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>

namespace minibpf::elf {

namespace {

constexpr const char* other_way_hint = "name the place by its offset in the file: PATH:0x1234";

class ExecutableReader {
public:
    ExecutableReader(ByteView bytes, std::string_view file_name) : bytes_(bytes), file_name_(file_name) {}

    Executable read() {
        read_header();
        read_segments();
        read_sections();
        Executable executable;
        for (const std::uint32_t type : {SHT_SYMTAB, SHT_DYNSYM}) read_functions(type, executable.functions);
        read_notes(executable.usdt_notes);
        return executable;
    }

private:
    template <class... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
        throw_malformed(fmt::format("{}: {}", file_name_, fmt::format(format, std::forward<Args>(args)...)),
                        other_way_hint);
    }

    void read_header();
    void read_segments();
    void read_sections();
    void read_functions(std::uint32_t table_type, std::vector<FunctionSymbol>& functions) const;
    void read_notes(std::vector<UsdtNote>& notes) const;
    std::optional<UsdtNote> read_note(ByteView description, const Elf64_Shdr* base_now) const;
    const Elf64_Shdr* find_section(std::string_view name) const noexcept;
    ByteView symbol_versions() const;
    ByteView data(const Elf64_Shdr& section, std::string_view what) const;
    std::optional<std::uint64_t> offset_of(std::uint64_t address, bool is_code) const noexcept;

    ByteView bytes_;
    std::string_view file_name_;
    Elf64_Ehdr header_{};
    std::vector<Elf64_Phdr> segments_;  ///< those that are mapped
    std::vector<Elf64_Shdr> sections_;
    ByteView section_names_;
};

void ExecutableReader::read_header() {
    const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        fail("not an ELF file: uprobes go into executables and shared libraries, and this may be a script");
    }
    header_ = *header;
    constexpr unsigned char native_data = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    if (header_.e_ident[EI_CLASS] != ELFCLASS64) fail("its symbols are not read, as it is not a 64-bit file");
    if (header_.e_ident[EI_DATA] != native_data) fail("its byte order is not this machine's");
    if (header_.e_type != ET_EXEC && header_.e_type != ET_DYN) fail("neither an executable nor a shared library");
}

void ExecutableReader::read_segments() {
    if (header_.e_phnum != 0 && header_.e_phentsize != sizeof(Elf64_Phdr)) {
        fail("program headers of {} bytes instead of {}", header_.e_phentsize, sizeof(Elf64_Phdr));
    }
    const auto table = slice(bytes_, header_.e_phoff, std::size_t{header_.e_phnum} * sizeof(Elf64_Phdr));
    if (!table) fail("its {} program headers reach past the end of the file", header_.e_phnum);
    for (std::size_t i = 0; i < header_.e_phnum; ++i) {
        const auto segment = read_at<Elf64_Phdr>(*table, i * sizeof(Elf64_Phdr));
        if (segment->p_type == PT_LOAD) segments_.push_back(*segment);
    }
}

// Sections are for linkers and debuggers: a file may run without, and then has no symbols that could be read.
void ExecutableReader::read_sections() {
    if (header_.e_shoff == 0) return;
    if (header_.e_shentsize != sizeof(Elf64_Shdr)) {
        fail("section headers of {} bytes instead of {}", header_.e_shentsize, sizeof(Elf64_Shdr));
    }
    // Numbers that do not fit 16 bits are in section 0, which is no section.
    const auto first = read_at<Elf64_Shdr>(bytes_, header_.e_shoff);
    if (!first) fail("its section headers lie outside the file");
    const std::uint64_t count = header_.e_shnum != 0 ? header_.e_shnum : first->sh_size;
    const std::uint64_t names = header_.e_shstrndx != SHN_XINDEX ? header_.e_shstrndx : first->sh_link;
    if (count > bytes_.size() / sizeof(Elf64_Shdr)) fail("{} section headers do not fit the file", count);
    const auto table = slice(bytes_, header_.e_shoff, count * sizeof(Elf64_Shdr));
    if (!table) fail("its {} section headers reach past the end of the file", count);
    sections_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) sections_.push_back(*read_at<Elf64_Shdr>(*table, i * sizeof(Elf64_Shdr)));
    if (names < count) section_names_ = data(sections_[names], "the section names");
}

ByteView ExecutableReader::data(const Elf64_Shdr& section, std::string_view what) const {
    if (section.sh_type == SHT_NOBITS) return {};  // taken out, into a file of debug information
    const auto found = slice(bytes_, section.sh_offset, section.sh_size);
    if (!found) fail("{} ({} bytes at offset {}) lie outside the file", what, section.sh_size, section.sh_offset);
    return *found;
}

const Elf64_Shdr* ExecutableReader::find_section(std::string_view name) const noexcept {
    for (const Elf64_Shdr& section : sections_) {
        if (string_at(section_names_, section.sh_name) == name) return &section;
    }
    return nullptr;
}

std::optional<std::uint64_t> ExecutableReader::offset_of(std::uint64_t address, bool is_code) const noexcept {
    for (const Elf64_Phdr& segment : segments_) {
        if (is_code && (segment.p_flags & PF_X) == 0) continue;
        if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz) continue;
        const std::uint64_t offset = address - segment.p_vaddr + segment.p_offset;
        if (offset < bytes_.size()) return offset;
    }
    return std::nullopt;
}

// A number for each symbol of .dynsym; bit 15 is set for what new programs are not linked with.
ByteView ExecutableReader::symbol_versions() const {
    for (const Elf64_Shdr& section : sections_) {
        if (section.sh_type == SHT_GNU_versym) return data(section, "the symbols' versions");
    }
    return {};
}

void ExecutableReader::read_functions(std::uint32_t table_type, std::vector<FunctionSymbol>& functions) const {
    for (const Elf64_Shdr& section : sections_) {
        if (section.sh_type != table_type) continue;
        if (section.sh_link >= sections_.size())
            fail("its symbols' names are in section {}, which does not exist", section.sh_link);
        const ByteView table = data(section, "the symbols");
        const ByteView versions = table_type == SHT_DYNSYM ? symbol_versions() : ByteView();
        const ByteView names = data(sections_[section.sh_link], "the symbols' names");
        for (std::size_t at = 0; const auto symbol = read_at<Elf64_Sym>(table, at); at += sizeof(Elf64_Sym)) {
            const unsigned type = ELF64_ST_TYPE(symbol->st_info);
            if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol->st_shndx == SHN_UNDEF) continue;
            const auto name = string_at(names, symbol->st_name);
            const auto offset = offset_of(symbol->st_value, true);
            if (!name || name->empty() || !offset) continue;
            const auto version = read_at<Elf64_Versym>(versions, at / sizeof(Elf64_Sym) * sizeof(Elf64_Versym));
            const std::size_t version_at = name->find('@');
            const bool is_old_name =
                version_at != std::string_view::npos && !name->substr(version_at).starts_with("@@");
            functions.push_back({.name = name->substr(0, version_at),
                                 .offset = *offset,
                                 .size = symbol->st_size,
                                 .bind = static_cast<std::uint8_t>(ELF64_ST_BIND(symbol->st_info)),
                                 .is_old = is_old_name || (version && (*version & 0x8000) != 0),
                                 .is_indirect = type == STT_GNU_IFUNC});
        }
        return;  // a file has one table of each type
    }
}

std::optional<UsdtNote> ExecutableReader::read_note(ByteView description, const Elf64_Shdr* base_now) const {
    struct Addresses {
        std::uint64_t pc, base, semaphore;
    };
    const auto addresses = read_at<Addresses>(description, 0);
    if (!addresses) return std::nullopt;
    std::size_t at = sizeof(Addresses);
    std::string_view texts[3];
    for (std::string_view& text : texts) {
        const auto found = string_at(description, at);
        if (!found) return std::nullopt;
        text = *found;
        at += text.size() + 1;
    }
    const std::uint64_t moved = base_now != nullptr ? base_now->sh_addr - addresses->base : 0;
    UsdtNote note{.provider = texts[0], .name = texts[1], .arguments = texts[2], .address = addresses->pc + moved};
    const auto offset = offset_of(note.address, true);
    if (!offset) return std::nullopt;
    note.offset = *offset;
    if (addresses->semaphore == 0) return note;
    const auto semaphore = offset_of(addresses->semaphore + moved, false);
    if (!semaphore) return std::nullopt;  // it would be attached to and never hit
    note.semaphore_offset = *semaphore;
    return note;
}

void ExecutableReader::read_notes(std::vector<UsdtNote>& notes) const {
    const Elf64_Shdr* section = find_section(".note.stapsdt");
    if (section == nullptr) return;
    const Elf64_Shdr* base_now = find_section(".stapsdt.base");
    constexpr std::uint32_t probe_type = 3;
    const ByteView table = data(*section, "the USDT probes");
    const auto padded = [](std::uint64_t size) { return (size + 3) / 4 * 4; };
    std::uint64_t at = 0;
    while (const auto header = read_at<Elf64_Nhdr>(table, at)) {
        const std::uint64_t name_at = at + sizeof(Elf64_Nhdr);
        const std::uint64_t description_at = name_at + padded(header->n_namesz);
        const auto description = slice(table, description_at, header->n_descsz);
        if (!description) fail("a note at offset {} of .note.stapsdt reaches past the section's end", at);
        at = description_at + padded(header->n_descsz);
        if (header->n_type != probe_type || string_at(table, name_at) != "stapsdt") continue;
        if (const auto note = read_note(*description, base_now)) notes.push_back(*note);
    }
}

}  // namespace

Executable parse_executable(ByteView bytes, std::string_view file_name) {
    return ExecutableReader(bytes, file_name).read();
}

}  // namespace minibpf::elf
