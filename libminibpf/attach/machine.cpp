// One function for each thing that is looked at, in the order in which they are told.
#include <libminibpf/attach/machine.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <linux/capability.h>

#include <libminibpf/attach/probes.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/mounts.hpp>
#include <libminibpf/load/kernel_symbols.hpp>
#include <libminibpf/load/kernel_types.hpp>
#include <libminibpf/load/privilege.hpp>

namespace minibpf {

namespace {

using State = Finding::State;

// A small file without the line end; nothing when it cannot be read.
std::optional<std::string> content_of(KernelGate& gate, const std::string& path) {
    std::optional<std::string> text = read_text(gate, path);
    while (text && text->ends_with('\n')) text->pop_back();
    return text;
}

Finding kernel_release(KernelGate& gate) {
    return {.what = "kernel", .value = content_of(gate, "/proc/sys/kernel/osrelease").value_or("?")};
}

Finding mount_finding(const std::string& mounts, const char* type, const char* purpose, const char* remedy) {
    const std::string where = mount_point(mounts, type);
    return {.what = type,
            .state = where.empty() ? State::missing : State::present,
            .value = where.empty() ? "not mounted" : where,
            .purpose = purpose,
            .remedy = where.empty() ? remedy : ""};
}

Finding capability(std::uint64_t effective, unsigned bit, const char* name, const char* purpose) {
    const bool has_it = (effective >> bit & 1) != 0;
    const bool is_part_of_admin = bit == cap_bpf || bit == cap_perfmon;
    const bool has_admin = is_part_of_admin && (effective >> CAP_SYS_ADMIN & 1) != 0;
    return {.what = name,
            .state = has_it || has_admin ? State::present : State::missing,
            .value = has_it      ? "effective"
                     : has_admin ? "by CAP_SYS_ADMIN"
                                 : "not effective",
            .purpose = purpose,
            .remedy = has_it || has_admin ? "" : fmt::format("run as root, or: setcap {}+ep LOADER", name)};
}

void examine_capabilities(KernelGate& gate, std::vector<Finding>& findings) {
    const std::optional<std::string> status = content_of(gate, "/proc/self/status");
    const std::optional<std::uint64_t> effective = status ? effective_capabilities(*status) : std::nullopt;
    if (!effective) {
        findings.push_back({.what = "capabilities",
                            .state = State::unknown,
                            .value = "/proc/self/status does not tell",
                            .purpose = "the privilege to load and attach",
                            .remedy = "mount -t proc proc /proc"});
        return;
    }
    findings.push_back(capability(*effective, cap_bpf, "CAP_BPF", "creating maps, loading programs"));
    findings.push_back(
        capability(*effective, cap_perfmon, "CAP_PERFMON", "tracing: probes, tracepoints, perf buffers"));
    findings.push_back(capability(*effective, CAP_NET_ADMIN, "CAP_NET_ADMIN", "XDP, tc, cgroups, sockets"));
    findings.push_back(
        capability(*effective, CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "objects by id, mounting; all of it before Linux 5.8"));
}

Finding unprivileged_use(KernelGate& gate) {
    const std::string value = content_of(gate, "/proc/sys/kernel/unprivileged_bpf_disabled").value_or("?");
    const char* meaning = value == "0"   ? "0: anyone may load socket filters"
                          : value == "1" ? "1: nobody without privilege, until the next boot"
                          : value == "2" ? "2: nobody without privilege"
                                         : "not told";
    return {.what = "unprivileged bpf", .value = meaning, .purpose = "programs of users without privilege"};
}

Finding compiler(KernelGate& gate) {
    const std::optional<std::string> value = content_of(gate, "/proc/sys/net/core/bpf_jit_enable");
    if (!value) {
        return {.what = "JIT",
                .state = State::unknown,
                .value = "/proc/sys/net/core/bpf_jit_enable cannot be read",
                .purpose = "programs as machine code; fentry and kfuncs need it"};
    }
    return {.what = "JIT",
            .state = *value == "0" ? State::missing : State::present,
            .value = *value == "0" ? "off" : "on",
            .purpose = "programs as machine code; fentry and kfuncs need it",
            .remedy = *value == "0" ? "sysctl net.core.bpf_jit_enable=1" : ""};
}

Finding kernel_btf(KernelTypes& types) {
    try {
        const btf::Btf& kernel = types.vmlinux();
        return {.what = "kernel BTF",
                .state = State::present,
                .value = fmt::format("{} types", kernel.last_id()),
                .purpose = "CO-RE, fentry, tp_btf, LSM, kfuncs"};
    } catch (const Error& error) {
        return {.what = "kernel BTF",
                .state = State::missing,
                .value = error.what(),
                .purpose = "CO-RE, fentry, tp_btf, LSM, kfuncs",
                .remedy = error.detail().hint};
    }
}

Finding kprobes(KernelGate& gate) {
    const auto pmu = content_of(gate, "/sys/bus/event_source/devices/kprobe/type");
    const bool has_any = pmu || has_kprobes(gate);
    return {.what = "kprobes",
            .state = has_any ? State::present : State::missing,
            .value = pmu       ? fmt::format("PMU of type {}", *pmu)
                     : has_any ? "in tracefs only"
                               : "none",
            .purpose = "programs at functions of the kernel",
            .remedy = has_any ? "" : "a kernel with CONFIG_KPROBES; or attach to tracepoints: loader probes"};
}

Finding uprobes(KernelGate& gate) {
    const auto pmu = content_of(gate, "/sys/bus/event_source/devices/uprobe/type");
    return {.what = "uprobes",
            .state = pmu ? State::present : State::missing,
            .value = pmu ? fmt::format("PMU of type {}", *pmu) : "no PMU",
            .purpose = "programs at functions of programs and libraries, and at USDT probes",
            .remedy = pmu ? "" : "a kernel with CONFIG_UPROBE_EVENTS, from 4.17 on; before, --tracefs-kprobes"};
}

Finding told_by_trying(State state, std::string value, std::string remedy = {}) {
    return {.what = "trampolines",
            .state = state,
            .value = std::move(value),
            .purpose = "fentry, fexit, fmod_ret, LSM, struct_ops",
            .remedy = std::move(remedy)};
}

// `r0 = 0; exit`
constexpr std::array<bpf_insn, 2> does_nothing = {bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                                                  bpf_insn{.code = BPF_JMP | BPF_EXIT}};

// Kernels without trampolines refuse with EPERM too. A program that takes the same privilege tells which it is.
bool may_trace(KernelGate& gate) {
    const Answer answer =
        gate.enter(ProgLoad{.name = "doctor", .type = BPF_PROG_TYPE_KPROBE, .insns = does_nothing, .license = "GPL"},
                   "is it the privilege that is missing?");
    if (answer.ok()) Fd(gate, answer.fd()).reset();
    return answer.ok();
}

// Tried at a function of net/bpf/test_run.c that only test runs call. Some kernels refuse to load the program, others
// to attach it.
Finding trampolines(KernelGate& gate, KernelTypes& types) {
    constexpr const char* remedy = "a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS; kprobes and tp_btf may do";
    std::optional<btf::TypeId> function;
    try {
        function = types.vmlinux().find(btf::Kind::func, "bpf_fentry_test1");
    } catch (const Error&) {
        // the finding before this one says so
    }
    if (!function) return told_by_trying(State::unknown, "no BTF of bpf_fentry_test1(), at which it could be tried");
    const Answer loaded = gate.enter(ProgLoad{.name = "doctor",
                                              .type = BPF_PROG_TYPE_TRACING,
                                              .insns = does_nothing,
                                              .license = "GPL",
                                              .expected_attach_type = BPF_TRACE_FENTRY,
                                              .attach_btf_id = *function},
                                     "does this kernel have fentry? a program that does nothing shows it");
    if (loaded.error == EPERM && !may_trace(gate))
        return told_by_trying(State::unknown, "only root can try", "run as root");
    if (!loaded.ok()) return told_by_trying(State::missing, "the load is refused: " + errno_text(loaded.error), remedy);
    const Fd program(gate, loaded.fd());
    const Answer attached = gate.enter(RawTracepointOpen{.prog_fd = program.get()}, "attached for a moment");
    if (!attached.ok())
        return told_by_trying(State::missing, "attaching is refused: " + errno_text(attached.error), remedy);
    Fd(gate, attached.fd()).reset();
    return told_by_trying(State::present, "tried");
}

Finding bpf_lsm(KernelGate& gate) {
    constexpr const char* purpose = "LSM programs";
    const std::optional<std::string> list = content_of(gate, "/sys/kernel/security/lsm");
    if (!list) {
        return {.what = "BPF LSM",
                .state = State::unknown,
                .value = "/sys/kernel/security/lsm cannot be read",
                .purpose = purpose,
                .remedy = "mount -t securityfs securityfs /sys/kernel/security"};
    }
    const bool has_it = names_bpf_lsm(*list);
    return {.what = "BPF LSM",
            .state = has_it ? State::present : State::missing,
            .value = *list,
            .purpose = purpose,
            .remedy = has_it ? "" : fmt::format("boot with lsm={},bpf (and CONFIG_BPF_LSM)", *list)};
}

Finding lockdown(KernelGate& gate) {
    const std::optional<std::string> levels = content_of(gate, "/sys/kernel/security/lockdown");
    const std::string value = levels.value_or("not told");
    const bool is_locked = levels && lockdown_level(value) != "none";
    return {.what = "lockdown",
            .state = !levels     ? State::unknown
                     : is_locked ? State::missing
                                 : State::present,
            .value = value,
            .purpose = "reading the kernel's memory, which confidentiality forbids even to root",
            .remedy = is_locked ? "boot with lockdown=none, or without Secure Boot" : ""};
}

Finding statistics(KernelGate& gate) {
    const std::string value = content_of(gate, "/proc/sys/kernel/bpf_stats_enabled").value_or("?");
    return {.what = "statistics",
            .value = value == "0"   ? "off"
                     : value == "1" ? "on"
                                    : "not told",
            .purpose = "counting runs of programs, and their time: sysctl kernel.bpf_stats_enabled=1"};
}

}  // namespace

std::string mount_point(std::string_view mounts, std::string_view filesystem) {
    for (MountedAt& mount : parse_mounts(mounts)) {
        if (mount.filesystem == filesystem) return std::move(mount.directory);
    }
    return {};
}

bool names_bpf_lsm(std::string_view lsm) {
    std::string_view names = take_line(lsm);
    while (!names.empty()) {
        if (take_until(names, ',') == "bpf") return true;
    }
    return false;
}

std::vector<Finding> examine_machine(KernelGate& gate) {
    std::vector<Finding> findings = {kernel_release(gate)};
    const std::string mounts = content_of(gate, "/proc/self/mounts").value_or("");
    findings.push_back(mount_finding(mounts, "tracefs", "tracepoints, trace_pipe, kprobes before Linux 4.17",
                                     "as root: mount -t tracefs nodev /sys/kernel/tracing"));
    findings.push_back(mount_finding(mounts, "bpf", "pins: maps, programs and links that outlive their loader",
                                     "as root: mount -t bpf bpf /sys/fs/bpf"));
    findings.push_back(mount_finding(mounts, "cgroup2", "programs of control groups",
                                     "as root: mount -t cgroup2 none /sys/fs/cgroup"));
    examine_capabilities(gate, findings);
    findings.push_back(unprivileged_use(gate));
    findings.push_back(compiler(gate));
    KernelTypes types(gate, "");
    findings.push_back(kernel_btf(types));
    findings.push_back(kprobes(gate));
    findings.push_back(uprobes(gate));
    findings.push_back(trampolines(gate, types));
    findings.push_back(bpf_lsm(gate));
    findings.push_back(lockdown(gate));
    findings.push_back(statistics(gate));
    return findings;
}

}  // namespace minibpf
