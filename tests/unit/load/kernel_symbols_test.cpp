#include <libminibpf/load/kernel_symbols.hpp>
#include <tests/catch.hpp>

using namespace minibpf;

TEST_CASE("a line of kallsyms has an address, a type, a name and perhaps a module", "[load][symbols]") {
    const auto own = parse_kernel_symbol("ffffffff81000000 T _stext");
    REQUIRE(own);
    CHECK(own->address == "ffffffff81000000");
    CHECK(own->type == 'T');
    CHECK(own->name == "_stext");
    CHECK(own->module.empty());
    const auto of_module = parse_kernel_symbol("ffffffffc0000000 t br_forward\t[bridge]");
    REQUIRE(of_module);
    CHECK(of_module->name == "br_forward");
    CHECK(of_module->module == "bridge");
    for (const char* line : {"", "ffff", "ffff ", "ffff t", "ffff t ", "ffff tt x", " "}) {
        INFO(line);
        CHECK_FALSE(parse_kernel_symbol(line));
    }
}

TEST_CASE("the lockdown's level stands in brackets", "[load][symbols]") {
    CHECK(lockdown_level("none [integrity] confidentiality\n") == "integrity");
    CHECK(lockdown_level("[none] integrity confidentiality\n") == "none");
    CHECK(lockdown_level("") == "");
}
