// The fault sweep over every way that a load can take: maps of all types and their contents, pins, arenas, tables of
// functions, the kernel's options, symbols and types, other programs. Whatever call fails, an Error says what, and
// neither the process nor the bpffs holds more than before.
#include <filesystem>

#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

TEST_CASE("when any call fails, a load of everything leaves nothing behind", "[load][fault]") {
    require_kernel_btf();
    for (const char* name : {"map_values", "static_inner_maps", "legacy_maps", "variables", "kconfig", "core_live",
                             "ksyms", "struct_ops", "callbacks"}) {
        INFO(name);
        CHECK(sweep_load(data(name), {}, {EPERM, EINVAL, ENOMEM}) >= 3);
    }
}

TEST_CASE("when any call fails, variables of the kernel leave nothing behind", "[load][fault]") {
    require_kernel_btf();
    skip_unless_kernel_has("addresses of variables", kallsyms_address("process_counts") != 0);
    CHECK(sweep_load(data("ksym_variables"), {}, {EPERM, EINVAL}) >= 3);
}

TEST_CASE("when any call fails, a map of each type leaves nothing behind", "[load][fault]") {
    require_kernel_btf();
    LoadOptions options;
    options.keep_going = true;  // older kernels do not have all types
    CHECK(sweep_load(data("every_map_type"), options, {EINVAL}) >= 30);
}

TEST_CASE("when any call fails, an arena leaves no mapping behind", "[load][fault]") {
    require_kernel_btf();
    skip_unless_kernel_has("arenas", running_version() >= 0x609);
    CHECK(sweep_load(data("arena"), {}, {EINVAL, ENOMEM}) >= 4);
}

TEST_CASE("when any call fails, the types of another kernel leave nothing behind", "[load][fault]") {
    require_kernel_btf();
    LoadOptions options;
    options.btf = "/sys/kernel/btf/vmlinux";
    options.programs = {"hello"};
    CHECK(sweep_load(data("core_live"), options, {EINVAL}) >= 3);
}

TEST_CASE("when any call fails, a load that keeps going leaves nothing behind", "[load][fault]") {
    require_kernel_btf();
    LoadOptions options;
    options.keep_going = true;
    CHECK(sweep_load(data("keep_going"), options, {EINVAL, ENOMEM}) >= 5);
    CHECK(sweep_load(data("optional_struct_ops"), options, {EINVAL}) >= 5);
}

TEST_CASE("when any call fails, a program for another program leaves nothing behind", "[load][fault]") {
    require_kernel_btf();
    LiveGate gate;
    skip_unless_kernel_has("trampolines", has_trampolines(gate));
    Object target = load(gate, data("replaced"));
    LoadOptions options;
    options.target_prog_fds = {{"replacement", target.require_program("entry").fd()}};
    CHECK(sweep_load(data("replacement"), options, {EPERM, EINVAL}) >= 4);
}

TEST_CASE("when any call fails, no pin is left behind", "[load][fault]") {
    require_bpf();
    const PinDirectory pins;
    LoadOptions options;
    options.pin_directory = pins.path;
    const auto mounts = [] { return lines_with("/proc/self/mounts", " /sys/fs/bpf "); };
    const auto remove = [&, before = mounts()] {
        CHECK(mounts() == before);  // one mounted over it would hide the pins that were made
        std::filesystem::remove_all(pins.path);
    };
    const auto no_pin = [&] {
        std::error_code no_directory;
        const std::filesystem::recursive_directory_iterator all(pins.path, no_directory);
        for (const auto& entry : all) CHECK(entry.is_directory());
    };
    for (const char* name : {"pinned", "pinned_kinds", "iproute2_maps", "first_iproute2_maps"}) {
        INFO(name);
        CHECK(sweep_load(data(name), options, {EPERM, EINVAL}, remove, no_pin) >= 4);
        CHECK_FALSE(std::filesystem::is_empty(pins.path));  // of the last load, in which nothing failed
    }
}

TEST_CASE("when any call fails, maps that were pinned before stay pinned", "[load][fault]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    load(gate, data("pinned_kinds"), options);
    const auto count = [&] {
        return std::distance(std::filesystem::directory_iterator(pins.path), std::filesystem::directory_iterator());
    };
    const auto before = count();
    CHECK(before >= 10);
    sweep_load(
        data("pinned_kinds"), options, {EINVAL}, [] {}, [&] { CHECK(count() == before); });
}
