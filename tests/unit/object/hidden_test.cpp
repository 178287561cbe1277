// What is hidden is global for the linker of an object's files and static for the kernel.
#include <tests/catch.hpp>
#include <tests/read_object.hpp>

using namespace minibpf;
using minibpf::test::object_spec;

TEST_CASE("hidden functions and variables are static in the BTF that the kernel is given", "[object]") {
    const ObjectSpec object = object_spec("tests/data/hidden.bpf.o");
    const btf::Btf& btf = *object.btf;
    const auto function_linkage = [&](std::string_view name) {
        return btf.type(btf.find(btf::Kind::func, name).value()).vlen;
    };
    CHECK(function_linkage("sum_of") == BTF_FUNC_STATIC);
    CHECK(function_linkage("hello") == BTF_FUNC_GLOBAL);
    const auto variable_linkage = [&](std::string_view name) {
        return btf.var_linkage(btf.find(btf::Kind::var, name).value());
    };
    CHECK(variable_linkage("hidden_count") == BTF_VAR_STATIC);
    CHECK(variable_linkage("hidden_sum") == BTF_VAR_STATIC);
    CHECK(variable_linkage("shared_sum") == BTF_VAR_GLOBAL_ALLOCATED);
}

TEST_CASE("a section whose variables are all hidden is not for mapping into memory", "[object]") {
    const ObjectSpec object = object_spec("tests/data/hidden.bpf.o");
    CHECK(object.find_map(".bss")->map_flags == 0);
    CHECK(object.find_map(".data.mixed")->map_flags == BPF_F_MMAPABLE);
}
