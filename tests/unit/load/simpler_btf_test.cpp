// BTF that a kernel does not take as it is: what it is offered, in which order, and what becomes of the object's types.
#include <algorithm>
#include <cerrno>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/load/loader.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;
using minibpf::test::FakeGate;
using minibpf::test::object_spec;

namespace {

bool has_kind(ByteView raw, btf::Kind kind) {
    const btf::Btf btf = btf::Btf::parse(Bytes(raw.begin(), raw.end()), "offered");
    for (btf::TypeId id = 1; id <= btf.last_id(); ++id) {
        if (btf.type(id).kind == kind) return true;
    }
    return false;
}

/// Every kind that clang 14 writes, and an ENUM64.
ObjectSpec object_of_many_kinds() {
    ObjectSpec spec = object_spec("tests/data/kernel_btf_kinds.bpf.o");
    btf::Btf& btf = *spec.btf;
    const btf_enum64 enumerator{.name_off = btf.add_string("MOST"), .val_lo32 = 0, .val_hi32 = 1};
    btf.add_type(btf.add_string("large"), btf::Kind::enum64, 1, sizeof(std::uint64_t), bytes_of(enumerator));
    return spec;
}

/// A kernel that does not know a kind of types.
void refuse(FakeGate& gate, btf::Kind kind) {
    gate.on<BtfLoad>([kind](const BtfLoad& call) -> std::optional<Answer> {
        if (has_kind(call.btf, kind)) return FakeGate::failure(EINVAL);
        return std::nullopt;
    });
}

/// "DATASEC", "ENUM64": the first words of what was left out, attempt by attempt.
std::vector<std::string> left_out(const FakeGate& gate) {
    const std::string before = "tried without ";
    std::vector<std::string> all;
    for (const auto& recorded : gate.log()) {
        if (!std::holds_alternative<BtfLoad>(recorded.call)) continue;
        const std::size_t at = recorded.reason.find(before);
        if (at == std::string::npos) continue;
        const std::string what = recorded.reason.substr(at + before.size());
        all.push_back(what.substr(0, what.find(", known")));
    }
    return all;
}

int fd_of_last_btf(const FakeGate& gate) {
    int fd = -1;
    for (const auto& recorded : gate.log()) {
        if (std::holds_alternative<BtfLoad>(recorded.call) && recorded.answer.ok()) fd = recorded.answer.fd();
    }
    return fd;
}

struct Notices {
    std::vector<std::string> texts;
    LoadOptions options;
    Notices() {
        options.notice = [this](const std::string& text) { texts.push_back(text); };
    }
    Notices(const Notices&) = delete;
};

}  // namespace

TEST_CASE("a kernel that refuses a kind of types is given them without it, the newest first, and keeps the rest",
          "[load]") {
    FakeGate gate;
    refuse(gate, btf::Kind::enum64);
    Notices notices;
    const Object object = load(gate, object_of_many_kinds(), notices.options);

    CHECK(left_out(gate) ==
          std::vector<std::string>{"DATASEC names with other characters than letters, digits, '_' and '.'",
                                   "ENUM64 and signed ENUM"});
    const auto offered = gate.calls<BtfLoad>();
    REQUIRE(offered.size() == 3);
    CHECK(has_kind(offered[0]->btf, btf::Kind::enum64));
    CHECK(has_kind(offered[1]->btf, btf::Kind::enum64));
    CHECK_FALSE(has_kind(offered[2]->btf, btf::Kind::enum64));
    CHECK(has_kind(offered[2]->btf, btf::Kind::type_tag));  // what comes after it stays
    CHECK(has_kind(offered[2]->btf, btf::Kind::func));

    REQUIRE(notices.texts.size() == 1);
    CHECK_THAT(notices.texts[0], contains("the kernel took the BTF of") && contains("only without ENUM64"));

    const int fd = fd_of_last_btf(gate);
    const std::vector<int> open = gate.open_fds();
    CHECK(std::ranges::count(open, fd) == 1);
    const auto programs = gate.calls<ProgLoad>();
    REQUIRE(programs.size() == 1);
    CHECK(programs[0]->prog_btf_fd == static_cast<std::uint32_t>(fd));
    CHECK_FALSE(programs[0]->func_info.empty());
    CHECK_FALSE(programs[0]->line_info.empty());
    CHECK(std::ranges::any_of(gate.calls<MapCreate>(),
                              [&](const MapCreate* map) { return map->btf_fd == static_cast<std::uint32_t>(fd); }));
}

TEST_CASE("a kernel that does not know functions has the maps' types, and the programs without function records",
          "[load]") {
    FakeGate gate;
    refuse(gate, btf::Kind::func);
    Notices notices;
    const Object object = load(gate, object_of_many_kinds(), notices.options);
    CHECK(left_out(gate) ==
          std::vector<std::string>{"DATASEC names with other characters than letters, digits, '_' and '.'",
                                   "ENUM64 and signed ENUM", "TYPE_TAG", "DECL_TAG", "FLOAT", "the linkage of FUNC",
                                   "VAR and DATASEC", "FUNC and FUNC_PROTO"});
    REQUIRE(notices.texts.size() == 1);
    CHECK_THAT(notices.texts[0], contains("only without FUNC and FUNC_PROTO"));
    const auto programs = gate.calls<ProgLoad>();
    REQUIRE(programs.size() == 1);
    CHECK(programs[0]->prog_btf_fd == 0);
    CHECK(programs[0]->func_info.empty());
    CHECK(programs[0]->line_info.empty());
    const int fd = fd_of_last_btf(gate);
    CHECK(std::ranges::any_of(gate.calls<MapCreate>(),
                              [&](const MapCreate* map) { return map->btf_fd == static_cast<std::uint32_t>(fd); }));
}

TEST_CASE("a refusal that simpler types would not change ends the load at once", "[load]") {
    FakeGate gate;
    int attempts = 0;
    gate.on<BtfLoad>(
        [&](const BtfLoad&) -> std::optional<Answer> { return FakeGate::failure(attempts++ == 0 ? EINVAL : EPERM); });
    Notices notices;
    const Error error = error_of([&] { load(gate, object_of_many_kinds(), notices.options); });
    CHECK(error.detail().code == EPERM);
    CHECK_THAT(error.detail().doing, contains("loading the BTF of"));
    CHECK(gate.count<BtfLoad>() == 2);
    CHECK(gate.count<MapCreate>() == 0);
    CHECK(notices.texts.empty());
    CHECK(gate.open_fds().empty());
}
