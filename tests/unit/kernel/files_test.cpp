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
