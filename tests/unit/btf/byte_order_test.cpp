// From one byte order to the other: tables and back, values by their types, and what hostile input makes of it.
#include <libminibpf/btf/byte_order.hpp>

#include <bit>

#include <libminibpf/btf/btf_ext.hpp>
#include <libminibpf/btf/value.hpp>
#include <tests/catch.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/btf/clang_btf.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using namespace minibpf::test;

namespace {

template <std::size_t size>
Bytes as_bytes(const std::uint8_t (&array)[size]) {
    const auto* begin = reinterpret_cast<const std::byte*>(array);
    return {begin, begin + size};
}

std::string complaint(ByteView raw) {
    return error_of([&] { Btf::parse(Bytes(raw.begin(), raw.end()), "test"); }).doing;
}

// What a big-endian machine has in memory, as this little-endian one prints it.
std::string text_of(const Btf& btf, TypeId type, std::initializer_list<int> foreign) {
    return format_value(btf, type, native_value(btf, type, bytes(foreign)));
}

constexpr bool is_little = std::endian::native == std::endian::little;

}  // namespace

TEST_CASE("BTF of the other byte order is refused as it is, and the same as ever when it is swapped", "[btf]") {
    if (!is_little) return;
    const Bytes native = as_bytes(clang_btf);
    const Bytes foreign = swap_btf(native);
    CHECK_THAT(complaint(foreign), contains("other byte order"));
    CHECK(swap_btf(foreign) == native);

    const Bytes ext = as_bytes(clang_btf_ext);
    const Btf btf = Btf::parse(native, "test");
    CHECK_THAT(error_of([&] { BtfExt::parse(swap_btf_ext(ext), btf, "test"); }).doing, contains("other byte order"));
    CHECK(swap_btf_ext(swap_btf_ext(ext)) == ext);
}

TEST_CASE("a header that is longer than ours is swapped too", "[btf]") {
    BtfBuilder b;
    b.integer("int", 4);
    Bytes raw = b.bytes();
    raw.insert(raw.begin() + sizeof(btf_header), 8, std::byte{});
    auto header = *read_at<btf_header>(raw, 0);
    header.hdr_len += 8;
    std::memcpy(raw.data(), &header, sizeof header);
    CHECK(Btf::parse(swap_btf(swap_btf(raw)), "test").type(1).name == "int");
}

TEST_CASE("BTF cut off anywhere, or with a byte changed, is swapped without reading past its end", "[btf]") {
    const Bytes good = as_bytes(clang_btf);
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK(swap_btf(ByteView(good).first(size)).size() == size);
    }
    for (std::size_t at = 0; at < sizeof(btf_header); ++at) {
        for (int flip : {0x01, 0x80, 0xff}) {
            Bytes bad = good;
            bad[at] ^= static_cast<std::byte>(flip);
            CHECK(swap_btf(bad).size() == bad.size());
            CHECK(swap_btf(swap_btf(bad)).size() == bad.size());
        }
    }
    for (std::size_t size : {0, 1, 3, 4, 5, 7}) CHECK(swap_btf_ext(Bytes(size)).size() == size);
}

TEST_CASE("numbers are turned round, text is not", "[btf][value]") {
    if (!is_little) return;
    BtfBuilder b;
    const TypeId number = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId letter = b.integer("char", 1, BTF_INT_SIGNED);
    const TypeId text = b.array(letter, 4);
    const TypeId grid = b.array(b.array(b.integer("short", 2), 2), 2);
    const TypeId record = b.structure("s", 12, {{"n", number, 0}, {"t", text, 32}, {"p", b.pointer(0), 64}});
    const TypeId fraction = b.floating("double", 8);
    const Btf btf = b.build();
    CHECK(text_of(btf, number, {0xff, 0xff, 0xff, 0xfe}) == "-2");
    CHECK(text_of(btf, text, {'a', 'b', 'c', 0}) == "\"abc\"");
    CHECK(text_of(btf, grid, {0, 1, 0, 2, 0, 3, 1, 0}) == "{{1, 2}, {3, 256}}");
    CHECK(text_of(btf, fraction, {0x3f, 0xf8, 0, 0, 0, 0, 0, 0}) == "1.5");
    CHECK(native_value(btf, record, bytes({0, 0, 0, 1, 'a', 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})) ==
          bytes({1, 0, 0, 0, 'a', 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1}));
}

TEST_CASE("bit-fields are read from the highest bit and written from the lowest", "[btf][value]") {
    if (!is_little) return;
    BtfBuilder b;
    const TypeId number = b.integer("unsigned int", 4);
    const TypeId record =
        b.structure("s", 4, {{"a", number, 0, 3}, {"b", number, 3, 5}, {"c", number, 8, 12}, {"d", number, 20, 1}});
    const Btf btf = b.build();
    // 101 01001 | 000100100011 1 000...
    const Bytes native = native_value(btf, record, bytes({0xa9, 0x12, 0x38, 0}));
    CHECK(format_value(btf, record, native) == "{.a = 5, .b = 9, .c = 291, .d = 1}");
    CHECK(native == bytes({0x4d, 0x23, 0x11, 0}));
}

TEST_CASE("of a union the first member counts, and the others for what it leaves", "[btf][value]") {
    if (!is_little) return;
    BtfBuilder b;
    const TypeId small = b.integer("short", 2);
    const TypeId words = b.array(b.integer("int", 4), 2);
    const TypeId either = b.record(BtfBuilder::Kind::union_, "u", 8, {{"first", small, 0}, {"words", words, 0}});
    const Btf btf = b.build();
    CHECK(native_value(btf, either, bytes({1, 2, 3, 4, 5, 6, 7, 8})) == bytes({2, 1, 2, 1, 8, 7, 6, 5}));
}

TEST_CASE("an array without a length has the elements that there are bytes for", "[btf][value]") {
    if (!is_little) return;
    BtfBuilder b;
    const TypeId number = b.integer("short", 2);
    const TypeId record = b.structure("s", 2, {{"count", number, 0}, {"items", b.array(number, 0), 16}});
    const Btf btf = b.build();
    CHECK(native_value(btf, record, bytes({0, 2, 0, 7, 0, 8, 9})) == bytes({2, 0, 7, 0, 8, 0, 9}));
    CHECK(native_value(btf, record, bytes({0})) == bytes({0}));  // too short: as it is
}

TEST_CASE("types that contain themselves, or more members than bytes, are an error", "[btf][value]") {
    BtfBuilder b;
    TypeId wide = b.integer("char", 1);
    for (int i = 0; i < 30; ++i) wide = b.structure("twice", 1, {{"a", wide, 0}, {"b", wide, 0}});
    const TypeId loop = wide + 1;
    b.structure("loop", 1, {{"self", loop, 0}});
    const Btf btf = b.build();
    CHECK_THAT(error_of([&] { native_value(btf, wide, bytes({1})); }).doing, contains("'twice'"));
    CHECK_THAT(error_of([&] { native_value(btf, loop, bytes({1})); }).doing, contains("'loop'"));
}
