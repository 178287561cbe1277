// The names of the kernel's helper functions. <linux/bpf.h> holds them all in one macro, from which it makes the
// BPF_FUNC_* numbers too, so there is no table of our own that could fall behind.
#include <libminibpf/insn/disassembler.hpp>

#include <iterator>

namespace minibpf {

namespace {

// Helper n is the n-th of the list. Every header has __BPF_FUNC_MAPPER(FN) expand to FN(name), FN(name), ...; since
// Linux 6.2 it does so on top of ___BPF_FUNC_MAPPER, which has the numbers too.
#define MINIBPF_HELPER_NAME(name) "bpf_" #name
constexpr std::string_view helper_names[] = {__BPF_FUNC_MAPPER(MINIBPF_HELPER_NAME)};
#undef MINIBPF_HELPER_NAME

static_assert(std::size(helper_names) == __BPF_FUNC_MAX_ID);

}  // namespace

std::optional<std::string_view> helper_name(int number) noexcept {
    if (number < 0 || number >= static_cast<int>(std::size(helper_names))) return std::nullopt;
    return helper_names[number];
}

}  // namespace minibpf
