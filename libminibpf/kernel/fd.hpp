// Owners of what the kernel hands out: a descriptor and a mapping. Each gives its thing back through the gate that
// issued it, so that clean-up is narrated like everything else. The gate outlives what it issued.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// One open file descriptor; closes it when it dies. Move-only, and no implicit int: borrow with get().
class Fd {
public:
    Fd() = default;
    /// Takes over an open descriptor; `gate`, which it came from, closes it.
    Fd(KernelGate& gate, int fd) noexcept : gate_(&gate), fd_(fd) {}
    Fd(Fd&& other) noexcept : gate_(other.gate_), fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            gate_ = other.gate_;
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }            ///< the number, borrowed; -1: none
    bool is_open() const noexcept { return fd_ >= 0; }  ///< whether there is one

    /// Closes it now.
    void reset(const Reason& reason = {}) noexcept {
        if (fd_ >= 0) gate_->enter(Close{.fd = std::exchange(fd_, -1)}, reason);
    }

private:
    KernelGate* gate_ = nullptr;
    int fd_ = -1;
};

/// One mapping of a descriptor's memory; unmaps it when it dies. Move-only.
class Mapping {
public:
    Mapping() = default;
    /// Takes over a mapping; `gate`, which it came from, unmaps it.
    Mapping(KernelGate& gate, void* address, std::size_t length) noexcept
        : gate_(&gate), bytes_(static_cast<std::byte*>(address), length) {}
    Mapping(Mapping&& other) noexcept : gate_(other.gate_), bytes_(std::exchange(other.bytes_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept {
        if (this != &other) {
            reset();
            gate_ = other.gate_;
            bytes_ = std::exchange(other.bytes_, {});
        }
        return *this;
    }
    ~Mapping() { reset(); }

    std::span<std::byte> bytes() const noexcept { return bytes_; }  ///< the memory, borrowed
    bool is_mapped() const noexcept { return !bytes_.empty(); }     ///< whether there is any

    /// Unmaps it now.
    void reset() noexcept {
        const std::span<std::byte> bytes = std::exchange(bytes_, {});
        if (!bytes.empty()) {
            gate_->enter(Munmap{.address = reinterpret_cast<std::uintptr_t>(bytes.data()), .length = bytes.size()});
        }
    }

private:
    KernelGate* gate_ = nullptr;
    std::span<std::byte> bytes_;
};

}  // namespace minibpf

#pragma GCC visibility pop
