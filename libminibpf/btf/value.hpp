// Values by type: bytes to text and text to bytes, as BTF describes them.
//
// The text form is C's initialiser: 42, -1, 'a', "Hey root!", {1, 2}, {.pid = 7, .comm = "bash"}, true, an enumerator's
// name.
#pragma once

#include <string>
#include <string_view>

#include <libminibpf/btf/btf.hpp>

#pragma GCC visibility push(default)

namespace minibpf::btf {

/// One line of text for a value: `{.pid = 812, .uid = 0, .command = "bash", .message = "Hey root!"}`.
/// char arrays are strings up to their NUL (escaped); pointers are hex; bit-fields and anonymous members are shown; a
/// DATASEC is `{counter = 3, name = "x"}`; bytes missing at the end are said, never read: `<truncated>`. Ten or more
/// zeros at the end of an array are counted: `{1, 2, 0 <repeats 30 times>}`. The text is cut with `...` after about 1
/// MiB.
std::string format_value(const Btf& btf, TypeId type, ByteView bytes);

/// The bytes of a value of `type` written as text; the rest is zero. Throws Error (Blame::usage) that names the type,
/// the text and the place when it does not fit: too large for the integer, too long for the array, no such member. A
/// struct with a single member takes that member's value without braces too: `"Hey root!"`.
Bytes parse_value(const Btf& btf, TypeId type, std::string_view text);

/// The same for a value without BTF, of `size` bytes: an integer (1, 2, 4 or 8 bytes), a "string" (the rest is zero),
/// or all `size` bytes in hex: `de ad be ef`.
Bytes parse_untyped_value(std::size_t size, std::string_view text);

/// C's declaration of a type, one line: `struct user_msg_t`, `char[12]`, `const int *`.
std::string type_text(const Btf& btf, TypeId type);

/// The full definition in C for structs, unions, enums and typedefs of them, several lines, the last without newline:
/// anonymous types inside are written out. For other types a single line.
std::string definition_text(const Btf& btf, TypeId type);

/// 16 bytes a line in hex with their ASCII, as `hexdump -C` without the offsets' leading zeros. The last line has no
/// newline.
std::string hexdump(ByteView bytes);

/// The same, with a line of `^^` below the bytes that `before` had otherwise or had not.
std::string hexdump_with_changes(ByteView bytes, ByteView before);

}  // namespace minibpf::btf

#pragma GCC visibility pop
