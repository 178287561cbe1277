// An ELF file's sections, symbols and relocation records (elf(5)), checked and as plain values.
//
// The bytes are already in memory: they were read through the kernel gate. So nothing here opens a file, and a test
// needs none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/base/bytes.hpp>

namespace minibpf::elf {

struct Section {
    std::uint32_t index = 0;  ///< its place in the section header table; what Symbol::section refers to
    std::string_view name;
    std::uint32_t type = 0;   ///< SHT_*
    std::uint64_t flags = 0;  ///< SHF_*
    std::uint64_t size = 0;   ///< bytes in memory; for SHT_NOBITS (.bss) there is no data
    std::uint64_t alignment = 0;
    std::uint32_t link = 0;
    std::uint32_t info = 0;  ///< for SHT_REL: the section that the records change
    ByteView data;

    bool is_executable() const noexcept;  ///< SHT_PROGBITS with SHF_EXECINSTR: instructions
};

struct Symbol {
    std::uint32_t index = 0;
    std::string_view name;
    std::uint8_t bind = 0;        ///< STB_LOCAL, STB_GLOBAL, STB_WEAK
    std::uint8_t type = 0;        ///< STT_FUNC, STT_OBJECT, STT_SECTION, STT_NOTYPE
    std::uint8_t visibility = 0;  ///< STV_DEFAULT, STV_HIDDEN
    std::uint32_t section = 0;    ///< a section's index; SHN_UNDEF for an extern; SHN_ABS, SHN_COMMON
    std::uint64_t value = 0;      ///< offset in its section, bytes
    std::uint64_t size = 0;       ///< bytes
};

/// One record of a SHT_REL section; BPF objects have no others.
struct Relocation {
    std::uint64_t offset = 0;  ///< in the section that it changes, bytes
    std::uint32_t type = 0;    ///< R_BPF_*
    std::uint32_t symbol = 0;  ///< index into symbols()
};

struct RelocationTable {
    std::uint32_t section = 0;  ///< index of the section that the records change
    std::vector<Relocation> records;
};

/// A parsed BPF object file. Borrows the bytes it was parsed from.
class ElfFile {
public:
    /// Parses and checks a 64-bit EM_BPF file of either byte order; `file_name` is for errors only.
    /// Throws Error (Blame::object) naming the header, section, symbol or offset at fault.
    static ElfFile parse(ByteView bytes, std::string_view file_name);

    bool is_native_endian() const noexcept { return native_endian_; }
    const std::vector<Section>& sections() const noexcept {
        return sections_;
    }  ///< from number 1 on; 0 is "no section"
    const std::vector<Symbol>& symbols() const noexcept {
        return symbols_;
    }  ///< [0] is the null symbol, when there is a table
    /// Of the sections that are loaded (SHF_ALLOC); those of debug information and BTF are passed over.
    const std::vector<RelocationTable>& relocations() const noexcept { return relocations_; }

    const Section* find_section(std::string_view name) const noexcept;
    const Section* section(
        std::uint32_t index) const noexcept;  ///< nullptr for SHN_UNDEF and the other special indices

    /// Gives a section other contents, as long as those it had: for a file of the other byte order, the same numbers in
    /// this machine's.
    void replace_data(std::uint32_t index, Bytes data);

private:
    ElfFile() = default;

    bool native_endian_ = true;
    std::vector<Section> sections_;
    std::vector<Symbol> symbols_;
    std::vector<RelocationTable> relocations_;
    std::vector<std::shared_ptr<const Bytes>> replaced_;  ///< what some of sections_ have views of
};

/// The contents of a section in an ELF file of any machine: a kernel's vmlinux, a module. Throws Error naming the file
/// when it is malformed or has no such section.
ByteView require_section(ByteView bytes, std::string_view file_name, std::string_view section);

/// Whether the bytes begin with ELF's magic number.
bool looks_like_elf(ByteView bytes) noexcept;

}  // namespace minibpf::elf
