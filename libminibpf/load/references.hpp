// Maps whose values are other objects of the kernel: program arrays, which programs tail-call into, and maps of maps.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// What the values of a map of this type stand for. One writes a descriptor of it, and reads its id.
std::optional<IdKind> referred_kind(bpf_map_type type) noexcept;

/// Puts what `fd` is open for, and `what` describes, at the key that is written as text. Throws Error.
void put_reference(Map& map, std::string_view key, int fd, const std::string& what);

}  // namespace minibpf

#pragma GCC visibility pop
