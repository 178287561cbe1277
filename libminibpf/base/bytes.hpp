// Bytes that cannot be read past their end.
//
// Everything that comes from a file (ELF sections, BTF, .BTF.ext, the kernel's sample records) is read through here, so
// that a truncated or hostile input ends in an Error that names the place and never in a read outside the buffer.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#pragma GCC visibility push(default)

namespace minibpf {

using Bytes = std::vector<std::byte>;         ///< owned
using ByteView = std::span<const std::byte>;  ///< borrowed

/// The `T` at `offset`, in the machine's own byte order; nothing when it would reach past the end.
template <class T>
requires std::is_trivially_copyable_v<T> std::optional<T> read_at(ByteView bytes, std::size_t offset)
noexcept {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

/// `size` bytes from `offset`; nothing when they would reach past the end.
inline std::optional<ByteView> slice(ByteView bytes, std::size_t offset, std::size_t size) noexcept {
    if (offset > bytes.size() || bytes.size() - offset < size) return std::nullopt;
    return bytes.subspan(offset, size);
}

/// The NUL-terminated string at `offset`, without its NUL; nothing when the NUL is missing.
inline std::optional<std::string_view> string_at(ByteView bytes, std::size_t offset) noexcept {
    if (offset >= bytes.size()) return std::nullopt;
    const char* begin = reinterpret_cast<const char*>(bytes.data()) + offset;
    const void* end = std::memchr(begin, '\0', bytes.size() - offset);
    if (end == nullptr) return std::nullopt;
    return std::string_view(begin, static_cast<std::size_t>(static_cast<const char*>(end) - begin));
}

/// The bytes of a plain value, for reading only.
template <class T>
requires std::is_trivially_copyable_v<T> ByteView bytes_of(const T& value)
noexcept {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
}

/// A text's bytes, without a NUL.
inline ByteView bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace minibpf

#pragma GCC visibility pop
