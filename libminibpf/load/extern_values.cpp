// Where the kernel tells what it is: /proc/kallsyms, its BTF, /proc/config.gz, /proc/sys/kernel.
#include <libminibpf/load/extern_values.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/btf/name_index.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>
#include <libminibpf/relocate/core_types.hpp>
#include <libminibpf/relocate/kconfig.hpp>

namespace minibpf {

namespace {

constexpr const char* kallsyms_path = "/proc/kallsyms";

// ffffffff82a0b1c0 d hub.llvm.4512          a static variable of a kernel that clang built with LTO
void read_kallsyms_line(std::string_view line, KernelAddresses& wanted) {
    const std::optional<KernelSymbol> symbol = parse_kernel_symbol(line);
    if (!symbol) return;
    const std::string_view name =
        symbol->type == 'd' ? symbol->name.substr(0, symbol->name.find(".llvm.")) : symbol->name;
    const auto found = wanted.find(name);
    if (found == wanted.end()) return;
    std::uint64_t value = 0;
    std::from_chars(symbol->address.data(), symbol->address.data() + symbol->address.size(), value, 16);
    if (!found->second) {
        found->second = KernelAddress{.value = value};
    } else if (found->second->value != value) {
        found->second->is_ambiguous = true;
    }
}

// Where addresses are hidden, all are 0. A single one may be 0 in truth: before Linux 6.15, per-CPU symbols of x86-64
// are offsets, and __per_cpu_start is the first.
bool has_address(std::string_view line) {
    return line.substr(0, line.find(' ')).find_first_not_of('0') != std::string_view::npos;
}

// The list has 200,000 lines and more, so it is read in pieces and not kept. Answers whether it has addresses.
bool read_kallsyms(KernelGate& gate, KernelAddresses& wanted) {
    const OpenAt call{.path = kallsyms_path, .flags = O_RDONLY};
    const Answer opened = gate.enter(call, "the addresses of kernel symbols");
    if (!opened.ok()) throw kernel_error(fmt::format("opening {}", kallsyms_path), call, opened);
    const Fd file(gate, opened.fd());
    bool has_addresses = false;
    for_each_line(gate, file.get(), kallsyms_path, [&](std::string_view line) {
        has_addresses = has_addresses || has_address(line);
        read_kallsyms_line(line, wanted);
    });
    return has_addresses;
}

[[noreturn]] void throw_missing(const ExternSpec& external, std::string_view where, std::string hint) {
    throw_malformed(fmt::format("extern '{}': {}", external.name, where),
                    hint.empty() ? "declare it __weak, if the program can do without it" : std::move(hint));
}

std::string did_you_mean(const std::string& near) {
    return near.empty() ? "" : fmt::format("did you mean '{}'? Or declare it __weak", near);
}

void set_address(const ExternSpec& external, const std::optional<KernelAddress>& address, bool has_addresses,
                 ExternValue& value) {
    if (!address) {
        if (external.is_weak) return;
        throw_missing(external, fmt::format("{} has no such symbol", kallsyms_path), {});
    }
    if (address->is_ambiguous) {
        throw_missing(external, fmt::format("{} has several symbols of that name", kallsyms_path), {});
    }
    if (!has_addresses) {
        throw Error(
            {.doing = fmt::format("extern '{}': {} hides addresses from this process", external.name, kallsyms_path),
             .hint = "run as root, or set /proc/sys/kernel/kptr_restrict to 0",
             .blame = Blame::facility});
    }
    value = {.found = true, .address = address->value};
}

std::uint16_t index_in(const std::vector<int>& fds, int fd) {
    return fd == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(std::ranges::find(fds, fd) - fds.begin());
}

// --- .kconfig

std::string first_line(KernelGate& gate, const std::string& path) {
    const Bytes content = read_file(gate, path);
    const std::string_view text = text_of(content);
    return std::string(text.substr(0, text.find('\n')));
}

// The first three numbers of "6.1.0-18-amd64", as KERNEL_VERSION() packs them.
std::uint32_t packed_version(std::string_view text) {
    std::array<std::uint32_t, 3> numbers{};
    for (std::uint32_t& number : numbers) {
        const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) break;
        text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
        if (!text.starts_with('.')) break;
        text.remove_prefix(1);
    }
    return numbers[0] << 16 | numbers[1] << 8 | std::min<std::uint32_t>(numbers[2], 255);
}

// Two questions about the kernel that its own types answer, without trying it out.
bool has_bpf_cookie(KernelTypes& types) {
    const auto helpers = types.find(btf::Kind::enum_, "bpf_func_id");
    if (!helpers) return false;
    const auto names = helpers->btf->enumerators(helpers->btf->type(helpers->id));
    return std::ranges::find(names, "BPF_FUNC_get_attach_cookie", &btf::Enumerator::name) != names.end();
}

// libbpf puts a kprobe on the wrapper and says no where that fails; so does a kernel without kprobes, which has no use
// for the answer.
bool has_kprobes(KernelGate& gate) {
    for (const char* path : {"/sys/bus/event_source/devices/kprobe/type", "/sys/kernel/tracing/kprobe_events"}) {
        const Answer opened = gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, "whether the kernel has kprobes");
        if (!opened.ok()) continue;
        const Fd file(gate, opened.fd());
        return true;
    }
    return false;
}

bool has_syscall_wrapper(KernelGate& gate, KernelTypes& types) {
#if defined(__x86_64__)
    constexpr const char* wrapper = "__x64_sys_bpf";
#elif defined(__aarch64__)
    constexpr const char* wrapper = "__arm64_sys_bpf";
#elif defined(__s390x__)
    constexpr const char* wrapper = "__s390x_sys_bpf";
#else
    constexpr const char* wrapper = "__se_sys_bpf";
#endif
    return has_kprobes(gate) && types.find(btf::Kind::func, wrapper, "vmlinux").has_value();
}

class KconfigWriter {
public:
    KconfigWriter(KernelGate& gate, KernelTypes& types, const ObjectSpec& object)
        : gate_(gate), types_(types), object_(object) {}

    Bytes write() {
        const MapSpec* map = object_.find_map(".kconfig");
        Bytes contents(map == nullptr ? 0 : map->value_size);
        const KconfigValues values = read_values();
        for (const ExternSpec& external : object_.externs) {
            if (external.kind != ExternKind::kconfig) continue;
            const auto value = values.find(external.name);
            if (value == values.end()) {
                if (external.is_weak) continue;
                throw_missing(
                    external,
                    external.name.starts_with("CONFIG_")
                        ? fmt::format("{} does not set it", where_.empty() ? "the kernel's configuration" : where_)
                        : "is no option of the kernel, whose names begin with CONFIG_",
                    {});
            }
            write_kconfig_value(external, value->second, std::span(contents).subspan(external.offset, external.size));
        }
        return contents;
    }

private:
    KconfigValues read_values() {
        std::vector<std::string> options;
        KconfigValues values;
        for (const ExternSpec& external : object_.externs) {
            if (external.kind != ExternKind::kconfig) continue;
            if (external.name.starts_with("CONFIG_")) options.push_back(external.name);
            if (external.name == "LINUX_KERNEL_VERSION") values[external.name] = fmt::format("{}", version());
            if (external.name == "LINUX_HAS_BPF_COOKIE") values[external.name] = flag(external, has_bpf_cookie(types_));
            if (external.name == "LINUX_HAS_SYSCALL_WRAPPER")
                values[external.name] = flag(external, has_syscall_wrapper(gate_, types_));
        }
        if (!options.empty()) values.merge(read_file_values(options));
        return values;
    }

    // Not an option but a number, so that a char is 1 and not 'y'.
    static std::string flag(const ExternSpec& external, bool is_set) {
        if (external.value_type == KconfigType::tristate) return is_set ? "y" : "n";
        return is_set ? "1" : "0";
    }

    const std::string& release() {
        if (release_.empty()) release_ = first_line(gate_, "/proc/sys/kernel/osrelease");
        return release_;
    }

    // Debian's and Ubuntu's releases say 6.1.0 and 5.4.0 whatever the third number is. Both have it elsewhere:
    //     /proc/sys/kernel/version        #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)
    //     /proc/version_signature         Ubuntu 5.4.0-12.15-generic 5.4.8
    std::uint32_t version() {
        const std::string version = first_line(gate_, "/proc/sys/kernel/version");
        constexpr std::string_view debian = "Debian ";
        const std::size_t at = version.find(debian);
        if (at != std::string::npos) return packed_version(std::string_view(version).substr(at + debian.size()));
        const std::string signature = ubuntu_signature();
        const std::size_t last_word = signature.rfind(' ');
        if (last_word != std::string::npos) return packed_version(std::string_view(signature).substr(last_word + 1));
        return packed_version(release());
    }

    std::string ubuntu_signature() {
        constexpr const char* path = "/proc/version_signature";
        const Answer opened = gate_.enter(OpenAt{.path = path, .flags = O_RDONLY}, "Ubuntu's kernels have it");
        if (!opened.ok()) return {};
        const Fd file(gate_, opened.fd());
        const Bytes content = read_all(gate_, file.get(), path);
        const std::string_view text = text_of(content);
        return std::string(text.substr(0, text.find('\n')));
    }

    KconfigValues read_file_values(const std::vector<std::string>& options) {
        const std::string boot = fmt::format("/boot/config-{}", release());
        for (const std::string& path : {std::string("/proc/config.gz"), boot}) {
            const Answer opened =
                gate_.enter(OpenAt{.path = path, .flags = O_RDONLY}, "the options that the kernel was built with");
            if (!opened.ok()) continue;
            where_ = path;
            const Fd file(gate_, opened.fd());
            return read_kconfig(read_all(gate_, file.get(), path), path, options);
        }
        const bool all_weak = std::ranges::all_of(object_.externs, [](const ExternSpec& external) {
            return external.kind != ExternKind::kconfig || external.is_weak || !external.name.starts_with("CONFIG_");
        });
        if (all_weak) return {};
        throw Error(
            {.doing = fmt::format("extern '{}': neither /proc/config.gz nor {} can be read", options.front(), boot),
             .hint = "`modprobe configs` makes /proc/config.gz appear, where the kernel has CONFIG_IKCONFIG",
             .blame = Blame::facility});
    }

    KernelGate& gate_;
    KernelTypes& types_;
    const ObjectSpec& object_;
    std::string release_;
    std::string where_;
};

}  // namespace

ExternFinder::ExternFinder(KernelGate& gate, KernelTypes& types, const ObjectSpec& object)
    : gate_(gate), types_(types), object_(object) {}

ExternValues ExternFinder::find(const std::vector<bool>& used) {
    ExternValues found;
    found.values.resize(object_.externs.size());
    for (std::size_t i = 0; i < object_.externs.size(); ++i) {
        const ExternSpec& external = object_.externs[i];
        if (!used[i] || external.kind == ExternKind::kconfig) continue;
        if (external.kind == ExternKind::ksym_address) {
            const KernelAddresses& known = addresses();
            set_address(external, known.at(external.name), has_addresses_, found.values[i]);
        } else {
            find_typed(external, found.values[i]);
            if (found.values[i].fd_index != 0) found.fd_array = module_fds_;
        }
    }
    return found;
}

const KernelAddresses& ExternFinder::addresses() {
    if (!addresses_.empty()) return addresses_;
    for (const ExternSpec& external : object_.externs) {
        if (external.kind == ExternKind::ksym_address) addresses_.emplace(external.name, std::nullopt);
    }
    has_addresses_ = read_kallsyms(gate_, addresses_);
    return addresses_;
}

void ExternFinder::number_modules(const std::vector<bool>& used) {
    for (std::size_t i = 0; i < object_.externs.size(); ++i) {
        const ExternSpec& external = object_.externs[i];
        if (!used[i] || external.kind != ExternKind::kfunc) continue;
        const auto found = types_.find(btf::Kind::func, btf::essential_name(external.name));
        if (!found || found->btf_fd == 0 || !type_fault(external, *found).empty()) continue;
        if (module_fds_.empty()) module_fds_.push_back(0);  // index 0 stands for vmlinux
        if (std::ranges::find(module_fds_, found->btf_fd) == module_fds_.end()) module_fds_.push_back(found->btf_fd);
    }
}

void ExternFinder::find_typed(const ExternSpec& external, ExternValue& value) {
    const btf::Kind kind = external.kind == ExternKind::kfunc ? btf::Kind::func : btf::Kind::var;
    const auto found = types_.find(kind, btf::essential_name(external.name));
    const std::string fault = found ? type_fault(external, *found) : std::string();
    if (!found || !fault.empty()) {
        if (external.is_weak) return;
        if (found) {
            throw_missing(external, fault,
                          "compare the two declarations; a struct that is only declared (struct x;) is another type "
                          "than the kernel's, and one with a body is the same whatever its members");
        }
        const char* what = kind == btf::Kind::func ? "function" : "variable";
        throw_missing(external, fmt::format("neither the kernel nor a module has such a {}", what),
                      did_you_mean(types_.nearest_name(kind, external.name)));
    }
    const bool is_function = external.kind == ExternKind::kfunc;
    value = {.found = true,
             .btf_id = found->id,
             .btf_fd = found->btf_fd,
             .fd_index = is_function ? index_in(module_fds_, found->btf_fd) : std::uint16_t{0}};
}

std::string ExternFinder::type_fault(const ExternSpec& external, const KernelType& found) const {
    const btf::Btf& local = *object_.btf;
    const btf::TypeId local_type =
        external.kind == ExternKind::kfunc ? local.type(external.type).target() : external.type;
    const btf::TypeId kernel_type = found.btf->type(found.id).target();
    // The rule compares the kinds of the two, so `const int` would not do for `int`.
    const core::TypeRef of_object{.btf = &local, .id = local.strip_modifiers(local_type)};
    const core::TypeRef of_kernel{.btf = found.btf, .id = found.btf->strip_modifiers(kernel_type)};
    if (core::types_are_compatible(of_object, of_kernel)) return {};
    return fmt::format("the kernel's {} has another type than the object declares",
                       external.kind == ExternKind::kfunc ? "function" : "variable");
}

Bytes kconfig_contents(KernelGate& gate, KernelTypes& types, const ObjectSpec& object) {
    return KconfigWriter(gate, types, object).write();
}

}  // namespace minibpf
