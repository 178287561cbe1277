// BTF made fit for older kernels: what was there is gone, and what is there now is BTF with the same numbers and sizes.
#include <libminibpf/btf/simplify.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/catch.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/btf/clang_btf.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using namespace minibpf::test;

namespace {

const Simplification& simplification(std::string_view word) {
    for (const Simplification& candidate : simplifications()) {
        if (candidate.what.find(word) != std::string_view::npos) return candidate;
    }
    throw std::runtime_error("no simplification speaks of " + std::string(word));
}

Btf reread(const Btf& btf) {
    return Btf::parse(Bytes(btf.raw().begin(), btf.raw().end()), "what the kernel gets");
}

/// The BTF without what `word` names, which it must have had; there is nothing left to do a second time.
Btf without(std::string_view word, Btf btf) {
    const Simplification& step = simplification(word);
    REQUIRE(step.apply(btf));
    CHECK_FALSE(step.apply(btf));
    return reread(btf);
}

std::string name_of(const Btf& btf, TypeId id) {
    return std::string(btf.type(id).name);
}

}  // namespace

TEST_CASE("BTF of nothing but old kinds is left as it is", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    b.structure("point", 8, {{"x", number, 0}, {"y", number, 32}});
    b.enumeration("color", 4, false, {{"RED", 0}, {"GREEN", 5}});
    Btf btf = b.build();
    for (const Simplification& step : simplifications()) {
        INFO(step.what);
        CHECK_FALSE(step.apply(btf));
    }
    CHECK(btf.raw().size() == b.bytes().size());
}

TEST_CASE("each simplification says what it takes out and since when kernels know it, newest first",
          "[btf][simplify]") {
    int last = 100'00;
    for (const Simplification& step : simplifications()) {
        INFO(step.what);
        const std::size_t at = step.what.find(", known since Linux ");
        REQUIRE(at != std::string_view::npos);
        const std::string version(step.what.substr(at + 20));
        const int number = std::stoi(version) * 100 + std::stoi(version.substr(version.find('.') + 1));
        CHECK(number < last);
        last = number;
    }
}

TEST_CASE("a layout section goes, and the header is short again", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const Bytes plain = b.bytes();
    Bytes raw = plain;
    raw.insert(raw.begin() + sizeof(btf_header), 8, std::byte{});  // layout_off, layout_len
    auto header = *read_at<btf_header>(raw, 0);
    header.hdr_len += 8;
    const std::uint32_t layout[] = {header.str_off + header.str_len, 4};
    std::memcpy(raw.data(), &header, sizeof header);
    std::memcpy(raw.data() + sizeof header, layout, sizeof layout);
    raw.resize(raw.size() + 4, std::byte{1});

    const Btf btf = without("layout", Btf::parse(raw, "test"));
    CHECK(std::ranges::equal(btf.raw(), plain));
    CHECK(name_of(btf, number) == "int");
}

TEST_CASE("tags lose their kind_flag and stay tags", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId attribute = b.add(Kind::type_tag, "address_space(1)", 0, true, number);
    const TypeId tag = b.add(Kind::type_tag, "user", 0, false, number);
    const TypeId on_a_struct = b.add(Kind::decl_tag, "preserve_access_index", 0, true, 5, {0xffffffff});
    b.structure("s", 4, {{"x", number, 0}});
    const Btf btf = without("kind_flag", b.build());
    CHECK(btf.type(attribute).kind == Kind::type_tag);
    CHECK_FALSE(btf.type(attribute).kind_flag);
    CHECK(name_of(btf, attribute) == "address_space(1)");
    CHECK(name_of(btf, tag) == "user");
    CHECK(btf.type(on_a_struct).kind == Kind::decl_tag);
    CHECK_FALSE(btf.type(on_a_struct).kind_flag);
}

TEST_CASE("sections get names of letters, digits, '_' and '.'", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId var = b.variable("x", number);
    const TypeId optional = b.section("?.struct_ops", 4, {{var, 0, 4}});
    const TypeId slash = b.section("maps/old", 4, {{var, 0, 4}});
    const TypeId digit = b.section("2/1", 4, {{var, 0, 4}});
    const TypeId good = b.section(".rodata.str1.1", 4, {{var, 0, 4}});
    const Btf btf = without("DATASEC names", b.build());
    CHECK(name_of(btf, optional) == "_.struct_ops");
    CHECK(name_of(btf, slash) == "maps_old");
    CHECK(name_of(btf, digit) == "_2_1");
    CHECK(name_of(btf, good) == ".rodata.str1.1");
    CHECK(btf.type(optional).size() == 4);
}

TEST_CASE("ENUM64 becomes a UNION as large, with a member for each enumerator", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId large = b.enumeration64("large", false, {{"FIRST", 1}, {"LAST", 0x1'0000'0000}});
    const TypeId signed_enum = b.enumeration("below", 4, true, {{"MINUS", -1}});
    const Btf btf = without("ENUM64", b.build());
    CHECK(btf.type(large).kind == Kind::union_);
    CHECK(name_of(btf, large) == "large");
    CHECK(btf.size_of(large) == 8);
    const std::vector<Member> members = btf.members(btf.type(large));
    REQUIRE(members.size() == 2);
    CHECK(members[1].name == "LAST");
    CHECK(members[1].bit_offset == 0);
    CHECK(btf.size_of(members[1].type) == 1);
    CHECK(btf.type(signed_enum).kind == Kind::enum_);
    CHECK_FALSE(btf.type(signed_enum).kind_flag);
}

TEST_CASE("a bit-field of an ENUM64 becomes one of an integer, for a UNION cannot be one", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId large = b.enumeration64("large", false, {{"LAST", 0x1'0000'0000}});
    const TypeId named = b.type_def("large_t", large);
    const TypeId record = b.structure("s", 16, {{"narrow", named, 3, 40}, {"wide", large, 64}});
    const Btf btf = without("ENUM64", b.build());
    const std::vector<Member> members = btf.members(btf.type(record));
    CHECK(btf.type(members[0].type).kind == Kind::int_);
    CHECK(btf.size_of(members[0].type) == 8);
    CHECK(members[0].bit_offset == 3);
    CHECK(members[0].bit_size == 40);
    CHECK(members[1].type == large);
    CHECK(btf.size_of(record) == 16);
}

TEST_CASE("a TYPE_TAG becomes const, which has no name", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId tag = b.add(Kind::type_tag, "user", 0, false, number);
    const TypeId pointer = b.pointer(tag);
    const Btf btf = without("TYPE_TAG, ", b.build());
    CHECK(btf.type(tag).kind == Kind::const_);
    CHECK(btf.type(tag).name.empty());
    CHECK(btf.type(tag).target() == number);
    CHECK(type_text(btf, pointer) == "const int *");
}

TEST_CASE("a DECL_TAG becomes an integer that nothing refers to", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId tag = b.add(Kind::decl_tag, "arg:ctx", 0, false, number, {0xffffffff});
    const Btf btf = without("DECL_TAG, ", b.build());
    CHECK(btf.type(tag).kind == Kind::int_);
    CHECK(btf.type(tag).size() == 1);
    CHECK(btf.int_encoding(btf.type(tag)).bits == 8);
}

TEST_CASE("a FLOAT becomes a struct as large, without name and members", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId single = b.floating("float", 4);
    const TypeId quad = b.floating("long double", 16);
    const Btf btf = without("FLOAT", b.build());
    for (const TypeId id : {single, quad}) {
        CHECK(btf.type(id).kind == Kind::struct_);
        CHECK(btf.type(id).name.empty());
        CHECK(btf.type(id).vlen == 0);
    }
    CHECK(btf.size_of(single) == 4);
    CHECK(btf.size_of(quad) == 16);
}

TEST_CASE("global functions become static ones", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId proto = b.prototype(0, {});
    const TypeId entry = b.function("entry", proto, BTF_FUNC_GLOBAL);
    const TypeId outside = b.function("outside", proto, BTF_FUNC_EXTERN);
    const Btf btf = without("linkage", b.build());
    CHECK(btf.type(entry).vlen == BTF_FUNC_STATIC);
    CHECK(btf.type(outside).vlen == BTF_FUNC_STATIC);
    CHECK(btf.type(entry).kind == Kind::func);
    CHECK(name_of(btf, entry) == "entry");
}

TEST_CASE("a DATASEC becomes a struct whose members are its variables, which become integers", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId plain = b.variable("limit", number);
    const TypeId in_function = b.variable("hello.counter", number, BTF_VAR_STATIC);
    const TypeId section = b.section(".rodata.str1.1", 8, {{plain, 0, 4}, {in_function, 4, 4}});
    const Btf btf = without("DATASEC, ", b.build());
    CHECK(btf.type(section).kind == Kind::struct_);
    CHECK(name_of(btf, section) == "_rodata_str1_1");
    CHECK(btf.size_of(section) == 8);
    const std::vector<Member> members = btf.members(btf.type(section));
    REQUIRE(members.size() == 2);
    CHECK(members[0].name == "limit");
    CHECK(members[0].type == plain);
    CHECK(members[1].name == "hello_counter");
    CHECK(members[1].bit_offset == 32);
    CHECK(btf.type(plain).kind == Kind::int_);
    CHECK(btf.size_of(plain) == 1);
}

TEST_CASE("a DATASEC of nothing known is simplified too", "[btf][simplify]") {
    BtfBuilder b;
    b.section("x", 4, {{0, 0, 4}, {1, 0xffffffff, 4}});  // void, and itself
    const Btf btf = without("DATASEC, ", b.build());
    CHECK(btf.members(btf.type(1)).size() == 2);
}

TEST_CASE("functions become typedefs of enums, whose enumerators are the parameters", "[btf][simplify]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId proto = b.prototype(number, {{"ctx", number}, {"", number}});
    const TypeId entry = b.function("entry", proto);
    CHECK_FALSE(simplification("FUNC_PROTO").keeps_functions);
    const Btf btf = without("FUNC_PROTO", b.build());
    CHECK(btf.type(entry).kind == Kind::typedef_);
    CHECK(btf.type(entry).target() == proto);
    CHECK(btf.type(proto).kind == Kind::enum_);
    CHECK(btf.size_of(proto) == 4);
    const std::vector<Enumerator> names = btf.enumerators(btf.type(proto));
    REQUIRE(names.size() == 2);
    CHECK(names[0].name == "ctx");
    CHECK_FALSE(names[1].name.empty());
}

TEST_CASE("what clang writes keeps its types' numbers and sizes through all simplifications", "[btf][simplify]") {
    const Btf before = Btf::parse(Bytes(reinterpret_cast<const std::byte*>(std::begin(clang_btf)),
                                        reinterpret_cast<const std::byte*>(std::end(clang_btf))),
                                  "test");
    Btf after = before;
    for (const Simplification& step : simplifications()) {
        step.apply(after);
        after = reread(after);
    }
    REQUIRE(after.last_id() == before.last_id());
    for (TypeId id = 1; id <= before.last_id(); ++id) {
        INFO(id << " " << kind_name(before.type(id).kind));
        const Kind kind = before.type(id).kind;
        CHECK(static_cast<int>(after.type(id).kind) < static_cast<int>(Kind::func));
        if (kind != Kind::var && before.size_of(id)) CHECK(after.size_of(id) == before.size_of(id));
    }
}
