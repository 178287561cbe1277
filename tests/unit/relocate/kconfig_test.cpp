// Reading a kernel's configuration, and writing its values into C variables.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>

#include <zlib.h>

#include <libminibpf/relocate/kconfig.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;

namespace {

const std::string config =
    "# Automatically generated file; DO NOT EDIT.\n"
    "CONFIG_HZ=250\n"
    "# CONFIG_KASAN is not set\n"
    "CONFIG_NF_TABLES=m\n"
    "CONFIG_BPF_SYSCALL=y\n"
    "CONFIG_DEFAULT_HOSTNAME=\"(none)\"\n"
    "CONFIG_PHYSICAL_START=0x1000000\n"
    "CONFIG_LAST=-3";  // without a line feed

Bytes gzipped(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Bytes packed(text.size() + 1024);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

template <class T>
T written(KconfigType type, bool is_signed, std::string_view value) {
    T variable{};
    const ExternSpec external{.name = "CONFIG_X",
                              .kind = ExternKind::kconfig,
                              .value_type = type,
                              .is_signed = is_signed,
                              .size = sizeof(T)};
    write_kconfig_value(external, value, std::as_writable_bytes(std::span<T, 1>(&variable, 1)));
    return variable;
}

template <class T>
std::string complaint(KconfigType type, bool is_signed, std::string_view value) {
    return error_of([&] { written<T>(type, is_signed, value); }).detail().doing;
}

}  // namespace

TEST_CASE("options are found in text and in gzip", "[relocate]") {
    const std::vector<std::string> wanted = {"CONFIG_HZ", "CONFIG_KASAN", "CONFIG_NF_TABLES", "CONFIG_LAST"};
    const KconfigValues expected = {{"CONFIG_HZ", "250"}, {"CONFIG_NF_TABLES", "m"}, {"CONFIG_LAST", "-3"}};
    CHECK(read_kconfig(bytes_of(std::string_view(config)), "config", wanted) == expected);
    CHECK(read_kconfig(gzipped(config), "config.gz", wanted) == expected);
}

TEST_CASE("a configuration larger than one piece of the unpacker is read whole", "[relocate]") {
    std::string large;
    for (int i = 0; i < 20'000; ++i) large += "CONFIG_NUMBER_" + std::to_string(i) + "=" + std::to_string(i) + "\n";
    const KconfigValues values = read_kconfig(gzipped(large), "config.gz", {"CONFIG_NUMBER_0", "CONFIG_NUMBER_19999"});
    CHECK(values == KconfigValues{{"CONFIG_NUMBER_0", "0"}, {"CONFIG_NUMBER_19999", "19999"}});
}

TEST_CASE("a broken configuration is an error that says where", "[relocate]") {
    Bytes packed = gzipped(config);
    packed.resize(packed.size() / 2);
    CHECK_THAT(error_of([&] { read_kconfig(packed, "config.gz", {}); }).detail().doing,
               contains("config.gz") && contains("cut off"));
    const std::string_view no_value = "CONFIG_A=1\nCONFIG_B\n";
    CHECK_THAT(error_of([&] { read_kconfig(bytes_of(no_value), "config", {}); }).detail().doing,
               contains("line 2") && contains("CONFIG_B"));
    const std::string endless(100'000, 'x');
    CHECK_THAT(error_of([&] { read_kconfig(bytes_of(std::string_view(endless)), "config", {}); }).detail().doing,
               contains("line 1"));
    // 100 MB of zeros in 100 KB: refused after the first line's worth of them.
    const Bytes bomb = gzipped(std::string(100'000'000, '\0'));
    CHECK_THAT(error_of([&] { read_kconfig(bomb, "bomb.gz", {}); }).detail().doing, contains("line 1"));
}

TEST_CASE("an option is written as its variable's type wants it", "[relocate]") {
    CHECK(written<bool>(KconfigType::boolean, false, "y"));
    CHECK_FALSE(written<bool>(KconfigType::boolean, false, "n"));
    CHECK(written<char>(KconfigType::character, true, "m") == 'm');
    CHECK(written<std::uint32_t>(KconfigType::tristate, false, "m") == 2);
    CHECK(written<std::uint32_t>(KconfigType::tristate, false, "y") == 1);
    CHECK(written<std::int32_t>(KconfigType::integer, true, "250") == 250);
    CHECK(written<std::int16_t>(KconfigType::integer, true, "-3") == -3);
    CHECK(written<std::uint64_t>(KconfigType::integer, false, "0xffffffffffffffff") == UINT64_MAX);
    CHECK(written<std::int32_t>(KconfigType::integer, true, "0x1000000") == 0x1000000);
    CHECK(written<char>(KconfigType::character, true, "7") == 7);
    CHECK(written<bool>(KconfigType::boolean, false, "1"));
    CHECK_FALSE(written<bool>(KconfigType::boolean, false, "0"));
    CHECK(std::string_view(written<std::array<char, 8>>(KconfigType::string, true, "\"(none)\"").data()) == "(none)");
}

TEST_CASE("a string that is longer than its variable is cut", "[relocate]") {
    CHECK(std::string_view(written<std::array<char, 4>>(KconfigType::string, true, "\"(none)\"").data()) == "(no");
}

TEST_CASE("a value that does not fit its variable is an error that names the option", "[relocate]") {
    CHECK_THAT(complaint<bool>(KconfigType::boolean, false, "m"), contains("CONFIG_X") && contains("neither true"));
    CHECK_THAT(complaint<bool>(KconfigType::boolean, false, "2"), contains("neither true"));
    CHECK_THAT(complaint<std::int32_t>(KconfigType::integer, true, "y"), contains("no bool"));
    CHECK_THAT(complaint<std::int32_t>(KconfigType::integer, true, "\"text\""), contains("array of char"));
    CHECK_THAT(complaint<std::int16_t>(KconfigType::integer, true, "32768"), contains("does not fit 2 bytes"));
    CHECK(written<std::int16_t>(KconfigType::integer, true, "-32768") == -32768);
    CHECK_THAT(complaint<std::uint16_t>(KconfigType::integer, false, "-1"), contains("does not fit"));
    CHECK_THAT(complaint<std::uint16_t>(KconfigType::integer, false, "65536"), contains("does not fit"));
    CHECK_THAT(complaint<std::int32_t>(KconfigType::integer, true, "12abc"), contains("no number"));
    CHECK_THAT((complaint<std::array<char, 8>>(KconfigType::string, true, "12")), contains("no integer"));
    CHECK_THAT((complaint<std::array<char, 8>>(KconfigType::string, true, "\"open")), contains("does not end"));
}
