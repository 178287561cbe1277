// What a hook's settings say about order and flags, in the calls that are made of them.
#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/object/uapi.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;
using uapi::BPF_F_AFTER;
using uapi::BPF_F_BEFORE;
using uapi::BPF_F_ID;

namespace {

Program program_for(KernelGate& gate, bpf_prog_type type) {
    static ProgramSpec specs[2];
    ProgramSpec& spec = specs[type == BPF_PROG_TYPE_SCHED_CLS];
    spec.name = "hello";
    spec.kind.type = type;
    return Program(spec, Fd(gate, gate.enter(ProgLoad{}).fd()));
}

// The last call of its kind, which has to have been made.
template <class Call>
const Call& last(const FakeGate& gate) {
    REQUIRE(gate.count<Call>() > 0);
    return *gate.calls<Call>().back();
}

Hook cgroup(const std::string& settings) {
    return parse_hook("cgroup_skb/egress:/sys/fs/cgroup/demo" + settings);
}

}  // namespace

TEST_CASE("a tcx hook says where among the others its program comes", "[attach][order]") {
    struct {
        const char* settings;
        std::uint32_t flags, relative;
        std::uint64_t revision;
    } const cases[] = {{"", 0, 0, 0},
                       {",first", BPF_F_BEFORE, 0, 0},
                       {",last", BPF_F_AFTER, 0, 0},
                       {",before=17", BPF_F_BEFORE | BPF_F_ID, 17, 0},
                       {",after=0x11", BPF_F_AFTER | BPF_F_ID, 17, 0},
                       {",after=link:5", BPF_F_AFTER | BPF_F_ID | uapi::BPF_F_LINK, 5, 0},
                       {",first,revision=3", BPF_F_BEFORE, 0, 3},
                       {",revision=3", 0, 0, 3}};
    for (const auto& [settings, flags, relative, revision] : cases) {
        INFO(settings);
        FakeGate gate;
        const Program program = program_for(gate, BPF_PROG_TYPE_SCHED_CLS);
        const Hook hook = parse_hook(std::string("tcx/ingress:eth0") + settings);
        attach(gate, program, hook);
        const auto& link = last<LinkCreate>(gate);
        CHECK(link.flags == flags);
        CHECK(std::get<OrderedLink>(link.details).relative_fd == relative);
        CHECK(std::get<OrderedLink>(link.details).expected_revision == revision);
        attach(gate, program, hook, {.by = AttachBy::older});
        const auto& older = last<ProgAttach>(gate);
        CHECK(older.attach_flags == flags);
        CHECK(older.order.relative_fd == relative);
        CHECK(older.order.expected_revision == revision);
        CHECK(gate.count<ProgDetach>() == 1);
    }
}

TEST_CASE("what a hook's settings leave open is as the caller's options have it", "[attach][order]") {
    FakeGate gate;
    const Program program = program_for(gate, BPF_PROG_TYPE_SCHED_CLS);
    const AttachOptions options{.order = {.flags = BPF_F_BEFORE, .relative_fd = 9}};
    attach(gate, program, parse_hook("tcx/ingress:eth0"), options);
    CHECK(last<LinkCreate>(gate).flags == BPF_F_BEFORE);
    CHECK(std::get<OrderedLink>(last<LinkCreate>(gate).details).relative_fd == 9);
    attach(gate, program, parse_hook("tcx/ingress:eth0,last"), options);
    CHECK(last<LinkCreate>(gate).flags == BPF_F_AFTER);
    CHECK(std::get<OrderedLink>(last<LinkCreate>(gate).details).relative_fd == 0);
}

TEST_CASE("a hook with two places, or with settings that say nothing, is refused", "[attach][order]") {
    FakeGate gate;
    const Program tc = program_for(gate, BPF_PROG_TYPE_SCHED_CLS);
    const Program skb = program_for(gate, BPF_PROG_TYPE_CGROUP_SKB);
    for (const char* settings :
         {",first,last", ",first,revision=1,before=3", ",first,first", ",nonsense", ",before=x"}) {
        INFO(settings);
        CHECK(error_of([&] { attach(gate, tc, parse_hook(std::string("tcx/ingress:eth0") + settings)); })
                  .detail()
                  .blame == Blame::usage);
        CHECK(error_of([&] { attach(gate, skb, cgroup(settings)); }).detail().blame == Blame::usage);
    }
    CHECK(gate.count<LinkCreate>() == 0);
}

TEST_CASE("a cgroup hook says what others may do, for which BPF_PROG_ATTACH is needed", "[attach][order]") {
    FakeGate gate;
    gate.files["/sys/fs/cgroup/demo"] = "";
    const Program program = program_for(gate, BPF_PROG_TYPE_CGROUP_SKB);
    attach(gate, program, cgroup(""), {.by = AttachBy::older});
    CHECK(last<ProgAttach>(gate).attach_flags == BPF_F_ALLOW_MULTI);
    attach(gate, program, cgroup(",override"));
    CHECK(last<ProgAttach>(gate).attach_flags == BPF_F_ALLOW_OVERRIDE);
    attach(gate, program, cgroup(",exclusive"));
    CHECK(last<ProgAttach>(gate).attach_flags == 0);
    CHECK(gate.count<ProgDetach>() == 3);
    CHECK(gate.count<LinkCreate>() == 0);
    attach(gate, program, cgroup(",preorder,before=4"));
    CHECK(last<LinkCreate>(gate).flags == (uapi::BPF_F_PREORDER | BPF_F_BEFORE | BPF_F_ID));
    CHECK(std::get<OrderedLink>(last<LinkCreate>(gate).details).relative_fd == 4);
    CHECK(error_of([&] { attach(gate, program, cgroup(",override"), {.by = AttachBy::link}); }).detail().blame ==
          Blame::usage);
    CHECK(gate.errors().empty());
}
