// From a kernel's "no" to an Error that explains it.
#pragma once

#include <string>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/syscall.hpp>

namespace minibpf {

/// The Error of a call that the kernel refused. `doing` says what it was for, `hint` what to try; without a hint one
/// that fits the errno is given (EPERM: privileges; ENOMEM: the memlock limit; ...). `log` is the kernel's own, whole.
Error kernel_error(std::string doing, const Syscall& call, const Answer& answer, std::string hint = {},
                   std::string log = {});

}  // namespace minibpf
