// Reading the kernel's BTF.
//
// What the running kernel says of itself is indexed without being checked; a file that the user names is checked first,
// like every other input.
#include <libminibpf/load/kernel_types.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <libminibpf/base/nearest.hpp>
#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr const char* vmlinux_path = "/sys/kernel/btf/vmlinux";
constexpr const char* no_btf_hint =
    "the kernel must be built with CONFIG_DEBUG_INFO_BTF=y; for CO-RE, --btf FILE names the BTF of the same kernel";

/// What BPF_OBJ_GET_INFO_BY_FD knows about a BTF object, and the object's descriptor.
struct BtfObject {
    Fd fd;
    std::string name;
    std::uint32_t size = 0;  ///< bytes
    bool of_kernel = false;  ///< vmlinux's or a module's, not one that a loader brought
};

std::optional<BtfObject> open_btf(KernelGate& gate, std::uint32_t id) {
    const Answer opened = gate.enter(GetFdById{.kind = IdKind::btf, .id = id});
    if (!opened.ok()) return std::nullopt;  // ENOENT: gone meanwhile
    BtfObject object{.fd = Fd(gate, opened.fd())};
    std::array<char, 64> name{};  // MODULE_NAME_LEN is 56
    bpf_btf_info info{};
    info.name = reinterpret_cast<std::uintptr_t>(name.data());
    info.name_len = name.size();
    const Answer told = gate.enter(ObjGetInfoByFd{
        .bpf_fd = object.fd.get(), .info = std::as_writable_bytes(std::span<bpf_btf_info, 1>(&info, 1))});
    if (!told.ok()) return std::nullopt;
    object.name = std::string(name.data(), strnlen(name.data(), name.size()));
    object.size = info.btf_size;
    object.of_kernel = info.kernel_btf != 0;
    return object;
}

/// The whole BTF of an object, in one call.
std::optional<Bytes> copy_btf(KernelGate& gate, const BtfObject& object, const Reason& reason) {
    Bytes content(object.size);
    bpf_btf_info info{};
    info.btf = reinterpret_cast<std::uintptr_t>(content.data());
    info.btf_size = object.size;
    const ObjGetInfoByFd call{.bpf_fd = object.fd.get(),
                              .info = std::as_writable_bytes(std::span<bpf_btf_info, 1>(&info, 1))};
    const Answer answer = gate.enter(call, reason);
    if (!answer.ok() || info.btf_size != object.size) return std::nullopt;
    return content;
}

// BTF objects are numbered as they come, so vmlinux's is usually the first: modules refer to it.
std::optional<Bytes> copy_vmlinux(KernelGate& gate) {
    const Answer first = gate.enter(GetNextId{.kind = IdKind::btf, .start_id = 0},
                                    "the kernel's own BTF is an object too, from which it can be copied in one call");
    if (!first.ok()) return std::nullopt;
    const std::optional<BtfObject> object = open_btf(gate, first.out);
    if (!object || object->name != "vmlinux") return std::nullopt;
    return copy_btf(gate, *object, "all types of the kernel in one call");
}

Mapping map_file(KernelGate& gate, int fd) {
    const Answer size = gate.enter(Lseek{.fd = fd, .offset = 0, .whence = SEEK_END}, "how large it is");
    if (!size.ok() || size.value == 0) return {};
    const auto length = static_cast<std::size_t>(size.value);
    const Answer mapped = gate.enter(Mmap{.length = length, .prot = PROT_READ, .fd = fd, .is_private = true},
                                     "the kernel's types, to be looked at where they lie (Linux 6.16 and newer)");
    if (!mapped.ok()) return {};
    return Mapping(gate, reinterpret_cast<void*>(mapped.value), length);
}

// Whether it is worth asking for BTF after BTF, of which there may be hundreds: every loader brings some.
bool has_modules(KernelGate& gate) {
    constexpr const char* path = "/proc/modules";
    const Answer opened = gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, "not in vmlinux: are there modules?");
    if (opened.error == ENOENT) return false;  // a kernel without CONFIG_MODULES
    if (!opened.ok()) return true;
    const Fd file(gate, opened.fd());
    std::array<std::byte, 64> beginning{};
    const Answer read = gate.enter(Read{.fd = file.get(), .buffer = beginning});
    return !read.ok() || read.value > 0;
}

std::string_view module_part(std::string_view module) {
    return module == "vmlinux" ? std::string_view() : module;
}

}  // namespace

/// Bytes in memory, mapped or copied, and the Btf that looks at them.
struct KernelTypes::Image {
    Mapping mapping;
    Bytes copy;
    std::optional<btf::Btf> btf;
};

struct KernelTypes::Module {
    std::string name;
    Fd fd;  // kept: kfuncs and attach targets are named by it
    std::unique_ptr<Image> image;
};

KernelTypes::KernelTypes(KernelGate& gate, std::string core_btf) : gate_(gate), core_btf_path_(std::move(core_btf)) {}
KernelTypes::~KernelTypes() = default;

const btf::Btf& KernelTypes::vmlinux() {
    if (vmlinux_) return *vmlinux_->btf;
    const OpenAt call{.path = vmlinux_path, .flags = O_RDONLY};
    const Answer opened = gate_.enter(call, "the running kernel's types, which the programs are to be fitted to");
    if (!opened.ok()) {
        throw kernel_error(fmt::format("reading the kernel's types from {}", vmlinux_path), call, opened, no_btf_hint)
            .with_blame(Blame::facility);
    }
    const Fd file(gate_, opened.fd());
    auto image = std::make_unique<Image>();
    image->mapping = map_file(gate_, file.get());
    if (!image->mapping.is_mapped()) {
        std::optional<Bytes> copy = copy_vmlinux(gate_);
        if (!copy) {
            gate_.enter(Lseek{.fd = file.get(), .offset = 0, .whence = SEEK_SET});
            copy = read_all(gate_, file.get(), vmlinux_path);
        }
        image->copy = std::move(*copy);
    }
    const ByteView bytes = image->mapping.is_mapped() ? ByteView(image->mapping.bytes()) : ByteView(image->copy);
    image->btf = btf::Btf::index(bytes, vmlinux_path, nullptr, expected_);
    vmlinux_ = std::move(image);
    return *vmlinux_->btf;
}

const btf::Btf& KernelTypes::core() {
    if (core_btf_path_.empty()) return vmlinux();
    if (core_) return *core_->btf;
    Bytes file = read_file(gate_, core_btf_path_, "the types that the programs are to be fitted to, as asked for");
    auto image = std::make_unique<Image>();
    if (elf::looks_like_elf(file)) {
        const ByteView section = elf::require_section(file, core_btf_path_, ".BTF");
        file = Bytes(section.begin(), section.end());
    }
    image->btf = btf::Btf::parse(std::move(file), core_btf_path_);
    core_ = std::move(image);
    return *core_->btf;
}

const std::vector<KernelTypes::Module>& KernelTypes::modules() {
    if (modules_) return *modules_;
    const btf::Btf& base = vmlinux();
    std::vector<Module> found;
    if (!has_modules(gate_)) return modules_.emplace();
    Answer next =
        gate_.enter(GetNextId{.kind = IdKind::btf, .start_id = 0}, "the types of the modules are looked through");
    for (; next.ok(); next = gate_.enter(GetNextId{.kind = IdKind::btf, .start_id = next.out})) {
        std::optional<BtfObject> object = open_btf(gate_, next.out);
        if (!object || !object->of_kernel || object->name == "vmlinux") continue;
        std::optional<Bytes> copy = copy_btf(gate_, *object, "the types of a module");
        if (!copy) continue;
        auto image = std::make_unique<Image>();
        image->copy = std::move(*copy);
        image->btf = btf::Btf::index(image->copy, object->name, &base, expected_);
        found.push_back({.name = object->name, .fd = std::move(object->fd), .image = std::move(image)});
    }
    modules_ = std::move(found);
    return *modules_;
}

std::optional<KernelType> KernelTypes::find(btf::Kind kind, std::string_view name, std::string_view module) {
    const std::string_view wanted = module_part(module);
    if (wanted.empty()) {
        const btf::Btf& kernel = vmlinux();
        if (const auto id = kernel.find(kind, name)) return KernelType{.btf = &kernel, .id = *id};
        if (!module.empty()) return std::nullopt;
    }
    for (const Module& candidate : modules()) {
        if (!wanted.empty() && candidate.name != wanted) continue;
        const auto id = candidate.image->btf->find(kind, name);
        if (id && *id >= candidate.image->btf->first_id()) {
            return KernelType{
                .btf = &*candidate.image->btf, .id = *id, .btf_fd = candidate.fd.get(), .module = candidate.name};
        }
    }
    return std::nullopt;
}

std::vector<std::pair<std::string_view, const btf::Btf*>> KernelTypes::module_types() {
    std::vector<std::pair<std::string_view, const btf::Btf*>> found;
    for (const Module& module : modules()) found.emplace_back(module.name, &*module.image->btf);
    return found;
}

std::string KernelTypes::nearest_name(btf::Kind kind, std::string_view name) {
    const btf::Btf& kernel = vmlinux();
    std::vector<std::string_view> names;
    for (btf::TypeId id = 1; id <= kernel.last_id(); ++id) {
        const btf::Type type = kernel.type(id);
        // Comparing costs as much as the product of the lengths, so only those of about the same length are.
        const bool near_size = type.name.size() + 3 >= name.size() && type.name.size() <= name.size() + 3;
        if (type.kind == kind && near_size) names.push_back(type.name);
    }
    return nearest(name, names);
}

Bytes copy_btf(KernelGate& gate, std::uint32_t id) {
    const std::optional<BtfObject> object = open_btf(gate, id);
    std::optional<Bytes> copy = object ? copy_btf(gate, *object, "its types") : std::nullopt;
    if (copy) return std::move(*copy);
    throw Error({.doing = fmt::format("reading BTF object {}: the kernel does not give it", id),
                 .hint = "run as root: it takes CAP_SYS_ADMIN",
                 .blame = Blame::facility});
}

std::vector<CoreCandidate> KernelTypes::candidates(std::string_view name, btf::Kind kind) {
    std::vector<CoreCandidate> found;
    const auto collect = [&](const btf::Btf& btf) {
        for (const btf::TypeId id : btf.find_essential(kind, name)) found.push_back({.btf = &btf, .type = id});
    };
    collect(core());
    if (!found.empty() || !core_btf_path_.empty()) return found;
    for (const Module& module : modules()) collect(*module.image->btf);
    return found;
}

}  // namespace minibpf
