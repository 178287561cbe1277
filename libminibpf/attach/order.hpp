// The place of a program among those that are attached to the same hook, as a hook's settings name it.
#pragma once

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/interface.hpp>
#include <libminibpf/kernel/syscall.hpp>

namespace minibpf {

/// Takes `first`, `last`, `before=ID`, `after=ID` (a program's id, or a link's: `before=link:ID`) and `revision=N` out
/// of the settings. What none of them says is as in `otherwise`. Throws Error (Blame::usage).
AttachOrder take_order(const Hook& hook, InterfaceTarget& target, const AttachOrder& otherwise);

OrderedLink ordered_link(const AttachOrder& order);

}  // namespace minibpf
