// What a note says of a probe's arguments, as numbers that a program can go by.
#include <tests/catch.hpp>
#include <tests/error_of.hpp>

#include <libminibpf/attach/usdt_arguments.hpp>
#include <libminibpf/base/error.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;

#if defined(__x86_64__)

TEST_CASE("registers, constants and memory become numbers", "[attach][usdt]") {
    const UsdtSpec spec = parse_usdt_arguments("-4@%eax 8@-16(%rbp) 1@$5  -2@$-3 8@(%r12) 4@8(%rdi,%rcx,4) 8@%r8");
    REQUIRE(spec.argument_count == 7);
    CHECK(spec.arguments[0].type == UsdtArgument::in_register);
    CHECK(spec.arguments[0].register_offset == 80);
    CHECK(spec.arguments[0].is_signed);
    CHECK(spec.arguments[0].bit_shift == 32);
    CHECK(spec.arguments[1].type == UsdtArgument::in_memory);
    CHECK(spec.arguments[1].register_offset == 32);
    CHECK(static_cast<std::int64_t>(spec.arguments[1].value_offset) == -16);
    CHECK_FALSE(spec.arguments[1].is_signed);
    CHECK(spec.arguments[1].bit_shift == 0);
    CHECK(spec.arguments[2].type == UsdtArgument::constant);
    CHECK(spec.arguments[2].value_offset == 5);
    CHECK(spec.arguments[2].bit_shift == 56);
    CHECK(static_cast<std::int64_t>(spec.arguments[3].value_offset) == -3);
    CHECK(spec.arguments[4].value_offset == 0);
    CHECK(spec.arguments[4].register_offset == 24);
    CHECK((spec.arguments[5].type & 0xff) == UsdtArgument::in_scaled_memory);
    CHECK((spec.arguments[5].type >> 8 & 0xfff) == 88);
    CHECK(spec.arguments[5].type >> 20 == 2);
    CHECK(spec.arguments[6].register_offset == 72);
    CHECK(parse_usdt_arguments("").argument_count == 0);
}

TEST_CASE("an argument that is not understood is the object's error, which quotes it", "[attach][usdt]") {
    for (const char* text :
         {"8", "@%rax", "3@%rax", "9223372036854775808@%rax", "-9223372036854775808@%rax", "8@", "8@%xmm0", "8@%",
          "8@$", "8@(", "8@(%rax", "8@(%rax,)", "8@(%rax,%rbx,3)", "8@%raxx", "8@symbol(%rip)", "8@$5x", "8@5"}) {
        INFO(text);
        const Error error = error_of([&] { parse_usdt_arguments(text); });
        CHECK(error.detail().blame == Blame::object);
        CHECK_THAT(error.what(), contains(text));
    }
    std::string many;
    for (int i = 0; i < 13; ++i) many += "8@%rax ";
    CHECK_THAT(error_of([&] { parse_usdt_arguments(many); }).what(), contains("more than 12"));
}

#endif
