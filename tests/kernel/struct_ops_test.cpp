// A TCP congestion control made of programs: sockets can take it while it is registered, and not afterwards.
#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/congestion.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// With one of the two tables, and all of its functions.
ObjectSpec congestion(const std::string& table) {
    require_kernel_btf();
    ObjectSpec spec = data("congestion");
    for (MapSpec& map : spec.maps) {
        if (map.name == "by_update" || map.name == "by_link") map.optional = map.name != table;
    }
    return spec;
}

void check_control(const std::string& table, const std::string& name) {
    LiveGate gate;
    Object object = load(gate, congestion(table));
    CHECK_FALSE(is_available(name));
    const Holdings before = holdings();
    {
        const Link link = attach_struct_ops(gate, object.require_map(table));
        if (link.link_fd() >= 0)
            CHECK(target_of(gate, link) == "map " + std::to_string(map_facts(gate, object.require_map(table).fd()).id));
        CHECK(is_available(name));
        CHECK(connect_with(name));
        CHECK(hits(object) == 1);
    }
    CHECK(holdings() == before);
    CHECK_FALSE(is_available(name));
    CHECK_FALSE(connect_with(name));
    CHECK(hits(object) == 1);
}

void check_control_when_calls_fail(const std::string& table, const std::string& name) {
    LiveGate live;
    bool done = false;
    for (int nth = 0; !done; ++nth) {
        INFO("call " << nth << " fails");
        REQUIRE(nth < 10);
        Object object = load(live, congestion(table));  // a table is filled once
        const Holdings before = holdings();
        FailingGate gate(live, nth, ENOMEM);
        try {
            attach_struct_ops(gate, object.require_map(table));
        } catch (const Error& error) {
            CHECK(gate.has_failed());
            CHECK_FALSE(error.detail().doing.empty());
        }
        CHECK(holdings() == before);
        CHECK_FALSE(is_available(name));
        done = !gate.has_failed();
    }
}

void require_struct_ops(const std::string& table) {
    require_bpf();
    skip_unless_kernel_has("struct_ops links", table != "by_link" || running_version() >= 0x0604);
}

}  // namespace

TEST_CASE("a congestion control is registered by an update of its table, and forgotten with the link",
          "[attach][struct_ops]") {
    require_struct_ops("by_update");
    check_control("by_update", "minibpf_update");
    check_control_when_calls_fail("by_update", "minibpf_update");
}

TEST_CASE("a congestion control is registered by a link, and forgotten with it", "[attach][struct_ops]") {
    require_struct_ops("by_link");
    check_control("by_link", "minibpf_link");
    check_control_when_calls_fail("by_link", "minibpf_link");
}

TEST_CASE("two congestion controls of one name are a conflict that is told", "[attach][struct_ops]") {
    require_struct_ops("by_update");
    LiveGate gate;
    Object first = load(gate, congestion("by_update"));
    Object second = load(gate, congestion("by_update"));
    const Link link = attach_struct_ops(gate, first.require_map("by_update"));
    const Error error = error_of([&] { attach_struct_ops(gate, second.require_map("by_update")); });
    CHECK(error.detail().code == EEXIST);
    CHECK_THAT(error.detail().hint, contains("name"));
    CHECK(is_available("minibpf_update"));
}
