// Strings and bytes as strace quotes them: "\177ELF\2\1\1"...
#pragma once

#include <string>
#include <string_view>

#include <libminibpf/base/bytes.hpp>

namespace minibpf {

/// The whole text in quotes, with C's escapes; what cannot be printed is octal, as short as the next character allows.
std::string quoted_text(std::string_view text);

/// The first 32 bytes in quotes, followed by `...` when there are more.
std::string quoted_bytes(ByteView bytes);

/// The same for a NUL-terminated string, up to its NUL.
std::string quoted_c_string(const char* text);

/// The same for a buffer that holds a NUL-terminated string; `...` follows too when its first 32 bytes have no NUL.
std::string quoted_buffer(std::string_view buffer);

}  // namespace minibpf
