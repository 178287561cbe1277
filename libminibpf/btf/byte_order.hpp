// BTF and values from machines of the other byte order: an object compiled by clang -target bpfeb, looked at on a
// little-endian machine, or the other way round.
#pragma once

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

/// BTF with every number's bytes reversed: foreign to native, and native to foreign. Nothing is checked, for
/// Btf::parse() follows; numbers that make no sense leave bytes as they are.
Bytes swap_btf(ByteView raw);

/// The same for .BTF.ext.
Bytes swap_btf_ext(ByteView raw);

/// A value of that type as a machine of the other byte order has it in memory, as this one would have it.
///
/// What no type describes stays as it is: padding, bytes behind the type's size. Of a union, the first member counts,
/// which is the one that a C initialiser sets. Throws Error for hostile types, whose members outnumber the bytes.
Bytes native_value(const Btf& btf, TypeId type, ByteView foreign);

}  // namespace minibpf::btf
