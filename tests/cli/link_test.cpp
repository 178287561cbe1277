// `loader link` and `loader prog`: what they did is seen in what the kernel then runs.
#include <functional>

#include <libminibpf/attach/attach.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/network_hooks.hpp>
#include <tests/loopback.hpp>

#include "loaded.hpp"

using namespace minibpf::test;

namespace {

void enter_own_network() {
    require_prerequisite(geteuid() == 0, "root");
    enter_new_network();
}

/// mb_first or mb_second at the loopback interface.
struct AttachedXdp {
    LoadedObject object{{"mb_first", "mb_second"}};
    minibpf::Fd link;

    AttachedXdp() {
        const minibpf::Answer answer = object.gate().enter(
            minibpf::LinkCreate{.prog_fd = object.prog_fd("mb_first"), .target_fd = 1, .attach_type = BPF_XDP});
        REQUIRE(answer.ok());
        link = minibpf::Fd(object.gate(), answer.fd());
    }
    std::string link_id() { return std::to_string(minibpf::link_facts(object.gate(), link.get()).id); }
    /// "first", "second", or "none": who has seen a packet that is sent now.
    std::string runs_now() {
        const std::vector<std::uint64_t> before = runs();
        send_datagram();
        const std::vector<std::uint64_t> after = runs();
        return after[0] != before[0] ? "first" : after[1] != before[1] ? "second" : "none";
    }

private:
    std::vector<std::uint64_t> runs() {
        const auto memory = object.map(".bss").memory();
        return {*minibpf::read_at<std::uint64_t>(memory, 0), *minibpf::read_at<std::uint64_t>(memory, 8)};
    }
};

}  // namespace

TEST_CASE("link update lets a link run another program, and --from only if it runs that one", "[cli][kernel][link]") {
    enter_own_network();
    AttachedXdp xdp;
    const std::string first = xdp.object.prog_id("mb_first"), second = xdp.object.prog_id("mb_second");
    CHECK(xdp.runs_now() == "first");
    const Said wrong = loader_says("link update " + xdp.link_id() + " " + second + " --from " + second);
    CHECK(wrong.status != 0);
    CHECK_THAT(wrong.err, contains("another program"));
    CHECK(xdp.runs_now() == "first");
    const Said updated = loader_says("link update " + xdp.link_id() + " " + second + " --from " + first);
    INFO(updated.err);
    CHECK(updated.status == 0);
    CHECK(xdp.runs_now() == "second");
    CHECK(loader_says("link update " + xdp.link_id() + " " + first).status == 0);
    CHECK(xdp.runs_now() == "first");
    CHECK(loader_says("link update " + xdp.link_id() + " mb_no_such_program").status == 3);
}

TEST_CASE("link detach ends the runs of a program", "[cli][kernel][link]") {
    enter_own_network();
    AttachedXdp xdp;
    CHECK(xdp.runs_now() == "first");
    CHECK(loader_says("link detach " + xdp.link_id()).status == 0);
    CHECK(xdp.runs_now() == "none");
}

TEST_CASE("link pin keeps a program attached without its loader, and is a name for detach", "[cli][kernel][link]") {
    enter_own_network();
    AttachedXdp xdp;
    const Pins pins;
    CHECK(loader_says("link pin " + xdp.link_id() + " " + (pins / "link")).status == 0);
    xdp.link = minibpf::Fd();
    CHECK(xdp.runs_now() == "first");
    CHECK(loader_says("link detach " + (pins / "link")).status == 0);
    CHECK(xdp.runs_now() == "none");
}

namespace {

// One program of two objects, so that each has a counter of its own, and a link of the first one.
void check_link_commands(const std::string& program, const std::string& hook, const std::function<void()>& provoke_it) {
    INFO(hook);
    minibpf::LiveGate gate;
    minibpf::Object first = load_hooks(gate, {program}), second = load_hooks(gate, {program});
    const auto id_of = [&](minibpf::Object& object) {
        return std::to_string(minibpf::program_facts(gate, object.require_program(program).fd()).id);
    };
    const auto runs_now = [&] {
        const std::uint64_t of_first = hits(first), of_second = hits(second);
        provoke_it();
        return std::string(hits(first) != of_first ? "first " : "") + (hits(second) != of_second ? "second " : "");
    };
    const minibpf::Link link = minibpf::attach(gate, first.require_program(program), minibpf::parse_hook(hook),
                                               {.by = minibpf::AttachBy::link});
    const std::string id = std::to_string(minibpf::link_facts(gate, link.link_fd()).id);
    CHECK(runs_now() == "first ");
    CHECK(loader_says("link update " + id + " " + id_of(second) + " --from " + id_of(second)).status == 1);
    CHECK(runs_now() == "first ");
    CHECK(loader_says("link update " + id + " " + id_of(second) + " --from " + id_of(first)).status == 0);
    CHECK(runs_now() == "second ");
    const Pins pins;
    CHECK(loader_says("link pin " + id + " " + (pins / "link")).status == 0);
    CHECK(loader_says("link update " + (pins / "link") + " " + id_of(first)).status == 0);
    CHECK(runs_now() == "first ");
    CHECK(loader_says("link detach " + (pins / "link")).status == 0);
    CHECK(runs_now().empty());
}

}  // namespace

TEST_CASE("links of cgroups and network namespaces are updated, pinned and detached", "[cli][kernel][link]") {
    require_bpf();
    const NetworkNamespace network;
    const TestCgroup cgroup;
    const auto sends = [] { send_datagram(); };
    check_link_commands("on_egress", "cgroup_skb/egress:" + cgroup.path(), sends);
    check_link_commands("on_lookup", "sk_lookup:/proc/thread-self/ns/net", sends);
}

TEST_CASE("tcx links are updated, pinned and detached", "[cli][kernel][link]") {
    require_bpf();
    const NetworkNamespace network;
    minibpf::LiveGate gate;
    require_tcx(gate);
    check_link_commands("on_tc", "tcx/ingress:lo", [] { send_datagram(); });
}

TEST_CASE("links that cannot be detached or are not there say so", "[cli][kernel][link]") {
    LoadedObject object({"mb_raw_tp"});
    const minibpf::Fd link = object.raw_tracepoint_link("mb_raw_tp");
    const std::string id = std::to_string(minibpf::link_facts(object.gate(), link.get()).id);
    const Said said = loader_says("link detach " + id);
    CHECK(said.status == 1);
    CHECK_THAT(said.err, contains("last descriptor and pin"));
    CHECK(loader_says("link detach 2147483646").status == 3);
    const Said named = loader_says("link detach mb_raw_tp");
    CHECK(named.status == 2);
    CHECK_THAT(named.err, contains("links have no names"));
    const Said misspelt = loader_says("link detch 1");
    CHECK(misspelt.status == 2);
    CHECK_THAT(misspelt.err, contains("'link detach'"));
}

TEST_CASE("prog pin keeps a program under a name by which it is found", "[cli][kernel][prog]") {
    std::string id;
    const Pins pins;
    {
        LoadedObject object({"mb_first"});
        id = object.prog_id("mb_first");
        const Said said = loader_says("prog pin " + id + " " + (pins / "first"));
        INFO(said.err);
        CHECK(said.status == 0);
    }
    minibpf::LiveGate gate;
    const minibpf::Fd pinned = minibpf::open_loaded(gate, minibpf::IdKind::prog, pins / "first");
    CHECK(std::to_string(minibpf::program_facts(gate, pinned.get()).id) == id);
    CHECK(loader_says("prog pin mb_no_such_program " + (pins / "second")).status == 3);
    const Said not_one = loader_says("map dump " + (pins / "first"));
    CHECK(not_one.status == 3);
    CHECK_THAT(not_one.err, contains("is no map"));
}

TEST_CASE("prog show tells what the kernel knows of a program", "[cli][kernel][prog]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.prog_id("mb_first");
    const minibpf::ProgramFacts facts = minibpf::program_facts(object.gate(), object.prog_fd("mb_first"));
    const Said said = loader_says("prog show " + id);
    CHECK(said.status == 0);
    CHECK(row_of(said.out, "id") == std::vector<std::string>{"id", id});
    CHECK(row_of(said.out, "tag") == std::vector<std::string>{"tag", facts.tag});
    CHECK_THAT(said.out, contains("map " + object.map_id("mb_visits") + " (mb_visits)"));
    CHECK(row_of(said.out, "held").at(2) == std::to_string(getpid()));
    const Said json = loader_says("prog show --json " + id);
    CHECK(json.out.starts_with("{\n  \"id\": " + id));
    CHECK_THAT(json.out, contains("\"tag\": \"" + facts.tag + "\""));
    CHECK(loader_says("prog show 2147483646").status == 3);
    CHECK(loader_says("prog").status == 2);
}

TEST_CASE("prog dump shows the instructions that the verifier has left, maps by their ids and helpers by name",
          "[cli][kernel][prog]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.prog_id("mb_first");
    const Said said = loader_says("prog dump " + id);
    INFO(said.err << said.out);
    REQUIRE(said.status == 0);
    const std::vector<std::string> lines = lines_of(said.out);
    REQUIRE(lines.size() > 3);
    CHECK_THAT(lines[0], contains("    0: "));
    CHECK_THAT(said.out, contains("map[id:" + object.map_id("mb_visits") + "]"));
    CHECK_THAT(said.out, contains(": call htab_map_update_elem") || contains(": call bpf_map_update_elem"));
    CHECK_THAT(lines[lines.size() - 2], contains(": exit"));
    const std::uint32_t bytes = minibpf::program_facts(object.gate(), object.prog_fd("mb_first")).xlated_size;
    CHECK(lines.back() == std::to_string(bytes / 8) + " instructions, " + std::to_string(bytes) + " bytes");
    CHECK(loader_says("prog dump 2147483646").status == 3);
}

TEST_CASE("prog dump without root says what it takes", "[cli][kernel][prog]") {
    LoadedObject object({"mb_first"});
    require_prerequisite(run("command -v setpriv").status == 0, "setpriv");
    const Said said = run("setpriv --bounding-set -all " + loader() + " prog dump " + object.prog_id("mb_first"));
    CHECK(said.status == 4);
}
