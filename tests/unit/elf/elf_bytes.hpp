#pragma once
// Object files for tests: read from the build, and damaged on purpose.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <elf.h>

#include <libminibpf/base/bytes.hpp>
#include <tests/paths.hpp>

namespace minibpf::test {

/// The bytes of tests/data/NAME.bpf.o.
inline Bytes read_test_object(const std::string& name) {
    const auto path = build_dir() / "tests/data" / (name + ".bpf.o");
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path.string());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const ByteView bytes = bytes_of(std::string_view(text));
    return {bytes.begin(), bytes.end()};
}

/// An ELF file in memory whose headers, symbols and records can be changed in place.
class ElfBytes {
public:
    explicit ElfBytes(Bytes bytes) : bytes_(std::move(bytes)) {}

    Bytes& bytes() { return bytes_; }
    Elf64_Ehdr& header() { return *at<Elf64_Ehdr>(0); }
    Elf64_Shdr& section(std::size_t index) { return *at<Elf64_Shdr>(header().e_shoff + index * sizeof(Elf64_Shdr)); }

    std::string_view section_name(std::size_t index) {
        const std::size_t offset = section(header().e_shstrndx).sh_offset + section(index).sh_name;
        return string_at(bytes_, offset).value();
    }
    std::size_t section_index(std::string_view name) {
        for (std::size_t i = 1; i < header().e_shnum; ++i) {
            if (section_name(i) == name) return i;
        }
        throw std::runtime_error("no section " + std::string(name));
    }
    Elf64_Shdr& section(std::string_view name) { return section(section_index(name)); }

    Elf64_Sym& symbol(std::string_view name) {
        const Elf64_Shdr& table = section(".symtab");
        for (std::size_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
            Elf64_Sym& symbol = *at<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym));
            if (string_at(bytes_, section(table.sh_link).sh_offset + symbol.st_name) == name) return symbol;
        }
        throw std::runtime_error("no symbol " + std::string(name));
    }
    Elf64_Rel& record(std::string_view table, std::size_t index) {
        return *at<Elf64_Rel>(section(table).sh_offset + index * sizeof(Elf64_Rel));
    }
    /// Shortens a name wherever it stands in the file, in the names of ELF and in those of BTF.
    void rename(const std::string& name, std::string_view beginning) {
        const std::string whole = name + '\0';
        const ByteView wanted = bytes_of(std::string_view(whole));
        for (auto from = bytes_.begin();; ++from) {
            from = std::search(from, bytes_.end(), wanted.begin(), wanted.end());
            if (from == bytes_.end()) return;
            *(from + static_cast<std::ptrdiff_t>(beginning.size())) = std::byte{0};
        }
    }
    template <class T>
    T* at(std::size_t offset) {
        return reinterpret_cast<T*>(bytes_.data() + offset);
    }

private:
    Bytes bytes_;
};

inline ElfBytes damaged(const std::string& name) {
    return ElfBytes(read_test_object(name));
}

}  // namespace minibpf::test
