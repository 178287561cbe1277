#include <tests/catch.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/unit/btf/btf_builder.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::bytes;
using minibpf::test::error_of;

namespace {

std::string message(std::size_t size, std::string_view text) {
    const ErrorDetail detail = error_of([&] { parse_untyped_value(size, text); });
    CHECK(detail.blame == Blame::usage);
    return detail.doing;
}

}  // namespace

TEST_CASE("a value without type is an integer, a string or hex bytes", "[btf][value]") {
    CHECK(parse_untyped_value(4, "10") == bytes({10, 0, 0, 0}));
    CHECK(parse_untyped_value(2, "-2") == bytes({254, 255}));
    CHECK(parse_untyped_value(8, " 0xff ") == bytes({255, 0, 0, 0, 0, 0, 0, 0}));
    CHECK(parse_untyped_value(1, "255") == bytes({255}));
    CHECK(parse_untyped_value(4, "\"Hi\"") == bytes({'H', 'i', 0, 0}));
    CHECK(parse_untyped_value(4, "de ad be ef") == bytes({0xde, 0xad, 0xbe, 0xef}));
    CHECK(parse_untyped_value(3, "01 02 03") == bytes({1, 2, 3}));
}

TEST_CASE("a value without type that does not fit is refused", "[btf][value]") {
    CHECK(message(1, "256") == "value '256' of 1 bytes: the number does not fit");
    CHECK(message(2, "-32769") == "value '-32769' of 2 bytes: the number does not fit");
    CHECK(message(8, "99999999999999999999").find("larger than 64 bits") != std::string::npos);
    CHECK(message(4, "\"Hello\"").find("the string has 5 bytes") != std::string::npos);
    CHECK(message(4, "\"Hi").find("closing") != std::string::npos);
    CHECK(message(4, "\"Hi\" x").find("more text") != std::string::npos);
    CHECK(message(4, "de ad").find("2 bytes in hex") != std::string::npos);
    CHECK(message(4, "hello").find("neither an integer") != std::string::npos);
    CHECK(message(0, "").find("neither an integer") != std::string::npos);
    CHECK(message(16, "7").find("neither an integer") != std::string::npos);
}

TEST_CASE("a hexdump marks the bytes that are not as before", "[btf][value]") {
    const Bytes before(20, std::byte{'a'});
    Bytes after = before;
    CHECK(hexdump_with_changes(after, before) == hexdump(after));
    after[0] = after[8] = after[17] = std::byte{'b'};
    CHECK(hexdump_with_changes(after, before) ==
          " 0  62 61 61 61 61 61 61 61  62 61 61 61 61 61 61 61  |baaaaaaabaaaaaaa|\n"
          "    ^^                       ^^\n"
          "10  61 62 61 61                                       |abaa|\n"
          "       ^^");
    const Bytes shorter(1, std::byte{'a'});
    CHECK(hexdump_with_changes(bytes({'a', 'a'}), shorter) ==
          "0  61 61                                             |aa|\n      ^^");
    CHECK(hexdump_with_changes({}, shorter).empty());
}

TEST_CASE("a hexdump has 16 bytes a line", "[btf][value]") {
    CHECK(hexdump({}).empty());
    CHECK(hexdump(bytes({'H', 'i', 0, 0xff})) == "0  48 69 00 ff                                       |Hi..|");
    const std::string two_lines = hexdump(Bytes(17, std::byte{'a'}));
    CHECK(two_lines ==
          " 0  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n"
          "10  61                                                |a|");
}
