// Objects by their ids, and a BTF object's info, whose pointers lie in the bytes that the call passes.
#include <tests/catch.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>
#include <tests/skip.hpp>

namespace minibpf {

namespace {

constexpr const char* vmlinux_path = "/sys/kernel/btf/vmlinux";

Answer ask(KernelGate& gate, const Fd& object, bpf_btf_info& info) {
    return gate.enter(
        ObjGetInfoByFd{.bpf_fd = object.get(), .info = std::as_writable_bytes(std::span<bpf_btf_info, 1>(&info, 1))});
}

void require_kernel_btf() {
    test::skip_unless_kernel_has("BTF", access(vmlinux_path, R_OK) == 0);
}

}  // namespace

TEST_CASE("the first BTF object is vmlinux's, and gives its name and its bytes", "[kernel][ids]") {
    test::require_prerequisite(geteuid() == 0, "root");
    require_kernel_btf();
    LiveGate gate(GENERATE(AttrSize::minimal, AttrSize::book));
    const Answer first = gate.enter(GetNextId{.kind = IdKind::btf, .start_id = 0});
    REQUIRE(first.ok());
    REQUIRE(first.out > 0);
    const Answer opened = gate.enter(GetFdById{.kind = IdKind::btf, .id = first.out});
    REQUIRE(opened.ok());
    const Fd object(gate, opened.fd());

    std::array<char, 64> name{};
    bpf_btf_info info{};
    info.name = reinterpret_cast<std::uintptr_t>(name.data());
    info.name_len = name.size();
    REQUIRE(ask(gate, object, info).out == sizeof(info));
    CHECK(std::string(name.data()) == "vmlinux");
    CHECK(info.id == first.out);
    CHECK(info.kernel_btf == 1);

    const Bytes file = read_file(gate, vmlinux_path);
    REQUIRE(info.btf_size == file.size());
    Bytes copy(info.btf_size);
    info = {};
    info.btf = reinterpret_cast<std::uintptr_t>(copy.data());
    info.btf_size = static_cast<std::uint32_t>(copy.size());
    REQUIRE(ask(gate, object, info).ok());
    CHECK(copy == file);
}

TEST_CASE("ids ascend and end in ENOENT", "[kernel][ids]") {
    test::require_prerequisite(geteuid() == 0, "root");
    LiveGate gate;
    const Fd map(
        gate,
        gate.enter(MapCreate{
                       .name = "counted", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1})
            .fd());
    REQUIRE(map.is_open());
    bpf_map_info wanted{};
    REQUIRE(gate.enter(ObjGetInfoByFd{.bpf_fd = map.get(),
                                      .info = std::as_writable_bytes(std::span<bpf_map_info, 1>(&wanted, 1))})
                .ok());
    bool is_found = false;
    std::uint32_t id = 0;
    Answer next = gate.enter(GetNextId{.kind = IdKind::map, .start_id = id});
    for (; next.ok(); next = gate.enter(GetNextId{.kind = IdKind::map, .start_id = id})) {
        REQUIRE(next.out > id);
        id = next.out;
        is_found = is_found || id == wanted.id;
    }
    CHECK(next.error == ENOENT);
    CHECK(is_found);
    const Answer again = gate.enter(GetFdById{.kind = IdKind::map, .id = wanted.id});
    CHECK(again.ok());
    const Fd second(gate, again.fd());
}

TEST_CASE("a dry run looks at the kernel's BTF as it is, mapped and read", "[kernel][dry-run]") {
    require_kernel_btf();
    LiveGate live;
    DryRunGate gate(live, 100);
    const Bytes wanted = read_file(live, vmlinux_path);
    CHECK(read_file(gate, vmlinux_path) == wanted);

    const Fd file(gate, gate.enter(OpenAt{.path = vmlinux_path, .flags = O_RDONLY}).fd());
    CHECK(gate.enter(Lseek{.fd = file.get(), .offset = 0, .whence = SEEK_END}).value ==
          static_cast<long>(wanted.size()));
    const Answer answer =
        gate.enter(Mmap{.length = wanted.size(), .prot = PROT_READ, .fd = file.get(), .is_private = true});
    if (!answer.ok()) return;  // ENODEV before Linux 6.16
    const Mapping mapping(gate, reinterpret_cast<void*>(answer.value), wanted.size());
    CHECK(std::memcmp(mapping.bytes().data(), wanted.data(), wanted.size()) == 0);
}

TEST_CASE("a dry run reads the kernel's configuration and symbols", "[kernel][dry-run]") {
    const std::string path = GENERATE(std::string("/proc/config.gz"), std::string("/proc/kallsyms"));
    test::skip_unless_kernel_has(path.c_str(), access(path.c_str(), R_OK) == 0);
    LiveGate live;
    DryRunGate gate(live, 100);
    const Bytes content = read_file(gate, path);
    CHECK(content.size() > 10'000);
    if (path.ends_with(".gz")) CHECK(content == read_file(live, path));
}

}  // namespace minibpf
