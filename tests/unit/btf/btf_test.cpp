#include <bit>
#include <cstring>
#include <memory>

#include <tests/catch.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/btf/clang_btf.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::BtfBuilder;
using minibpf::test::error_of;

namespace {

Bytes clang_bytes() {
    const ByteView view = std::as_bytes(std::span(test::clang_btf));
    return Bytes(view.begin(), view.end());
}

std::string parse_error(Bytes raw) {
    return error_of([&] { Btf::parse(std::move(raw), "hello.bpf.o, section .BTF"); }).doing;
}

template <class T>
Bytes patched(Bytes raw, std::size_t offset, T value) {
    std::memcpy(raw.data() + offset, &value, sizeof value);
    return raw;
}

bool mentions(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

BtfBuilder with_int() {
    BtfBuilder builder;
    builder.integer("int", 4, BTF_INT_SIGNED);
    return builder;
}

}  // namespace

TEST_CASE("BTF written by clang gives its types, members, variables and functions", "[btf]") {
    if (std::endian::native != std::endian::little) return;
    const Btf btf = Btf::parse(clang_bytes(), "small.o");
    CHECK(btf.raw().size() == sizeof test::clang_btf);

    const Type data = btf.type(btf.find(Kind::struct_, "data_t").value());
    CHECK(data.size() == 20);
    const std::vector<Member> members = btf.members(data);
    REQUIRE(members.size() == 2);
    CHECK(members[0].name == "pid");
    CHECK(members[1].name == "command");
    CHECK(members[1].bit_offset == 32);
    const ArrayInfo command = btf.array(btf.type(members[1].type));
    CHECK(command.count == 16);
    CHECK(btf.type(command.element).name == "char");

    const Type shapes = btf.type(btf.find_named("struct shapes").value());
    CHECK(shapes.kind_flag);
    CHECK(btf.members(shapes)[2].bit_size == 3);
    CHECK(btf.members(shapes)[3].bit_size == 5);

    const Type color = btf.type(btf.find_named("enum color").value());
    CHECK(btf.enumerators(color)[1].name == "GREEN");
    CHECK(btf.enumerators(color)[1].value == 5);

    const Type counter = btf.type(btf.find(Kind::var, "counter").value());
    CHECK(btf.var_linkage(counter.id) == BTF_VAR_STATIC);
    const Type prog = btf.type(btf.find(Kind::func, "prog").value());
    CHECK(prog.vlen == BTF_FUNC_GLOBAL);
    const std::vector<Param> params = btf.params(btf.type(prog.target()));
    REQUIRE(params.size() == 1);
    CHECK(params[0].name == "ctx");
}

TEST_CASE("every kind up to ENUM64 is walked over with its payload", "[btf]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId array = b.array(number, 3);
    b.add(Kind::fwd, "later", 0, true, 0);
    const TypeId proto = b.prototype(0, {{"ctx", b.pointer(0)}, {"", 0}});
    const TypeId function = b.function("f", proto);
    const TypeId variable = b.variable("v", array);
    b.section(".data", 12, {{variable, 0, 12}});
    b.floating("double", 8);
    b.add(Kind::decl_tag, "tag", 0, false, function, {0xffffffff});
    b.add(Kind::type_tag, "user", 0, false, number);
    b.add(Kind::volatile_, "", 0, false, number);
    b.add(Kind::restrict_, "", 0, false, number);
    b.record(Kind::union_, "u", 4, {{"a", number, 0}});
    b.enumeration("e", 4, true, {{"MINUS", -1}});
    const TypeId last = b.enumeration64("big", false, {{"HUGE_ONE", std::int64_t{1} << 40}});
    const Btf btf = b.build();

    CHECK(btf.last_id() == last);
    CHECK(btf.enumerators(btf.type(last))[0].value == std::uint64_t{1} << 40);
    CHECK(btf.enumerators(btf.type(last - 1))[0].value == ~std::uint64_t{0});
    CHECK(btf.type(function).target() == proto);
    for (TypeId id = 1; id <= last; ++id) CHECK(kind_name(btf.type(id).kind) != "UNKNOWN");
    CHECK(kind_name(Kind::enum64) == "ENUM64");
}

TEST_CASE("a copy of a Btf stands by itself", "[btf]") {
    auto original = std::make_unique<Btf>(with_int().build());
    const Btf copy = *original;
    original.reset();
    CHECK(copy.type(1).name == "int");
}

TEST_CASE("a header that is no BTF of this machine is refused with the reason", "[btf]") {
    const Bytes good = with_int().bytes();
    CHECK(mentions(parse_error({}), "0 bytes, too short for the 24"));
    CHECK(mentions(parse_error(patched(good, 0, std::uint16_t{0x1234})), "0x1234 instead of 0xeb9f"));
    CHECK(mentions(parse_error(patched(good, 0, std::uint16_t{0x9feb})), "other byte order"));
    CHECK(mentions(parse_error(patched(good, 2, std::uint8_t{2})), "BTF version 2"));
    CHECK(mentions(parse_error(patched(good, 3, std::uint8_t{1})), "unknown BTF flags 0x1"));
    CHECK(mentions(parse_error(patched(good, 4, std::uint32_t{20})), "claims 20 bytes"));
    CHECK(mentions(parse_error(patched(good, 4, std::uint32_t{1} << 31)), "claims 2147483648 bytes"));
    CHECK(mentions(parse_error(patched(good, 12, std::uint32_t{0xfffffff0})), "type section (4294967280 bytes at 0)"));
    CHECK(mentions(parse_error(patched(good, 20, std::uint32_t{6})), "string section"));
    CHECK(mentions(parse_error(patched(good, 16, std::uint32_t{4})), "overlaps the strings"));
    CHECK(mentions(parse_error(patched(good, 8, std::uint32_t{2})), "no multiple of 4"));
}

TEST_CASE("a longer header is accepted as long as what is unknown in it is zero", "[btf]") {
    const Bytes good = with_int().bytes();
    const auto lengthened = [&](std::size_t size, std::uint8_t last) {
        Bytes longer = patched(good, 4, static_cast<std::uint32_t>(size));
        longer.insert(longer.begin() + sizeof(btf_header), size - sizeof(btf_header), std::byte{0});
        longer[size - 1] = static_cast<std::byte>(last);
        return longer;
    };
    CHECK(Btf::parse(lengthened(40, 0), "test").type(1).name == "int");
    CHECK(Btf::parse(lengthened(32, 9), "test").type(1).name == "int");  // layout_len, since Linux 7.1
    CHECK(mentions(parse_error(lengthened(40, 1)), "a field at offset 39 that is newer"));
}

TEST_CASE("strings must begin and end with a NUL", "[btf]") {
    const Bytes good = with_int().bytes();
    const std::size_t strings = good.size() - 5;
    CHECK(mentions(parse_error(patched(good, strings, 'x')), "does not begin with the empty string"));
    CHECK(mentions(parse_error(patched(good, good.size() - 1, 'x')), "has no NUL"));
    CHECK(mentions(parse_error(patched(good, 20, std::uint32_t{0})), "string section is empty"));
}

TEST_CASE("a type that is wrong is named with its offset", "[btf]") {
    SECTION("of a kind that nobody knows") {
        BtfBuilder b = with_int();
        b.add(static_cast<Kind>(20), "", 0, false, 0);
        CHECK(mentions(parse_error(b.bytes()), "type 2, at offset 16 of the type section, is of unknown kind 20"));
    }
    SECTION("of kind 0") {
        BtfBuilder b = with_int();
        b.add(Kind::void_, "", 0, false, 0);
        CHECK(mentions(parse_error(b.bytes()), "unknown kind 0"));
    }
    SECTION("whose members reach past the section") {
        BtfBuilder b = with_int();
        b.add(Kind::struct_, "s", 0xffffff, false, 4);
        CHECK(mentions(parse_error(b.bytes()), "type 2, at offset 16 of the type section: STRUCT needs"));
    }
    SECTION("that refers to a type that does not exist") {
        BtfBuilder b = with_int();
        b.pointer(7);
        CHECK(mentions(parse_error(b.bytes()), "type 2 refers to type 7, the last is 2"));
    }
    SECTION("with a member of a type that does not exist") {
        BtfBuilder b = with_int();
        b.structure("s", 4, {{"a", 1, 0}, {"b", 3, 0}});
        CHECK(mentions(parse_error(b.bytes()), "type 2 refers to type 3"));
    }
    SECTION("an array of or by a type that does not exist") {
        BtfBuilder b = with_int();
        b.array(9, 1);
        CHECK(mentions(parse_error(b.bytes()), "type 2 refers to type 9"));
        BtfBuilder c = with_int();
        c.array(1, 1, 8);
        CHECK(mentions(parse_error(c.bytes()), "type 2 refers to type 8"));
    }
    SECTION("with a name outside the strings") {
        CHECK(mentions(parse_error(patched(with_int().bytes(), 24, std::uint32_t{5})),
                       "a name at 5 lies outside the 5 bytes"));
    }
    SECTION("with an enumerator's name outside the strings") {
        BtfBuilder b = with_int();
        b.add(Kind::enum_, "e", 1, false, 4, {1000, 0});
        CHECK(mentions(parse_error(b.bytes()), "a name at 1000"));
    }
}

TEST_CASE("truncated at any byte, BTF is refused", "[btf]") {
    const Bytes good = clang_bytes();
    for (std::size_t size = 0; size < good.size(); ++size) {
        const Bytes part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_THROWS_AS(Btf::parse(part, "test"), Error);
    }
}

TEST_CASE("with any one byte changed, BTF is refused or usable", "[btf]") {
    const Bytes good = clang_bytes();
    const Bytes zeros(256);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int flip : {0x01, 0x80, 0xff}) {
            Bytes bad = good;
            bad[at] ^= static_cast<std::byte>(flip);
            try {
                const Btf btf = Btf::parse(bad, "test");
                for (TypeId id = 1; id <= btf.last_id(); ++id) {
                    format_value(btf, id, zeros);
                    definition_text(btf, id);
                }
            } catch (const Error& error) {
                CHECK_FALSE(error.detail().doing.empty());
            }
        }
    }
}

TEST_CASE("a type that does not exist is an error, not a crash", "[btf]") {
    const Btf btf = with_int().build();
    CHECK(btf.type(0).name == "void");
    CHECK(mentions(error_of([&] { btf.type(2); }).doing, "no type 2, the last is 1"));
    CHECK(mentions(error_of([&] { btf.string(99); }).doing, "no string at 99"));
}

TEST_CASE("types are found by the names that people write", "[btf]") {
    BtfBuilder b;
    const TypeId number = b.integer("unsigned int", 4);
    const TypeId structure = b.structure("data_t", 4, {{"a", number, 0}});
    const TypeId type_def = b.type_def("u32", number);
    b.add(Kind::fwd, "other", 0, false, 0);
    b.function("f", b.prototype(0, {}));
    const Btf btf = b.build();
    CHECK(btf.find_named("unsigned int") == number);
    CHECK(btf.find_named("struct data_t") == structure);
    CHECK(btf.find_named("struct  data_t") == structure);
    CHECK(btf.find_named("data_t") == structure);
    CHECK(btf.find_named("u32") == type_def);
    CHECK_FALSE(btf.find_named("union data_t"));
    CHECK_FALSE(btf.find_named("other"));
    CHECK_FALSE(btf.find_named("f"));
    CHECK_FALSE(btf.find_named(""));
    CHECK_FALSE(btf.find_named("struct "));
}

TEST_CASE("sizes go through typedefs, qualifiers and arrays", "[btf]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId qualified = b.add(Kind::const_, "", 0, false, b.type_def("number", number));
    const TypeId grid = b.array(b.array(qualified, 3), 5);
    const TypeId pointers = b.array(b.pointer(0), 2);
    const TypeId function = b.prototype(0, {});
    const TypeId incomplete = b.add(Kind::fwd, "later", 0, false, 0);
    const Btf btf = b.build();
    CHECK(btf.strip_modifiers(qualified) == number);
    CHECK(btf.size_of(qualified) == 4);
    CHECK(btf.size_of(grid) == 60);
    CHECK(btf.size_of(pointers) == 16);
    CHECK_FALSE(btf.size_of(function));
    CHECK_FALSE(btf.size_of(incomplete));
    CHECK_FALSE(btf.size_of(0));
}

TEST_CASE("types that loop or are larger than any memory have no size", "[btf]") {
    BtfBuilder b;
    const TypeId first = b.type_def("a", 2);
    b.type_def("b", 1);
    const TypeId array = b.array(3, 2);  // of itself
    const TypeId number = b.integer("int", 4);
    const TypeId huge = b.array(b.array(b.array(number, 0xffffffff), 0xffffffff), 0xffffffff);
    const Btf btf = b.build();
    CHECK(btf.strip_modifiers(first) == 0);
    CHECK_FALSE(btf.size_of(first));
    CHECK_FALSE(btf.size_of(array));
    CHECK_FALSE(btf.size_of(huge));
}

TEST_CASE("a DATASEC gets its size and its variables' offsets, sorted", "[btf]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId one = b.variable("one", number);
    const TypeId two = b.variable("two", number);
    const TypeId unknown = b.variable("unknown", number);
    const TypeId section = b.section(".bss", 0, {{one, 0, 4}, {two, 0, 4}, {unknown, 0, 4}});
    Btf btf = b.build();
    btf.fix_datasec(section, 16, [](std::string_view name) -> std::optional<std::uint32_t> {
        if (name == "one") return 8;
        if (name == "two") return 4;
        return std::nullopt;
    });

    const Btf reread = Btf::parse(Bytes(btf.raw().begin(), btf.raw().end()), "what the kernel gets");
    CHECK(reread.type(section).size() == 16);
    const std::vector<SectionVar> vars = reread.section_vars(reread.type(section));
    REQUIRE(vars.size() == 3);
    CHECK(vars[0].type == unknown);
    CHECK(vars[1].type == two);
    CHECK(vars[1].offset == 4);
    CHECK(vars[2].type == one);
    CHECK(vars[2].offset == 8);
}
