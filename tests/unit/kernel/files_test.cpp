#include <algorithm>
#include <cstring>

#include <dirent.h>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/files.hpp>

using namespace minibpf;
using minibpf::test::FakeGate;

TEST_CASE("a CPU list is ranges and single numbers", "[kernel][cpus]") {
    CHECK(parse_cpu_list("0\n") == std::vector<int>{0});
    CHECK(parse_cpu_list("0-3,6\n") == std::vector<int>{0, 1, 2, 3, 6});
}

TEST_CASE("a CPU list that is none is an error", "[kernel][cpus]") {
    for (const char* text : {"", "\n", "x", "0-", "0,,1", "0-3 ", "-1", "99999999999", "0-65535,0-65535"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_cpu_list(text), Error);
    }
}

TEST_CASE("a file is read to its end, however it comes in pieces, and closed", "[kernel][files]") {
    FakeGate gate;
    const std::string content(200'000, 'x');
    gate.files["/file"] = content;
    CHECK(text_of(read_file(gate, "/file")) == content);
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a file that cannot be read is an error with its name, and is closed", "[kernel][files]") {
    FakeGate gate;
    gate.files["/file"] = "x";
    gate.fail<Read>(EIO);
    try {
        read_file(gate, "/file");
        FAIL("did not throw");
    } catch (const Error& error) {
        CHECK(error.detail().doing == "reading /file");
        CHECK(error.detail().code == EIO);
    }
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a missing file is the caller's mistake", "[kernel][files]") {
    FakeGate gate;
    gate.fail<OpenAt>(ENOENT);
    try {
        read_file(gate, "/nowhere");
        FAIL("did not throw");
    } catch (const Error& error) {
        CHECK(error.detail().blame == Blame::usage);
        CHECK(error.detail().doing == "opening /nowhere");
    }
}

TEST_CASE("a number file holds one decimal number and nothing else", "[kernel][files]") {
    FakeGate gate;
    gate.files["/id"] = "862\n";
    gate.files["/text"] = "862 apples\n";
    CHECK(read_number(gate, "/id") == 862u);
    CHECK_FALSE(read_number(gate, "/text").has_value());
    CHECK(gate.open_fds().empty());
}

namespace {

// struct dirent64 as the kernel lays it out: d_ino, d_off, d_reclen, d_type, d_name.
void append_entry(Bytes& bytes, std::string_view name, unsigned char type, std::uint16_t length) {
    const std::size_t begin = bytes.size();
    bytes.resize(begin + length);
    if (length < 19) return;
    std::memcpy(bytes.data() + begin + 16, &length, sizeof(length));
    bytes[begin + 18] = std::byte{type};
    std::memcpy(bytes.data() + begin + 19, name.data(), std::min<std::size_t>(name.size(), length - 19));
}

}  // namespace

TEST_CASE("a directory's entries are read one after another, each with its type", "[kernel][files]") {
    Bytes bytes;
    append_entry(bytes, ".", DT_DIR, 24);
    append_entry(bytes, "visits", DT_REG, 32);
    append_entry(bytes, "tc", DT_DIR, 24);
    const std::vector<DirectoryEntry> entries = directory_entries(bytes);
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].name == ".");
    CHECK(entries[1].name == "visits");
    CHECK(entries[1].type == DT_REG);
    CHECK(entries[2].name == "tc");
    CHECK(entries[2].type == DT_DIR);
}

TEST_CASE("directory entries that are cut off, or of no length, end the list", "[kernel][files]") {
    Bytes bytes;
    append_entry(bytes, "first", DT_REG, 32);
    append_entry(bytes, "second", DT_REG, 32);
    for (std::size_t size = 32; size < 64; ++size) {
        INFO(size);
        CHECK(directory_entries(ByteView(bytes).first(size)).size() == 1);
    }
    CHECK(directory_entries(ByteView(bytes)).size() == 2);
    CHECK(directory_entries({}).empty());
    CHECK(directory_entries(Bytes(64)).empty());
}

TEST_CASE("a directory is listed to its end and closed, and is empty when it cannot be read", "[kernel][files]") {
    FakeGate gate;
    gate.files["/proc"] = "";
    int reads = 0;
    gate.on<ReadDirectory>([&](const ReadDirectory& call) -> std::optional<Answer> {
        Bytes bytes;
        if (reads == 0) append_entry(bytes, "..", DT_DIR, 24);
        if (reads < 2) append_entry(bytes, reads == 0 ? "1" : "42", DT_DIR, 24);
        ++reads;
        std::copy(bytes.begin(), bytes.end(), call.buffer.begin());
        return Answer{.value = static_cast<long>(bytes.size())};
    });
    const std::vector<DirectoryEntry> entries = list_directory(gate, "/proc");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].name == "1");
    CHECK(entries[1].name == "42");
    CHECK(list_directory(gate, "/gone").empty());
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a text file that is absent, or cannot be read, is an answer", "[kernel][files]") {
    FakeGate gate;
    gate.files["/comm"] = "bash\n";
    CHECK(read_text(gate, "/comm") == "bash\n");
    CHECK_FALSE(read_text(gate, "/gone").has_value());
    gate.fail<Read>(ESRCH);
    CHECK_FALSE(read_text(gate, "/comm").has_value());
    CHECK(gate.open_fds().empty());
}
