// What an object wants the kernel to have.
#include <algorithm>

#include <tests/catch.hpp>
#include <tests/read_object.hpp>

using namespace minibpf;
using minibpf::test::object_spec;

namespace {

const ExternSpec& find(const ObjectSpec& object, std::string_view name) {
    const auto found = std::ranges::find(object.externs, name, &ExternSpec::name);
    REQUIRE(found != object.externs.end());
    return *found;
}

std::vector<std::string> section_entries(const ObjectSpec& object, std::string_view section) {
    const btf::Btf& btf = *object.btf;
    std::vector<std::string> entries;
    const auto datasec = btf.find(btf::Kind::datasec, section);
    REQUIRE(datasec.has_value());
    for (const btf::SectionVar& variable : btf.section_vars(btf.type(*datasec))) {
        const btf::Type type = btf.type(variable.type);
        entries.push_back(std::string(btf::kind_name(type.kind)) + " " + std::string(type.name));
    }
    return entries;
}

}  // namespace

TEST_CASE("kernel options are variables of the map .kconfig, the largest alignment first", "[object]") {
    const ObjectSpec object = object_spec("tests/data/kconfig.bpf.o");
    const MapSpec* map = object.find_map(".kconfig");
    REQUIRE(map != nullptr);
    CHECK(map->origin == MapOrigin::kconfig);
    CHECK(map->map_flags == (BPF_F_RDONLY_PROG | BPF_F_MMAPABLE));
    CHECK(map->kernel_name == "kconfig.kconfig");
    CHECK(find(object, "CONFIG_NR_CPUS").offset == 0);
    CHECK(find(object, "CONFIG_NR_CPUS").size == 8);
    CHECK(find(object, "CONFIG_BPF_JIT").value_type == KconfigType::tristate);
    CHECK(find(object, "CONFIG_HZ").value_type == KconfigType::integer);
    CHECK(find(object, "CONFIG_HZ").is_signed);
    CHECK_FALSE(find(object, "LINUX_KERNEL_VERSION").is_signed);
    CHECK(find(object, "CONFIG_NET").value_type == KconfigType::character);
    CHECK(find(object, "CONFIG_BPF_SYSCALL").value_type == KconfigType::boolean);
    CHECK(find(object, "CONFIG_DEFAULT_HOSTNAME").value_type == KconfigType::string);
    CHECK(find(object, "CONFIG_DEFAULT_HOSTNAME").offset == 28);  // behind the four single bytes
    CHECK(find(object, "CONFIG_NO_KERNEL_HAS_THIS").is_weak);
    CHECK(map->value_size == 36);
}

TEST_CASE("the kernel is told of .kconfig as of ordinary variables", "[object]") {
    const ObjectSpec object = object_spec("tests/data/kconfig.bpf.o");
    const btf::Btf& btf = *object.btf;
    const btf::Type datasec = btf.type(*btf.find(btf::Kind::datasec, ".kconfig"));
    CHECK(datasec.size() == 36);
    std::uint32_t end = 0;
    for (const btf::SectionVar& variable : btf.section_vars(datasec)) {
        CHECK(btf.var_linkage(variable.type) == BTF_VAR_GLOBAL_ALLOCATED);
        CHECK(variable.offset >= end);
        end = variable.offset + variable.size;
    }
    CHECK(end == 36);
}

TEST_CASE("kernel symbols are addresses, variables or functions", "[object]") {
    const ObjectSpec object = object_spec("tests/data/ksyms.bpf.o");
    CHECK(find(object, "_stext").kind == ExternKind::ksym_address);
    CHECK_FALSE(find(object, "_stext").is_weak);
    CHECK(find(object, "no_kernel_has_this_symbol").is_weak);
    CHECK(find(object, "no_kernel_has_this_variable").kind == ExternKind::ksym_variable);
    CHECK(find(object, "bpf_rcu_read_lock").kind == ExternKind::kfunc);
    CHECK(object.find_map(".ksyms") == nullptr);
}

TEST_CASE("externs are in libbpf's order, which the numbers in the instructions follow: options, then symbols by name",
          "[object]") {
    const auto names = [](const ObjectSpec& object) {
        std::vector<std::string> result;
        for (const ExternSpec& external : object.externs) result.push_back(external.name);
        return result;
    };
    const std::vector<std::string> symbols = names(object_spec("tests/data/ksyms.bpf.o"));
    CHECK(symbols.size() == 6);
    CHECK(std::ranges::is_sorted(symbols));
    const ObjectSpec options = object_spec("tests/data/kconfig.bpf.o");
    CHECK(std::ranges::is_sorted(options.externs, {}, &ExternSpec::offset));
}

TEST_CASE("the kernel is told of ksyms as of integers, for it takes no functions in a section", "[object]") {
    const ObjectSpec object = object_spec("tests/data/ksyms.bpf.o");
    const std::vector<std::string> entries = section_entries(object, ".ksyms");
    CHECK(std::ranges::count(entries, "VAR dummy_ksym") == 3);
    CHECK(std::ranges::count(entries, "VAR _stext") == 1);
    const btf::Btf& btf = *object.btf;
    const btf::Type var = btf.type(*btf.find(btf::Kind::var, "_stext"));
    CHECK(btf.type(var.target()).kind == btf::Kind::int_);
    // What was written into the object's BTF is BTF still.
    const ByteView raw = btf.raw();
    CHECK(btf::Btf::parse(Bytes(raw.begin(), raw.end()), "rewritten").last_id() == btf.last_id());
}

// Calls of weak functions that the kernel lacks are numbered by it, and libbpf's order is this one.
TEST_CASE("externs are in libbpf's order: options, the largest first, and symbols by name", "[object]") {
    const auto names = [](const ObjectSpec& object) {
        std::vector<std::string> all;
        for (const ExternSpec& external : object.externs) all.push_back(external.name);
        return all;
    };
    const std::vector<std::string> symbols = names(object_spec("tests/data/ksyms.bpf.o"));
    CHECK(symbols.size() == 6);
    CHECK(std::ranges::is_sorted(symbols));
    const ObjectSpec linked = object_spec("tests/data/externs_of_all_kinds.bpf.o");
    CHECK(names(linked) == std::vector<std::string>{"CONFIG_HZ", "LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE",
                                                    "_stext", "a_function_that_no_kernel_has",
                                                    "z_function_that_no_kernel_has"});
    CHECK(linked.externs[1].kind == ExternKind::kconfig);
}
