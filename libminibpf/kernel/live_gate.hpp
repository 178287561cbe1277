// The gate that really enters the kernel: the only place in minibpf with syscall().
#pragma once

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Enters the kernel by syscall(2).
class LiveGate final : public KernelGate {
public:
    /// How much of `union bpf_attr` each bpf() call passes.
    explicit LiveGate(AttrSize attr_size = AttrSize::minimal) noexcept : attr_size_(attr_size) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override;

private:
    AttrSize attr_size_;
};

}  // namespace minibpf

#pragma GCC visibility pop
