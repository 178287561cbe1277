// The types of the running kernel and of its modules, read when they are first needed, and once: for a load, or
// for all loads that share them.
//
//     /sys/kernel/btf/vmlinux    mapped into memory (Linux 6.16 and newer), or copied out by BPF_OBJ_GET_INFO_BY_FD in
//                                one call, or read piece by piece where neither is allowed
//     modules                    BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD: split BTF; only
//                                when something is not in vmlinux
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/relocate/core.hpp>

namespace minibpf {

/// A type of the kernel's, and the BTF descriptor by which bpf(2) is told of it.
struct KernelType {
    const btf::Btf* btf = nullptr;
    btf::TypeId id = 0;
    int btf_fd = 0;           ///< of the module; 0: vmlinux
    std::string_view module;  ///< empty: vmlinux
};

class KernelTypes final : public CoreTargets {
public:
    /// `core_btf` is a file with the BTF that CO-RE goes by instead of the running kernel's: raw, or an ELF file with a
    /// section .BTF. Empty: the kernel's own. `gate` outlives this.
    KernelTypes(KernelGate& gate, std::string core_btf);

    /// Announces names that will be asked for: those that come before the kernel's types are first needed are found in
    /// the same walk, later ones by a hash of all names.
    void expect(btf::Kind kind, std::string_view name) {
        if (!vmlinux_ || !modules_) expected_.push_back({kind, std::string(name)});
    }

    ~KernelTypes() override;

    KernelGate& gate() const noexcept { return gate_; }
    const std::string& core_btf_path() const noexcept { return core_btf_path_; }

    /// Throws Error (Blame::facility) when the kernel does not tell its types.
    const btf::Btf& vmlinux();

    /// The type of that kind and name, in vmlinux or else in the modules; with `module` only in that one ("vmlinux" is
    /// the kernel itself).
    std::optional<KernelType> find(btf::Kind kind, std::string_view name, std::string_view module = {});

    /// The name and types of each module that is there and has BTF. Borrowed.
    std::vector<std::pair<std::string_view, const btf::Btf*>> module_types();

    /// Names of types of that kind that are spelt like `name`, for a hint; empty when none is near.
    std::string nearest_name(btf::Kind kind, std::string_view name);

    std::vector<CoreCandidate> candidates(std::string_view name, btf::Kind kind) override;

private:
    struct Image;
    struct Module;

    const btf::Btf& core();
    const std::vector<Module>& modules();

    KernelGate& gate_;
    std::string core_btf_path_;
    std::vector<btf::ExpectedName> expected_;
    std::unique_ptr<Image> vmlinux_, core_;
    std::optional<std::vector<Module>> modules_;
};

/// The BTF object of that id, copied out of the kernel. Throws Error.
Bytes copy_btf(KernelGate& gate, std::uint32_t id);

}  // namespace minibpf
