#include <bit>
#include <cstring>

#include <tests/catch.hpp>

#include <libminibpf/btf/btf_ext.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/btf/clang_btf.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::BtfBuilder;
using minibpf::test::error_of;

namespace {

// .BTF.ext word by word: a func_info table with one record, a line_info table with two, nothing of CO-RE.
struct ExtWords {
    std::vector<std::uint32_t> words;

    explicit ExtWords(std::uint32_t section_name, std::uint32_t header_size = 32) {
        words = {std::uint32_t{BTF_VERSION} << 16 | BTF_MAGIC, header_size, 0, 20, 20, 44};
        if (header_size == 32) words.insert(words.end(), {64, 0});
        words.insert(words.end(), {8, section_name, 1, /* record */ 0, 2});
        words.insert(words.end(), {16, section_name, 2, /* records */ 0, 1, 1, 1 << 10, 8, 1, 1, 2 << 10});
    }

    BtfExt parse(const Btf& btf) const { return BtfExt::parse(std::as_bytes(std::span(words)), btf, "test"); }
    std::string error(const Btf& btf) const {
        return error_of([&] { parse(btf); }).doing;
    }
};

struct Fixture {
    BtfBuilder builder;
    std::uint32_t name = builder.string("kprobe/x");
    Btf btf = builder.build();
    ExtWords good{name};

    std::string error_with(std::size_t word, std::uint32_t value) const {
        ExtWords bad = good;
        bad.words[word] = value;
        return bad.error(btf);
    }
};

bool mentions(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(".BTF.ext gives the records of each section, raw", "[btf]") {
    const Fixture f;
    const BtfExt ext = f.good.parse(f.btf);
    CHECK(ext.func_info.record_size == 8);
    REQUIRE(ext.func_info.sections.size() == 1);
    CHECK(ext.func_info.sections[0].section_name == "kprobe/x");
    CHECK(ext.func_info.sections[0].records.size() == 8);
    CHECK(ext.line_info.record_size == 16);
    CHECK(ext.line_info.sections[0].records.size() == 32);
    CHECK(ext.core_relo.record_size == 0);
    CHECK(ext.core_relo.sections.empty());
}

TEST_CASE("an old .BTF.ext header knows nothing of CO-RE", "[btf]") {
    const Fixture f;
    const BtfExt ext = ExtWords(f.name, 24).parse(f.btf);
    CHECK(ext.line_info.sections.size() == 1);
    CHECK(ext.core_relo.record_size == 0);
}

TEST_CASE("clang's .BTF.ext is read, and at every truncation refused", "[btf]") {
    if (std::endian::native != std::endian::little) return;
    const ByteView raw = std::as_bytes(std::span(test::clang_btf));
    const Btf btf = Btf::parse(Bytes(raw.begin(), raw.end()), "test");
    const ByteView ext_raw = std::as_bytes(std::span(test::clang_btf_ext));
    const BtfExt ext = BtfExt::parse(ext_raw, btf, "test");
    REQUIRE(ext.func_info.sections.size() == 1);
    CHECK(ext.func_info.sections[0].section_name == "kprobe/x");
    const auto type_id = read_at<std::uint32_t>(ext.func_info.sections[0].records, 4);
    CHECK(btf.type(type_id.value()).name == "prog");

    for (std::size_t size = 0; size < ext_raw.size(); ++size) {
        const Bytes part(ext_raw.begin(), ext_raw.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_THROWS_AS(BtfExt::parse(part, btf, "test"), Error);
    }
    for (std::size_t at = 0; at < ext_raw.size(); ++at) {
        Bytes bad(ext_raw.begin(), ext_raw.end());
        bad[at] ^= std::byte{0xff};
        try {
            BtfExt::parse(bad, btf, "test");
        } catch (const Error& error) {
            CHECK_FALSE(error.detail().doing.empty());
        }
    }
}

TEST_CASE("a .BTF.ext header that is wrong is refused with the reason", "[btf]") {
    const Fixture f;
    CHECK(mentions(f.error_with(0, 0x11234), "0x1234 instead of 0xeb9f"));
    CHECK(mentions(f.error_with(0, 0x19feb), "other byte order"));
    CHECK(mentions(f.error_with(0, 0x2eb9f), ".BTF.ext version 2"));
    CHECK(mentions(f.error_with(0, 0x101eb9f), "unknown .BTF.ext flags 0x1"));
    CHECK(mentions(f.error_with(1, 20), "claims 20 bytes"));
    CHECK(mentions(f.error_with(1, 4096), "claims 4096 bytes"));
    CHECK(mentions(f.error_with(1, 36), "a field at offset 32 that is newer"));
}

TEST_CASE("a .BTF.ext table that is wrong is named with the offset", "[btf]") {
    const Fixture f;
    constexpr std::size_t func_info = 8, line_info = 13;  // where the tables begin, in words
    CHECK(mentions(f.error_with(2, 1000), "the func_info table (20 bytes at 1032) is misplaced"));
    CHECK(mentions(f.error_with(4, 18), "line_info table (44 bytes at 50) is misplaced"));
    CHECK(mentions(f.error_with(3, 2), "func_info table, at offset 32: it ends within a record size"));
    CHECK(mentions(f.error_with(3, 8), "func_info table, at offset 36: it ends within a section header"));
    CHECK(mentions(f.error_with(func_info, 4),
                   "func_info table, at offset 36: records of 4 bytes, they have at least 8"));
    CHECK(mentions(f.error_with(func_info, 10), "records of 10 bytes"));
    CHECK(mentions(f.error_with(line_info, 8),
                   "line_info table, at offset 56: records of 8 bytes, they have at least 16"));
    CHECK(mentions(f.error_with(func_info + 1, 999), "the section's name at 999 lies outside"));
    CHECK(mentions(f.error_with(func_info + 2, 0), "section kprobe/x without records"));
    CHECK(mentions(f.error_with(func_info + 2, 0xffffffff), "4294967295 records of 8 bytes for section kprobe/x"));
    CHECK(
        mentions(f.error_with(line_info + 2, 1), "line_info table, at offset 88: 1 records of 16 bytes for section x"));
}
