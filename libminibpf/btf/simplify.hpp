// BTF for a kernel that is older than the compiler. A kernel refuses BTF whole for one thing in it that it does not
// know, though it could do with the rest; so what is too new is rewritten into something old that takes as many bytes,
// and no other type changes its number.
//
// libbpf asks the kernel about each feature before it loads anything. Here a refusal of BPF_BTF_LOAD is what tells: the
// loader then applies these to a copy of the BTF, one after the other, and tries again after each that found anything.
#pragma once

#include <span>
#include <string_view>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

struct Simplification {
    std::string_view what;    ///< is taken out, and since when kernels know it: "ENUM64, known since Linux 6.0"
    bool (*apply)(Btf& btf);  ///< answers whether there was anything to rewrite; of an object's BTF, not of split BTF
    bool keeps_functions = true;  ///< false: there are no FUNCs left, so that programs must go without func_info
};

/// Newest first. Each counts on those before it having been applied.
std::span<const Simplification> simplifications() noexcept;

}  // namespace minibpf::btf
