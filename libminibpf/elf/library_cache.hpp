// /etc/ld.so.cache: which file the dynamic linker takes for the name of a shared library (ldconfig(8)).
#pragma once

#include <optional>
#include <string_view>

#include <libminibpf/base/bytes.hpp>

namespace minibpf::elf {

/// "/lib/x86_64-linux-gnu/libc.so.6" for "libc.so.6", "libc.so" or "libc": the first that fits, which is the newest.
/// Only libraries of this machine's kind. Nothing when there is none, or the bytes are no cache.
std::optional<std::string_view> find_library(ByteView cache, std::string_view name) noexcept;

}  // namespace minibpf::elf
