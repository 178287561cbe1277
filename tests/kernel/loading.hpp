#pragma once
// What the tests of load/ on the running kernel share beside live.hpp: what the kernel says of maps and programs, pins,
// and the fault sweep.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <string>

#include <sys/utsname.h>

#include <libminibpf/attach/link.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <libminibpf/narrate/names.hpp>
#include <tests/kernel/live.hpp>

namespace minibpf::test {

/// `hello` of the object sees the system calls of this process for a moment.
inline void run_hello(KernelGate& gate, Object& object) {
    const Answer link =
        gate.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = object.require_program("hello").fd()});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
}

inline ObjectSpec data(const std::string& name) {
    return object_spec("tests/data/" + name + ".bpf.o");
}

inline void require_kernel_btf() {
    require_bpf();
    skip_unless_kernel_has("BTF", std::filesystem::exists("/sys/kernel/btf/vmlinux"));
}

inline std::uint32_t running_version() {
    utsname system{};
    uname(&system);
    unsigned major = 0, minor = 0;
    REQUIRE(std::sscanf(system.release, "%u.%u", &major, &minor) == 2);
    return major << 8 | minor;
}

inline std::uint64_t kallsyms_address(const std::string& name) {
    std::ifstream file("/proc/kallsyms");
    std::uint64_t address = 0;
    std::string type, symbol, rest;
    while (file >> std::hex >> address >> type >> symbol && std::getline(file, rest)) {
        if (symbol == name) return address;
    }
    return 0;
}

/// A directory of this process's own in the bpffs; gone at the end with what is pinned in it.
struct PinDirectory {
    std::string path = "/sys/fs/bpf/minibpf_test_" + std::to_string(getpid());
    PinDirectory() { std::filesystem::remove_all(path); }
    ~PinDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    bool has(const std::string& name) const { return std::filesystem::exists(path + "/" + name); }
};

inline bool loads(KernelGate& gate, const ObjectSpec& spec, const std::string& program) {
    LoadOptions options;
    options.programs = {program};
    try {
        load(gate, spec, options);
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// Programs that run between a function's caller and itself, or in a function's place, need what some kernels were
/// built without.
inline bool has_trampolines(KernelGate& gate) {
    return loads(gate, data("every_section"), "fentry_");
}

/// What the kernel says of a map or a program.
template <class Info>
Info kernel_info(KernelGate& gate, int fd) {
    Info info{};
    const Answer answer =
        gate.enter(ObjGetInfoByFd{.bpf_fd = fd, .info = std::as_writable_bytes(std::span<Info, 1>(&info, 1))});
    REQUIRE(answer.ok());
    return info;
}

/// Where the kernel says that a link is attached.
inline std::string target_of(KernelGate& gate, const Link& link) {
    return link_facts(gate, link.link_fd()).target;
}

/// As a link tells it: "cgroup_inet_egress".
inline std::string attach_type_text(bpf_attach_type type) {
    std::string text = enum_text(bpf_attach_types, type, StraceVersion::v7_2);
    text = text.substr(std::string_view("BPF_").size());
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

/// BPF_PROG_TEST_RUN with a packet of 64 zeros: what the program returned.
inline std::uint32_t run_with_packet(int prog_fd) {
    char packet[64] = {};
    bpf_attr attr{};
    attr.test.prog_fd = static_cast<__u32>(prog_fd);
    attr.test.data_in = reinterpret_cast<std::uintptr_t>(packet);
    attr.test.data_size_in = sizeof packet;
    REQUIRE(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr.test) == 0);
    return attr.test.retval;
}

/// Lets the later ones of many reads of one file past another gate. /proc/kallsyms comes in thousands of pieces.
class PastLaterReads final : public KernelGate {
public:
    PastLaterReads(KernelGate& gate, KernelGate& past) : gate_(gate), past_(past) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        constexpr int enough = 3;
        reads_ = std::holds_alternative<Read>(call) ? reads_ + 1 : 0;
        return (reads_ > enough ? past_ : gate_).enter(call, reason);
    }

private:
    KernelGate& gate_;
    KernelGate& past_;
    int reads_ = 0;
};

/// Loads with the first call failing, then the second, and so on: an Error each time, and nothing left behind.
/// `clean` is called before each load, for a failure that the loader gets over ends in a load that is whole.
inline int sweep_load(
    const ObjectSpec& spec, const LoadOptions& options, std::initializer_list<int> errors,
    const std::function<void()>& clean = [] {}, const std::function<void()>& check_nothing_left = [] {}) {
    LiveGate live;
    int calls = 0;
    for (const int error : errors) {
        bool done = false;
        for (int nth = 0; !done; ++nth) {
            INFO("call " << nth << " fails with " << errno_name(error));
            REQUIRE(nth < 400);
            clean();
            const Holdings before = holdings();
            FailingGate gate(live, nth, error);
            try {
                PastLaterReads few_reads(gate, live);
                const Object object = load(few_reads, spec, options);
            } catch (const Error& caught) {
                CHECK(gate.has_failed());
                CHECK_FALSE(caught.detail().doing.empty());
                check_nothing_left();
            }
            CHECK(holdings() == before);
            done = !gate.has_failed();
            calls = gate.calls();
        }
    }
    return calls;
}

}  // namespace minibpf::test
