// From a kernel's "no" to an Error that explains it.
#pragma once

#include <string>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/syscall.hpp>

namespace minibpf {

/// The hint of EPERM and EACCES where nobody knows better.
constexpr const char* usual_privilege_hint =
    "run as root, or grant CAP_BPF and CAP_PERFMON (and CAP_NET_ADMIN for network programs)";

/// The Error of a call that the kernel refused. `doing` says what it was for, `hint` what to try; without a hint one
/// that fits the errno is given (EPERM: privileges; ENOMEM: the memlock limit; ...). `log` is the kernel's own, whole.
Error kernel_error(std::string doing, const Syscall& call, const Answer& answer, std::string hint = {},
                   std::string log = {});

}  // namespace minibpf
