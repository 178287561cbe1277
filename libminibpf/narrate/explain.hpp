// What a call does, in the words of a book: for `--explain` and `loader step`.
#pragma once

#include <string>
#include <string_view>

#include <libminibpf/kernel/syscall.hpp>

namespace minibpf {

/// One sentence, without its full stop: "creates a map, an array or hash table that programs and user space share".
std::string_view what_it_does(const Syscall& call) noexcept;

/// What the descriptor that the call answers stands for: `map "config"`, `program "hello"`, `perf event`. Empty when
/// the call answers none.
std::string what_it_opens(const Syscall& call);

}  // namespace minibpf
