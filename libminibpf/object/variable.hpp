// A global variable's bytes as a C++ object.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#pragma GCC visibility push(default)

namespace minibpf {

/// Throws Error (Blame::usage) when an object of that size and alignment, in bytes, is not what the bytes hold.
void check_variable(std::string_view name, std::span<const std::byte> bytes, std::size_t size, std::size_t alignment);

/// T is laid out as the BPF program's type is: `std::uint64_t`, `char[16]`, a struct with the same members.
template <class T>
T& as_variable(std::string_view name, std::span<std::byte> bytes) {
    static_assert(std::is_trivially_copyable_v<T>, "a BPF program's variables are plain bytes");
    check_variable(name, bytes, sizeof(T), alignof(T));
    return *reinterpret_cast<T*>(bytes.data());
}

}  // namespace minibpf

#pragma GCC visibility pop
