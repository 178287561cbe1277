// What the kernel says of externs, with a kernel made up for each test: its files, and the types of
// tests/data/core_kernel.bpf.c.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/load/extern_values.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::string kernel_btf() {
    static const ObjectSpec object = object_spec("tests/data/core_kernel.bpf.o");
    const ByteView raw = object.btf->raw();
    return std::string(reinterpret_cast<const char*>(raw.data()), raw.size());
}

struct Kernel {
    FakeGate gate;
    std::string& release = gate.files["/proc/sys/kernel/osrelease"];
    std::string& version = gate.files["/proc/sys/kernel/version"];
    std::string& kallsyms = gate.files["/proc/kallsyms"];

    Kernel() {
        release = "6.1.0-18-amd64\n";
        version = "#1 SMP PREEMPT_DYNAMIC Wed Nov  5 17:05:21 UTC 2025\n";
        gate.files["/sys/kernel/btf/vmlinux"] = kernel_btf();
        gate.files["/proc/modules"] = "";
    }

    /// The value of an extern variable in .kconfig.
    std::uint32_t option(const std::string& name, KconfigType type = KconfigType::integer, std::uint32_t size = 4) {
        ObjectSpec object;
        object.externs.push_back(
            {.name = name, .kind = ExternKind::kconfig, .is_weak = false, .value_type = type, .size = size});
        object.maps.push_back({.name = ".kconfig", .origin = MapOrigin::kconfig, .value_size = size});
        KernelTypes types(gate, "");
        Bytes contents = kconfig_contents(gate, types, object);
        contents.resize(sizeof(std::uint32_t));
        return *read_at<std::uint32_t>(contents, 0);
    }
};

ObjectSpec object_with_symbols(std::initializer_list<const char*> names) {
    ObjectSpec object;
    for (const char* name : names) {
        object.externs.push_back({.name = name, .kind = ExternKind::ksym_address, .is_weak = false});
    }
    return object;
}

constexpr std::uint32_t packed(std::uint32_t major, std::uint32_t minor, std::uint32_t patch) {
    return major << 16 | minor << 8 | patch;
}

}  // namespace

TEST_CASE("LINUX_KERNEL_VERSION is the release's, as KERNEL_VERSION() packs it", "[load][externs]") {
    Kernel kernel;
    kernel.release = "6.18.44-fc\n";
    CHECK(kernel.option("LINUX_KERNEL_VERSION") == packed(6, 18, 44));
    kernel.release = "5.15.300\n";
    CHECK(kernel.option("LINUX_KERNEL_VERSION") == packed(5, 15, 255));
    kernel.release = "6.0-rc1\n";
    CHECK(kernel.option("LINUX_KERNEL_VERSION") == packed(6, 0, 0));
}

TEST_CASE("LINUX_KERNEL_VERSION has the third number that Debian and Ubuntu keep elsewhere", "[load][externs]") {
    Kernel kernel;
    kernel.version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\n";
    CHECK(kernel.option("LINUX_KERNEL_VERSION") == packed(6, 1, 76));
    Kernel ubuntu;
    ubuntu.release = "5.4.0-12-generic\n";
    ubuntu.gate.files["/proc/version_signature"] = "Ubuntu 5.4.0-12.15-generic 5.4.8\n";
    CHECK(ubuntu.option("LINUX_KERNEL_VERSION") == packed(5, 4, 8));
}

TEST_CASE("what the kernel can do is a number in a char too, and not a letter", "[load][externs]") {
    Kernel kernel;
    CHECK(kernel.option("LINUX_HAS_BPF_COOKIE", KconfigType::character, 1) == 0);
    CHECK(kernel.option("LINUX_HAS_BPF_COOKIE", KconfigType::boolean, 1) == 0);
    CHECK(kernel.option("LINUX_HAS_BPF_COOKIE") == 0);
    CHECK(kernel.option("LINUX_HAS_BPF_COOKIE", KconfigType::tristate) == 0);
}

TEST_CASE("an extern in .kconfig that is no option is an error unless it is weak", "[load][externs]") {
    Kernel kernel;
    CHECK_THAT(error_of([&] { kernel.option("LINUX_HAS_TEETH"); }).detail().doing,
               contains("LINUX_HAS_TEETH") && contains("CONFIG_"));
}

TEST_CASE("/proc/kallsyms is read once, for all symbols of all programs of an object", "[load][externs]") {
    Kernel kernel;
    kernel.kallsyms =
        "ffffffff81000000 T _text\nffffffff81000040 t twice\nffffffff81000080 t twice\n"
        "ffffffffc0000000 t br_forward\t[bridge]\nffffffff82000000 D hub.llvm.4512";
    kernel.kallsyms += "\nffffffff82a0b1c0 d hub.llvm.4512\n";
    const ObjectSpec object = object_with_symbols({"_text", "br_forward", "hub", "twice"});
    KernelTypes types(kernel.gate, "");
    ExternFinder finder(kernel.gate, types, object);
    CHECK(finder.find({true, false, false, false}).values[0].address == 0xffffffff81000000);
    const ExternValues others = finder.find({false, true, true, false});
    CHECK_FALSE(others.values[0].found);
    CHECK(others.values[1].address == 0xffffffffc0000000);
    CHECK(others.values[2].address == 0xffffffff82a0b1c0);  // what LTO made of a static variable
    CHECK_THAT(error_of([&] {
                   finder.find({false, false, false, true});
               })
                   .detail()
                   .doing,
               contains("twice") && contains("several"));
    CHECK(kernel.gate.count<OpenAt>() == 1);
}

TEST_CASE("a kernel symbol at address 0 is one like others, where the kernel shows addresses", "[load][externs]") {
    Kernel kernel;
    kernel.kallsyms = "0000000000000000 A __per_cpu_start\nffffffff81000000 T _stext\n";
    const ObjectSpec object = object_with_symbols({"_stext", "__per_cpu_start"});
    KernelTypes types(kernel.gate, "");
    const ExternValues found = ExternFinder(kernel.gate, types, object).find({true, true});
    CHECK(found.values[0].address == 0xffffffff81000000);
    CHECK(found.values[1].found);
    CHECK(found.values[1].address == 0);
}

TEST_CASE("where all kernel symbols are at address 0, they are hidden", "[load][externs]") {
    Kernel kernel;
    kernel.kallsyms = "0000000000000000 A fixed\n0000000000000000 T _stext\n";
    const ObjectSpec object = object_with_symbols({"_stext"});
    KernelTypes types(kernel.gate, "");
    const Error error = error_of([&] { ExternFinder(kernel.gate, types, object).find({true}); });
    CHECK_THAT(error.detail().doing, contains("hides addresses"));
    CHECK_THAT(error.detail().hint, contains("kptr_restrict"));
}
