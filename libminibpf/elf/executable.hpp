// ELF executables and shared libraries, as uprobes need them: where in the file each function begins, and where the
// program's author has put USDT probes.
//
// A uprobe is a place in a file, so all that counts here are file offsets. Symbols have addresses, the program headers
// say which part of the file is mapped to which addresses (elf(5), PT_LOAD), and the one follows from the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <libminibpf/base/bytes.hpp>

#pragma GCC visibility push(default)

namespace minibpf::elf {

/// A function that the symbol table of an executable names.
struct FunctionSymbol {
    std::string_view name;     ///< without a version: "malloc" for "malloc@@GLIBC_2.2.5"
    std::uint64_t offset = 0;  ///< in the file, bytes
    std::uint64_t size = 0;    ///< bytes; 0 when the symbol does not say
    std::uint8_t bind = 0;     ///< STB_LOCAL, STB_GLOBAL, STB_WEAK
    bool is_old = false;       ///< an old version of a function that also has a newer one (VERSYM_HIDDEN)
    bool is_indirect = false;  ///< STT_GNU_IFUNC: what lies here chooses the function, and is not the function
};

/// One place of a USDT probe (a note in .note.stapsdt, as <sys/sdt.h> makes it). A probe that is used in several places
/// has one note for each.
struct UsdtNote {
    std::string_view provider;
    std::string_view name;
    std::string_view arguments;          ///< "-4@%eax 8@-16(%rbp)": where the compiler has put them at this place
    std::uint64_t address = 0;           ///< of the `nop`, as the file is linked
    std::uint64_t offset = 0;            ///< the same in the file
    std::uint64_t semaphore_offset = 0;  ///< in the file, of the counter of those who look; 0: there is none
};

/// What was found in the file. Borrows the bytes that it was parsed from.
struct Executable {
    std::vector<FunctionSymbol> functions;  ///< of .symtab and .dynsym, those that are defined here
    std::vector<UsdtNote> usdt_notes;
};

/// Parses a 64-bit executable or shared library of this machine's byte order; `file_name` is for errors only. A
/// stripped one has few functions or none. Throws Error (Blame::object) naming what is malformed.
Executable parse_executable(ByteView bytes, std::string_view file_name);

}  // namespace minibpf::elf

#pragma GCC visibility pop
