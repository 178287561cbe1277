// BPF C through clang, from a file and from memory.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/load/compile.hpp>
#include <libminibpf/object/object_spec.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;

namespace {

constexpr const char* source = R"(
#include "minibpf_helpers.h"
#ifndef LIMIT
#define LIMIT 1
#endif
const int limit = LIMIT;
SEC("xdp") int pass(struct xdp_md *ctx) { return limit; }
char LICENSE[] SEC("license") = "Dual MIT/GPL";
)";

}  // namespace

TEST_CASE("source in memory becomes an object, with the headers for BPF programs at hand", "[load][compile]") {
    const ObjectSpec spec = parse_object(compile_source(source), "memory.bpf.o");
    CHECK(spec.require_program("pass").kind.type == BPF_PROG_TYPE_XDP);
    CHECK(spec.license == "Dual MIT/GPL");
    CHECK(spec.btf.has_value());
}

TEST_CASE("a file is compiled with the options that one gives", "[load][compile]") {
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "minibpf it's a test.bpf.c";
    std::ofstream(file) << source;
    ObjectSpec spec = parse_object(compile_file(file, {.cflags = {"-DLIMIT=42"}}), file.string());
    std::filesystem::remove(file);
    CHECK(spec.variable<int>("limit") == 42);
}

TEST_CASE("what clang refuses is an error that names the source and the command", "[load][compile]") {
    const Error mistake = error_of([] { compile_source("int f( { return 0; }"); });
    CHECK(mistake.detail().blame == Blame::object);
    CHECK_THAT(mistake.detail().hint, contains("clang -g -O2"));
    const Error missing = error_of([] { compile_file("/no/such/file.bpf.c"); });
    CHECK_THAT(missing.detail().doing, contains("/no/such/file.bpf.c"));
}

TEST_CASE("without a clang it is the newest clang-NN", "[load][compile]") {
    const std::filesystem::path directory = std::filesystem::temp_directory_path() / "minibpf clang test";
    std::filesystem::create_directory(directory);
    for (const char* version : {"9", "14", "22"}) {
        const std::filesystem::path file = directory / (std::string("clang-") + version);
        std::ofstream(file) << "#!/bin/sh\necho this is clang " << version << "\n";
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    }
    const std::string path = std::getenv("PATH");
    setenv("PATH", directory.c_str(), 1);
    const Bytes said = compile_source(source);
    setenv("PATH", path.c_str(), 1);
    std::filesystem::remove_all(directory);
    CHECK(std::string(reinterpret_cast<const char*>(said.data()), said.size()) == "this is clang 22\n");
}

TEST_CASE("without clang the error says what to install", "[load][compile]") {
    const std::string path = std::getenv("PATH");
    setenv("PATH", "/nowhere", 1);
    const Error error = error_of([] { compile_source(source); });
    setenv("PATH", path.c_str(), 1);
    CHECK(error.detail().blame == Blame::facility);
    CHECK(error.detail().hint == "apt-get install clang");
}
