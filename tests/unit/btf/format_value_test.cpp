#include <tests/catch.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/unit/btf/btf_builder.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::BtfBuilder;
using minibpf::test::bytes;

namespace {

template <class T>
std::string shown(const Btf& btf, TypeId type, const T& value) {
    return format_value(btf, type, bytes_of(value));
}

std::string shown_text(const Btf& btf, TypeId type, std::string_view text) {
    return format_value(btf, type, bytes_of(text));
}

}  // namespace

TEST_CASE("integers are shown by their sign and size", "[btf][value]") {
    BtfBuilder b;
    const TypeId s32 = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId u64 = b.integer("unsigned long", 8);
    const TypeId s8 = b.integer("signed char", 1, BTF_INT_SIGNED);
    const TypeId boolean = b.integer("_Bool", 1, BTF_INT_BOOL);
    const TypeId wide = b.integer("__int128", 16, BTF_INT_SIGNED);
    const TypeId pointer = b.pointer(0);
    const Btf btf = b.build();
    CHECK(shown(btf, s32, std::int32_t{-5}) == "-5");
    CHECK(shown(btf, u64, ~std::uint64_t{0}) == "18446744073709551615");
    CHECK(shown(btf, s8, std::int8_t{65}) == "65");
    CHECK(shown(btf, boolean, std::uint8_t{1}) == "true");
    CHECK(shown(btf, boolean, std::uint8_t{7}) == "7");
    CHECK(format_value(btf, wide, bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2})) ==
          "0x02000000000000000000000000000001");
    CHECK(shown(btf, pointer, std::uint64_t{0xffff888000000000}) == "0xffff888000000000");
}

TEST_CASE("floating point numbers are shown as short as they can be", "[btf][value]") {
    BtfBuilder b;
    const TypeId single = b.floating("float", 4);
    const TypeId twice = b.floating("double", 8);
    const Btf btf = b.build();
    CHECK(shown(btf, single, 0.1f) == "0.1");
    CHECK(shown(btf, twice, -2.5) == "-2.5");
}

TEST_CASE("char is text, signed char and unsigned char are numbers", "[btf][value]") {
    BtfBuilder b;
    const TypeId character = b.integer("char", 1, BTF_INT_SIGNED);
    const TypeId name = b.array(b.add(Kind::const_, "", 0, false, b.type_def("name_char", character)), 8);
    const TypeId octets = b.array(b.integer("unsigned char", 1), 3);
    const Btf btf = b.build();
    CHECK(shown(btf, character, 'a') == "'a'");
    CHECK(shown(btf, character, '\n') == "'\\n'");
    CHECK(shown(btf, character, '\0') == "'\\0'");
    CHECK(shown(btf, character, '\'') == "'\\''");
    CHECK(shown(btf, character, '"') == "'\"'");
    CHECK(shown_text(btf, name, std::string_view("bash\0\0\0\0", 8)) == "\"bash\"");
    CHECK(shown_text(btf, name,
                     std::string_view("a\"b\\\n\x01"
                                      "2",
                                      8)) == "\"a\\\"b\\\\\\n\\0012\"");
    CHECK(format_value(btf, octets, bytes({1, 2, 255})) == "{1, 2, 255}");
}

TEST_CASE("a char array is never read past its bytes", "[btf][value]") {
    BtfBuilder b;
    const TypeId name = b.array(b.integer("char", 1), 4);
    const Btf btf = b.build();
    CHECK(shown_text(btf, name, "full, and more behind it") == "\"full\"");
    CHECK(shown_text(btf, name, "ab") == "\"ab\"<truncated>");
    CHECK(format_value(btf, name, {}) == "\"\"<truncated>");
}

TEST_CASE("UTF-8 stays as it is, other bytes and control characters are escaped", "[btf][value]") {
    BtfBuilder b;
    const TypeId name = b.array(b.integer("char", 1), 8);
    const Btf btf = b.build();
    CHECK(shown_text(btf, name, std::string_view("h\xc3\xa9!\0\0\0\0", 8)) == "\"h\xc3\xa9!\"");
    CHECK(shown_text(btf, name, std::string_view("\xc2\x9b[2J\0\0\0", 8)) == "\"\\302\\233[2J\"");
    CHECK(shown_text(btf, name, std::string_view("\xed\xa0\x80\xc3\0\0\0\0", 8)) == "\"\\355\\240\\200\\303\"");
    CHECK(shown_text(btf, name, std::string_view("\x1b[31m\0\0\0", 8)) == "\"\\033[31m\"");
}

TEST_CASE("structs show members, anonymous ones and bit-fields", "[btf][value]") {
    BtfBuilder b;
    const TypeId s32 = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId u32 = b.integer("unsigned int", 4);
    const TypeId anonymous = b.record(Kind::union_, "", 4, {{"a", s32, 0}, {"b", u32, 0}});
    const TypeId whole =
        b.structure("s", 12, {{"pid", s32, 0}, {"", anonymous, 32}, {"x", u32, 64, 3}, {"y", s32, 67, 5}});
    const Btf btf = b.build();
    const Bytes value = bytes({42, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 5 | 0x1e << 3, 0, 0, 0});
    CHECK(format_value(btf, whole, value) == "{.pid = 42, {.a = -1, .b = 4294967295}, .x = 5, .y = -2}");
    CHECK(format_value(btf, whole, ByteView(value).first(5)) ==
          "{.pid = 42, {.a = <truncated>, .b = <truncated>}, .x = <truncated>, .y = <truncated>}");
    CHECK(format_value(btf, whole, {}).find("<truncated>") != std::string::npos);
}

TEST_CASE("bit-fields as compilers before the kind flag wrote them are shown", "[btf][value]") {
    BtfBuilder b;
    const TypeId three_bits = b.add(Kind::int_, "unsigned int", 0, false, 4, {2 << 16 | 3});  // 3 bits, from bit 2
    const TypeId whole = b.structure("s", 4, {{"x", three_bits, 8}});
    const Btf btf = b.build();
    CHECK(format_value(btf, whole, bytes({0, 5 << 2, 0, 0})) == "{.x = 5}");
}

TEST_CASE("enums are shown by name where they have one", "[btf][value]") {
    BtfBuilder b;
    const TypeId plain = b.enumeration("color", 4, false, {{"RED", 0}, {"BLUE", -1}});
    const TypeId is_signed = b.enumeration("sign", 4, true, {{"MINUS", -1}});
    const TypeId small = b.enumeration("small", 1, true, {{"LESS", -1}});
    const TypeId big = b.enumeration64("big", false, {{"HUGE_ONE", std::int64_t{1} << 40}});
    const Btf btf = b.build();
    CHECK(shown(btf, plain, std::int32_t{-1}) == "BLUE");
    CHECK(shown(btf, plain, std::int32_t{7}) == "7");
    CHECK(shown(btf, is_signed, std::int32_t{-1}) == "MINUS");
    CHECK(shown(btf, is_signed, std::int32_t{-7}) == "-7");
    CHECK(shown(btf, small, std::int8_t{-1}) == "LESS");
    CHECK(shown(btf, big, std::uint64_t{1} << 40) == "HUGE_ONE");
}

TEST_CASE("zeros at the end of an array are counted", "[btf][value]") {
    BtfBuilder b;
    const TypeId u32 = b.integer("unsigned int", 4);
    const TypeId numbers = b.array(u32, 32);
    const TypeId pair = b.structure("pair", 8, {{"a", u32, 0}, {"b", u32, 32}});
    const TypeId pairs = b.array(pair, 12);
    const TypeId grid = b.array(b.array(u32, 2), 2);
    const TypeId nothing = b.array(u32, 0);
    const Btf btf = b.build();
    std::array<std::uint32_t, 32> values{1, 2};
    CHECK(shown(btf, numbers, values) == "{1, 2, 0 <repeats 30 times>}");
    CHECK(shown(btf, numbers, std::array<std::uint32_t, 32>{}) == "{0 <repeats 32 times>}");
    CHECK(shown(btf, pairs, std::array<std::uint32_t, 24>{}) == "{{.a = 0, .b = 0} <repeats 12 times>}");
    CHECK(shown(btf, grid, std::array<std::uint32_t, 4>{1, 2, 0, 0}) == "{{1, 2}, {0, 0}}");
    CHECK(shown(btf, numbers, std::array<std::uint32_t, 2>{1, 0}) == "{1, 0, <truncated>}");
    CHECK(format_value(btf, nothing, {}) == "{}");
}

TEST_CASE("the value of a data section is shown by its variables", "[btf][value]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId text = b.array(b.integer("char", 1), 4);
    const TypeId section =
        b.section(".data", 8, {{b.variable("counter", number), 0, 4}, {b.variable("name", text), 4, 4}});
    const Btf btf = b.build();
    CHECK(format_value(btf, section, bytes({3, 0, 0, 0, 'h', 'i', 0, 0})) == "{counter = 3, name = \"hi\"}");
    CHECK(format_value(btf, section, bytes({3, 0, 0, 0})) == "{counter = 3, name = \"\"<truncated>}");
}

TEST_CASE("types without values and types that contain themselves are said, not followed", "[btf][value]") {
    BtfBuilder b;
    const TypeId loop = b.structure("s", 4, {{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}});
    const TypeId wide = b.array(b.array(b.structure("empty", 0, {}), 0xffffffff), 0xffffffff);
    const TypeId function = b.prototype(0, {});
    const Btf btf = b.build();
    const Bytes zeros(64);
    CHECK(format_value(btf, 0, zeros) == "<no value: VOID>");
    CHECK(format_value(btf, function, zeros) == "<no value: FUNC_PROTO>");
    CHECK(format_value(btf, wide, zeros) == "{}");
    const std::string text = format_value(btf, loop, zeros);
    CHECK(text.size() < (2u << 20));
    CHECK(text.find("...") != std::string::npos);
}
