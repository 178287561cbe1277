#include <tests/catch.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/unit/btf/btf_builder.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::BtfBuilder;
using minibpf::test::bytes;
using minibpf::test::error_of;

namespace {

struct Types {
    BtfBuilder b;
    TypeId s32 = b.integer("int", 4, BTF_INT_SIGNED);
    TypeId u32 = b.integer("unsigned int", 4);
    TypeId s64 = b.integer("long", 8, BTF_INT_SIGNED);
    TypeId u64 = b.integer("unsigned long", 8);
    TypeId s8 = b.integer("signed char", 1, BTF_INT_SIGNED);
    TypeId u8 = b.integer("unsigned char", 1);
    TypeId character = b.integer("char", 1, BTF_INT_SIGNED);
    TypeId boolean = b.integer("_Bool", 1, BTF_INT_BOOL);
    TypeId wide = b.integer("__int128", 16, BTF_INT_SIGNED);
    TypeId pointer = b.pointer(0);
    TypeId single = b.floating("float", 4);
    TypeId twice = b.floating("double", 8);
    TypeId message = b.array(character, 12);
    TypeId numbers = b.array(u8, 4);
    TypeId config = b.structure("user_msg_t", 12, {{"message", message, 0}});
    TypeId pair = b.structure("pair", 8, {{"first", s32, 0}, {"second", u32, 32}});
    TypeId color = b.enumeration("color", 4, false, {{"RED", 0}, {"GREEN", 5}});
    TypeId big = b.enumeration64("big", false, {{"HUGE_ONE", std::int64_t{1} << 40}});
    TypeId anonymous = b.structure("", 2, {{"low", u8, 0}, {"high", u8, 8}});
    TypeId choice = b.record(Kind::union_, "choice", 4, {{"number", u32, 0}, {"octets", numbers, 0}});
    TypeId whole = b.structure(
        "whole", 16,
        {{"pid", s32, 0}, {"", anonymous, 32}, {"x", u32, 48, 3}, {"y", s32, 51, 5}, {"pairs", b.array(pair, 1), 64}});
    Btf btf = b.build();

    Bytes parse(TypeId type, std::string_view text) const { return parse_value(btf, type, text); }
    ErrorDetail error(TypeId type, std::string_view text) const {
        ErrorDetail detail = error_of([&] { parse(type, text); });
        CHECK(detail.blame == Blame::usage);
        return detail;
    }
    std::string message_of(TypeId type, std::string_view text) const { return error(type, text).doing; }
    std::string there_and_back(TypeId type, std::string_view text) const {
        return format_value(btf, type, parse(type, text));
    }
};

bool mentions(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("integers are read in every base that C writes", "[btf][value]") {
    const Types t;
    CHECK(t.parse(t.s32, "42") == bytes({42, 0, 0, 0}));
    CHECK(t.parse(t.s32, " -1 ") == bytes({255, 255, 255, 255}));
    CHECK(t.parse(t.u32, "+7") == bytes({7, 0, 0, 0}));
    CHECK(t.parse(t.u32, "0x1fF") == bytes({0xff, 1, 0, 0}));
    CHECK(t.parse(t.u32, "017") == bytes({15, 0, 0, 0}));
    CHECK(t.parse(t.u32, "0") == bytes({0, 0, 0, 0}));
    CHECK(t.parse(t.u32, "0b101") == bytes({5, 0, 0, 0}));
    CHECK(t.parse(t.u32, "'a'") == bytes({97, 0, 0, 0}));
    CHECK(t.parse(t.u64, "18446744073709551615") == Bytes(8, std::byte{255}));
    CHECK(t.parse(t.s64, "-9223372036854775808") == bytes({0, 0, 0, 0, 0, 0, 0, 0x80}));
    CHECK(t.parse(t.wide, "-2") ==
          bytes({254, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}));
    CHECK(t.parse(t.pointer, "0xffff888000000000") == bytes({0, 0, 0, 0, 0x80, 0x88, 0xff, 0xff}));
    CHECK(t.parse(t.pointer, "NULL") == Bytes(8));
    CHECK(t.parse(t.boolean, "true") == bytes({1}));
    CHECK(t.parse(t.boolean, "false") == bytes({0}));
    CHECK(t.parse(t.character, "'\\xff'") == bytes({255}));
    CHECK(t.parse(t.character, "-1") == bytes({255}));
}

TEST_CASE("an integer that does not fit is refused with its range", "[btf][value]") {
    const Types t;
    CHECK(
        mentions(t.message_of(t.u8, "256"), "value '256' for unsigned char: 256 does not fit unsigned char: 0 to 255"));
    CHECK(mentions(t.message_of(t.u8, "-1"), "-1 does not fit unsigned char: 0 to 255"));
    CHECK(mentions(t.message_of(t.s8, "128"), "128 does not fit signed char: -128 to 127"));
    CHECK(mentions(t.message_of(t.s8, "-129"), "-128 to 127"));
    CHECK(mentions(t.message_of(t.s32, "0x80000000"), "does not fit int: -2147483648 to 2147483647"));
    CHECK(mentions(t.message_of(t.s64, "9223372036854775808"), "-9223372036854775808 to 9223372036854775807"));
    CHECK(mentions(t.message_of(t.u64, "-1"), "0 to 18446744073709551615"));
    CHECK(mentions(t.message_of(t.u64, "18446744073709551616"), "larger than 64 bits"));
    CHECK(mentions(t.message_of(t.boolean, "2"), "2 does not fit _Bool: 0 to 1"));
    CHECK(mentions(t.message_of(t.character, "256"), "-128 to 255"));
    CHECK(mentions(t.message_of(t.pointer, "-1"), "-1 does not fit void *"));
}

TEST_CASE("what is no value says what was expected and found", "[btf][value]") {
    const Types t;
    CHECK(mentions(t.message_of(t.s32, ""), "expected a number, found the end of the text"));
    CHECK(mentions(t.message_of(t.s32, "abc"), "expected a number, found 'abc'"));
    CHECK(mentions(t.message_of(t.s32, "12ab"), "expected a number, found '12ab'"));
    CHECK(mentions(t.message_of(t.s32, "08"), "expected a number"));
    CHECK(mentions(t.message_of(t.s32, "0x"), "expected a number"));
    CHECK(mentions(t.message_of(t.s32, "1 2"), "unexpected '2' after the value"));
    CHECK(mentions(t.message_of(t.s32, "'ab'"), "holds one byte, not 2"));
    CHECK(mentions(t.message_of(t.s32, "'a"), "the closing ' is missing"));
    CHECK(mentions(t.message_of(0, "1"), "the type has no values"));
}

TEST_CASE("a struct with one member takes its value without braces", "[btf][value]") {
    const Types t;
    const Bytes hey = t.parse(t.config, "\"Hey root!\"");
    CHECK(hey == t.parse(t.config, "{\"Hey root!\"}"));
    CHECK(hey == t.parse(t.config, "{ .message = \"Hey root!\", }"));
    CHECK(hey == bytes({'H', 'e', 'y', ' ', 'r', 'o', 'o', 't', '!', 0, 0, 0}));
    const ErrorDetail detail = t.error(t.pair, "7");
    CHECK(mentions(detail.doing, "expected {...}, found '7'"));
    CHECK(detail.hint == "its members are first, second");
}

TEST_CASE("strings resolve C's escapes and may fill their array, not more", "[btf][value]") {
    const Types t;
    CHECK(t.there_and_back(t.message, R"("a\n\x41\101\"\\")") == R"("a\nAA\"\\")");
    CHECK(t.parse(t.message, "\"ab\\0c\"") == bytes({'a', 'b', 0, 'c', 0, 0, 0, 0, 0, 0, 0, 0}));
    CHECK(t.parse(t.message, "\"\"") == Bytes(12));
    CHECK(t.parse(t.message, "\"twelve bytes\"").size() == 12);
    CHECK(t.parse(t.message, "{'H', 105}") == bytes({'H', 'i', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    CHECK(mentions(t.message_of(t.config, "\"Good morning, root!\""),
                   "value '\"Good morning, root!\"' for struct user_msg_t, member message: the string has 19 bytes, "
                   "char[12] holds 12"));
    CHECK(mentions(t.message_of(t.message, "\"abc"), "the closing \" is missing"));
    CHECK(mentions(t.message_of(t.message, "\"\\q\""), "\\q is no escape of C"));
    CHECK(mentions(t.message_of(t.message, "\"\\x\""), "\\x without digits"));
    CHECK(mentions(t.message_of(t.message, "\"\\x100\""), "larger than a byte"));
    CHECK(mentions(t.message_of(t.message, "\"\\400\""), "larger than a byte"));
    const ErrorDetail unquoted = t.error(t.config, "Hey");
    CHECK(mentions(unquoted.doing, "expected \"...\" or {...}, found 'Hey'"));
    CHECK(mentions(unquoted.hint, "double quotes"));
}

TEST_CASE("structs take values by place and by name, and the rest is zero", "[btf][value]") {
    const Types t;
    CHECK(t.parse(t.pair, "{1, 2}") == bytes({1, 0, 0, 0, 2, 0, 0, 0}));
    CHECK(t.parse(t.pair, "{.second = 2}") == bytes({0, 0, 0, 0, 2, 0, 0, 0}));
    CHECK(t.parse(t.pair, "{.second = 2, .first = 1}") == bytes({1, 0, 0, 0, 2, 0, 0, 0}));
    CHECK(t.parse(t.pair, "{.first = 1, 2,}") == bytes({1, 0, 0, 0, 2, 0, 0, 0}));
    CHECK(t.parse(t.pair, "{}") == Bytes(8));
    CHECK(t.there_and_back(t.whole, "{7, {1, 2}, 5, -3, {{8, 9}}}") ==
          "{.pid = 7, {.low = 1, .high = 2}, .x = 5, .y = -3, .pairs = {{.first = 8, .second = 9}}}");
    CHECK(t.there_and_back(t.whole, "{.high = 2, .y = 15, .x = 7}") ==
          "{.pid = 0, {.low = 0, .high = 2}, .x = 7, .y = 15, .pairs = {{.first = 0, .second = 0}}}");
}

TEST_CASE("a struct's members that do not exist or do not fit are named", "[btf][value]") {
    const Types t;
    const ErrorDetail unknown = t.error(t.pair, "{.frist = 1}");
    CHECK(mentions(unknown.doing, "struct pair has no member 'frist'"));
    CHECK(unknown.hint == "did you mean 'first'?");
    CHECK(mentions(t.message_of(t.pair, "{1, 2, 3}"), "too many values, it has 2 members"));
    CHECK(mentions(t.message_of(t.pair, "{1 2}"), "expected , or }, found '2}'"));
    CHECK(mentions(t.message_of(t.pair, "{1, 2"), "expected , or }, found the end of the text"));
    CHECK(mentions(t.message_of(t.pair, "{.first 1}"), "expected =, found '1}'"));
    CHECK(mentions(t.message_of(t.whole, "{.x = 8}"), "member x: 8 does not fit unsigned int of 3 bits: 0 to 7"));
    CHECK(mentions(t.message_of(t.whole, "{.y = 16}"), "-16 to 15"));
    CHECK(mentions(t.message_of(t.whole, "{.pairs = {{.second = -1}}}"), "member pairs[0].second: -1 does not fit"));
    CHECK(mentions(t.message_of(t.whole, "{.low = 1, 2}"), "name the member"));
    CHECK(mentions(t.message_of(t.choice, "{.number = 1, .octets = {2}}"), "a union takes one value"));
}

TEST_CASE("arrays take values by place and by index", "[btf][value]") {
    const Types t;
    CHECK(t.parse(t.numbers, "{1, 2}") == bytes({1, 2, 0, 0}));
    CHECK(t.parse(t.numbers, "{[2] = 7, 8}") == bytes({0, 0, 7, 8}));
    CHECK(t.parse(t.choice, "{.octets = {1, 2, 3, 4}}") == bytes({1, 2, 3, 4}));
    CHECK(mentions(t.message_of(t.numbers, "{1, 2, 3, 4, 5}"), "no element [4], unsigned char[4] has 4"));
    CHECK(mentions(t.message_of(t.numbers, "{[18446744073709551615] = 1, 2}"), "no element [18446744073709551615]"));
    CHECK(mentions(t.message_of(t.numbers, "{[-1] = 1}"), "an index is not negative"));
    CHECK(mentions(t.message_of(t.numbers, "{1, 256}"), "element [1]: 256 does not fit"));
    CHECK(mentions(t.message_of(t.numbers, "7"), "expected {...}, found '7'"));
}

TEST_CASE("enums take enumerators and numbers", "[btf][value]") {
    const Types t;
    CHECK(t.parse(t.color, "GREEN") == bytes({5, 0, 0, 0}));
    CHECK(t.parse(t.color, "-1") == bytes({255, 255, 255, 255}));
    CHECK(t.parse(t.big, "HUGE_ONE") == bytes({0, 0, 0, 0, 0, 1, 0, 0}));
    const ErrorDetail detail = t.error(t.color, "GREN");
    CHECK(mentions(detail.doing, "enum color has no enumerator 'GREN'"));
    CHECK(detail.hint == "did you mean 'GREEN'?");
    CHECK(mentions(t.message_of(t.color, "4294967296"), "-2147483648 to 4294967295"));
}

TEST_CASE("floating point numbers are read", "[btf][value]") {
    const Types t;
    CHECK(t.there_and_back(t.single, "0.1") == "0.1");
    CHECK(t.there_and_back(t.twice, "-2.5e3") == "-2500");
    CHECK(mentions(t.message_of(t.single, "1e39"), "1e39 does not fit float"));
    CHECK(mentions(t.message_of(t.twice, "1e999"), "does not fit double"));
    CHECK(mentions(t.message_of(t.twice, "1.5x"), "expected a number, found '1.5x'"));
    CHECK(mentions(t.message_of(t.twice, ""), "expected a number"));
}

TEST_CASE("a hostile type gives an error, neither a loop nor a crash", "[btf][value]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId loop = b.structure("loop", 4, {{"again", 2, 0}});
    const TypeId many = b.structure("many", 4, {{"", 3, 0}, {"", 3, 0}, {"", 3, 0}});
    const TypeId outside = b.structure("outside", 4, {{"far", number, 1 << 20}});
    const TypeId huge = b.array(number, 0xffffffff);
    const Btf btf = b.build();
    const auto message = [&](TypeId type, std::string_view text) {
        return error_of([&] { parse_value(btf, type, text); }).doing;
    };
    CHECK(mentions(message(loop, "1"), "too many levels of types"));
    CHECK(mentions(message(many, "{.x = 1}"), "no member 'x'"));
    CHECK(mentions(message(outside, "{1}"), "member far: the type information is wrong"));
    CHECK(mentions(message(huge, "{1}"), "17179869180 bytes is too large"));
}
