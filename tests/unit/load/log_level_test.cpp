// Loading with a log level: how many calls are made, and who is told what.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/load/loader.hpp>
#include <libminibpf/object/object_spec.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

ObjectSpec two_instructions() {
    const bpf_insn insns[2] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}, {.code = 0x95}};
    return parse_raw_instructions(std::as_bytes(std::span(insns)), "two.text",
                                  program_kind_at(parse_hook("tracepoint:a/b")), "GPL");
}

// A verifier that wants `length` bytes for its log, and then answers `error`.
void write_logs_of(FakeGate& gate, std::size_t length, int error) {
    gate.on<ProgLoad>([=](const ProgLoad& call) -> std::optional<Answer> {
        if (call.log_level == 0) return error == 0 ? std::nullopt : std::optional(FakeGate::failure(error));
        if (call.log.size() <= length) return FakeGate::failure(ENOSPC);
        std::memset(call.log.data(), 'x', length);
        call.log[length] = '\0';
        return error == 0 ? std::nullopt : std::optional(FakeGate::failure(error));
    });
}

}  // namespace

TEST_CASE("with a log level each program is loaded with a log, which grows until it is large enough", "[load][log]") {
    FakeGate gate;
    write_logs_of(gate, 100'000, 0);
    std::size_t told = 0;
    LoadOptions options{.log_level = 6};
    options.verified = [&](const std::string& program, std::string_view log) {
        CHECK(program == "two");
        told += log.size();
    };
    const Object object = load(gate, two_instructions(), options);
    CHECK(told == 100'000);
    REQUIRE(gate.count<ProgLoad>() == 2);
    for (const ProgLoad* call : gate.calls<ProgLoad>()) CHECK(call->log_level == 6);
    CHECK(object.programs().size() == 1);
}

TEST_CASE("a program that is refused with a log level has the log in its error, and nobody is told of it",
          "[load][log]") {
    FakeGate gate;
    write_logs_of(gate, 10, EACCES);
    LoadOptions options{.log_level = 1};
    options.verified = [](const std::string&, std::string_view) { FAIL("it was refused"); };
    const Error error = error_of([&] { load(gate, two_instructions(), options); });
    CHECK(error.detail().code == EACCES);
    CHECK(error.detail().kernel_log == "xxxxxxxxxx");
    CHECK(gate.count<ProgLoad>() == 1);
    CHECK(gate.open_fds().empty());
}

TEST_CASE("the log of a program that was refused as too large is asked for once", "[load][log]") {
    FakeGate gate;
    write_logs_of(gate, 20'000'000, E2BIG);
    const Error error = error_of([&] { load(gate, two_instructions()); });
    CHECK(error.detail().code == E2BIG);
    CHECK(error.detail().kernel_log.size() == 20'000'000);
    CHECK(gate.count<ProgLoad>() == 2);
    CHECK(gate.open_fds().empty());
}
