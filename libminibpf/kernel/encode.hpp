// From a call as a value to the bytes that the kernel reads.
//
// encode() is pure and the one place where `union bpf_attr` and `struct perf_event_attr` are filled, so it can be
// tested byte for byte without privileges, and whoever prints a call prints exactly what LiveGate passes.
#pragma once

#include <cstdint>
#include <optional>

#include <linux/bpf.h>
#include <linux/perf_event.h>

#include <libminibpf/kernel/syscall.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// How many bytes of `union bpf_attr` a call passes. The kernel takes any size: it reads missing fields as zero and
/// refuses (E2BIG) non-zero bytes that it does not know (kernel/bpf/syscall.c, bpf_check_uarg_tail_zero()).
enum class AttrSize {
    minimal,  ///< just past the last field that the command uses
    book,     ///< 128 for every command, as BCC does and the book's transcripts show
};

/// One bpf(2) call, ready to be made. `attr` is all zeros but for the command's own fields.
struct EncodedBpf {
    bpf_cmd cmd{};
    std::uint32_t size = 0;  ///< bytes of `attr` that are passed
    union bpf_attr attr;
};

/// The bpf(2) call of `call`; nothing for the other system calls. Pointers in `attr` point into `call`.
std::optional<EncodedBpf> encode_bpf(const Syscall& call, AttrSize attr_size);

/// The attr of a perf_event_open(2) call. Pointers in it point into `call`.
perf_event_attr encode(const PerfEventOpen& call);

}  // namespace minibpf

#pragma GCC visibility pop
