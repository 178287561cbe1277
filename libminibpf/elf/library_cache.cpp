// The cache's layout is glibc's own (sysdeps/generic/dl-cache.h): a header, an entry for each library, and strings.
//
//     | "glibc-ld.so.cache1.1" | count | size of strings | 5 more | entry 0 | entry 1 | ...
//     entry: | flags | offset of the name | offset of the path | unused | hardware capabilities (64 bits) |
//
// Caches of old have a part in another format before the header.
#include <libminibpf/elf/library_cache.hpp>

#include <algorithm>
#include <cstdint>

namespace minibpf::elf {

namespace {

struct CacheEntry {
    std::uint32_t flags, name, path, unused;
    std::uint64_t capabilities;
};

constexpr std::string_view cache_magic = "glibc-ld.so.cache1.1";
constexpr std::size_t cache_header_size = 48;

// The second byte of the flags is the machine and its calling convention.
bool is_for_this_machine(std::uint32_t flags) noexcept {
#if defined(__x86_64__)
    return (flags >> 8 & 0xff) == 3;
#elif defined(__aarch64__)
    return (flags >> 8 & 0xff) == 10;
#else
    return flags != 0;
#endif
}

// "libc" and "libc.so" stand for "libc.so.6" too.
bool is_meant(std::string_view library, std::string_view name) noexcept {
    if (!library.starts_with(name)) return false;
    const std::string_view rest = library.substr(name.size());
    const bool has_suffix = name.find(".so") != std::string_view::npos;
    return rest.empty() || (has_suffix ? rest.starts_with('.') : rest == ".so" || rest.starts_with(".so."));
}

}  // namespace

std::optional<std::string_view> find_library(ByteView cache, std::string_view name) noexcept {
    if (name.empty()) return std::nullopt;
    const ByteView magic = bytes_of(cache_magic);
    const auto begin = std::search(cache.begin(), cache.end(), magic.begin(), magic.end());
    cache = cache.subspan(static_cast<std::size_t>(begin - cache.begin()));
    const auto count = read_at<std::uint32_t>(cache, cache_magic.size());
    if (!count) return std::nullopt;
    for (std::size_t i = 0; i < *count; ++i) {
        const auto entry = read_at<CacheEntry>(cache, cache_header_size + i * sizeof(CacheEntry));
        if (!entry) return std::nullopt;
        if (!is_for_this_machine(entry->flags)) continue;
        const auto library = string_at(cache, entry->name);
        if (library && is_meant(*library, name)) return string_at(cache, entry->path);
    }
    return std::nullopt;
}

}  // namespace minibpf::elf
