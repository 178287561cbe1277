// `loader map`: what it shows is what is there, and what it sets the programs and the kernel find.
#include <libminibpf/load/test_run.hpp>

#include "loaded.hpp"

using namespace minibpf::test;
using minibpf::IdKind;

namespace {

/// A map without BTF, of this process.
class BareMap {
public:
    BareMap(minibpf::KernelGate& gate, minibpf::MapCreate map) {
        require_prerequisite(geteuid() == 0, "root");
        map.name = "mb_bare";
        const minibpf::Answer answer = gate.enter(map);
        REQUIRE(answer.ok());
        fd_ = minibpf::Fd(gate, answer.fd());
        id = std::to_string(minibpf::map_facts(gate, fd_.get()).id);
    }
    int fd() const { return fd_.get(); }

    std::string id;

private:
    minibpf::Fd fd_;
};

std::string visit_in_kernel(LoadedObject& object, std::uint32_t key) {
    const auto value = object.map("mb_visits").lookup(minibpf::bytes_of(key));
    return value ? object.map("mb_visits").value_text(*value) : "none";
}

std::uint32_t what_the_jump_leads_to(LoadedObject& object) {
    const minibpf::TestInput input{.data = minibpf::packet_by_name("udp").value()};
    return minibpf::test_run(object.gate(), object.prog_fd("mb_jump"), BPF_PROG_TYPE_XDP, "mb_jump", input).retval;
}

constexpr std::uint32_t drops = 1, transmits = 3;

}  // namespace

TEST_CASE("map set, get, dump and delete go by the types of the map's BTF", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.map_id("mb_visits");
    const Said set = loader_says("map set " + id + " 3 '{.count = 4, .by = \"hand\"}'");
    INFO(set.err);
    CHECK(set.status == 0);
    CHECK(visit_in_kernel(object, 3) == "{.count = 4, .by = \"hand\"}");
    CHECK(loader_says("map get " + id + " 3").out == "{.count = 4, .by = \"hand\"}\n");
    CHECK(loader_says("map dump " + id).out == "[3] = {.count = 4, .by = \"hand\"}\n");
    CHECK(loader_says("map delete " + id + " 3").status == 0);
    CHECK(visit_in_kernel(object, 3) == "none");
    CHECK(loader_says("map dump " + id).out.empty());
}

TEST_CASE("map dump --json has numbers, strings and objects", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.map_id("mb_visits");
    CHECK(loader_says("map dump --json " + id).out == "[]\n");
    object.map("mb_visits").update("3", "{.count = 4, .by = \"a\\\"b\"}");
    CHECK(loader_says("map get --json " + id + " 3").out ==
          "{\n  \"key\": 3,\n  \"value\": {\n    \"count\": 4,\n    \"by\": \"a\\\"b\"\n  }\n}\n");
    const Said dumped = loader_says("map dump --json " + id);
    CHECK(dumped.out.starts_with("[\n"));
    CHECK_THAT(dumped.out, contains("\"key\": 3") && contains("\"by\": \"a\\\"b\""));
    object.map("mb_visits").update("4", "{.count = 0xffffffff}");
    CHECK_THAT(loader_says("map dump --json " + id).out, contains("\"count\": 4294967295"));
}

TEST_CASE("map dump shows the variables of a data section", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const minibpf::TestInput input{.data = minibpf::packet_by_name("udp").value(), .repeat = 7};
    minibpf::test_run(object.gate(), object.prog_fd("mb_first"), BPF_PROG_TYPE_XDP, "mb_first", input);
    const std::string id = object.map_id(".bss");
    CHECK(loader_says("map dump " + id).out == "[0] = {first_runs = 7, second_runs = 0}\n");
    CHECK_THAT(loader_says("map dump --json " + id).out, contains("\"first_runs\": 7"));
}

TEST_CASE("a map without BTF takes and shows integers, strings and hex", "[cli][kernel][map]") {
    minibpf::LiveGate gate;
    const BareMap map(gate, {.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 6, .max_entries = 4});
    CHECK(loader_says("map set " + map.id + " 258 '01 02 03 0a 0b ff'").status == 0);
    CHECK(loader_says("map set " + map.id + " '03 01 00 00' '\"abc\"'").status == 0);
    CHECK(loader_says("map get " + map.id + " 258").out == "01 02 03 0a 0b ff\n");
    CHECK(loader_says("map get " + map.id + " 259").out == "61 62 63 00 00 00\n");
    CHECK_THAT(loader_says("map get --json " + map.id + " 258").out, contains("\"value\": \"01 02 03 0a 0b ff\""));
    const Said wrong = loader_says("map set " + map.id + " 1 '01 02'");
    CHECK(wrong.status == 2);
    CHECK_THAT(wrong.err, contains("2 bytes in hex") && contains("de ad be ef"));
}

TEST_CASE("a per-CPU map gets the value for every CPU, and shows each", "[cli][kernel][map]") {
    minibpf::LiveGate gate;
    const BareMap map(gate, {.type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
    CHECK(loader_says("map set " + map.id + " 0 7").status == 0);
    CHECK_THAT(loader_says("map get " + map.id + " 0").out, contains("cpu0 = 7"));
    const std::string json = loader_says("map dump --json " + map.id).out;
    CHECK_THAT(json, contains("\"value\": [\n      7"));
    const minibpf::Fd fd = minibpf::open_loaded(gate, IdKind::map, map.id);
    const std::uint32_t zero = 0;
    minibpf::Bytes values(8 * 4096);
    REQUIRE(
        gate.enter(minibpf::MapLookupElem{.map_fd = fd.get(), .key = minibpf::bytes_of(zero), .value = values}).ok());
    CHECK(minibpf::read_at<std::uint32_t>(values, 0) == 7u);
}

TEST_CASE("a program array takes a program by id, pin and name, and a tail call then goes there",
          "[cli][kernel][map]") {
    LoadedObject object({"mb_jump", "mb_second"});
    const std::string jumps = object.map_id("mb_jumps"), second = object.prog_id("mb_second");
    CHECK(what_the_jump_leads_to(object) == transmits);
    const Pins pins;
    CHECK(loader_says("prog pin " + second + " " + (pins / "second")).status == 0);
    for (const std::string& program : {second, pins / "second"}) {
        INFO(program);
        const Said set = loader_says("map set " + jumps + " 0 " + program);
        INFO(set.err);
        CHECK(set.status == 0);
        CHECK(what_the_jump_leads_to(object) == drops);
        CHECK(loader_says("map dump " + jumps).out == "[0] = program " + second + " (mb_second)\n");
        CHECK_THAT(loader_says("map dump --json " + jumps).out,
                   contains("\"id\": " + second) && contains("\"name\": \"mb_second\""));
        CHECK(loader_says("map delete " + jumps + " 0").status == 0);
        CHECK(what_the_jump_leads_to(object) == transmits);
    }
    const Said nobody = loader_says("map set " + jumps + " 0 mb_no_such_program");
    CHECK(nobody.status == 3);
    LoadedObject other({"mb_tc"});
    const Said misfit = loader_says("map set " + jumps + " 0 " + other.prog_id("mb_tc"));
    CHECK(misfit.status == 1);
    CHECK_THAT(misfit.err, contains("EINVAL") && contains("of the type of those that tail-call"));
}

TEST_CASE("a map of maps takes a map", "[cli][kernel][map]") {
    minibpf::LiveGate gate;
    const minibpf::MapCreate shape{.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2};
    const BareMap inner(gate, shape),
        misfit(gate, {.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 2});
    const BareMap outer(gate, {.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
                               .key_size = 4,
                               .value_size = 4,
                               .max_entries = 3,
                               .inner_map_fd = static_cast<std::uint32_t>(inner.fd())});
    CHECK(loader_says("map set " + outer.id + " 1 " + inner.id).status == 0);
    CHECK(loader_says("map dump " + outer.id).out == "[1] = map " + inner.id + " (mb_bare)\n");
    CHECK(loader_says("map get " + outer.id + " 2").status == 3);
    const Said wrong = loader_says("map set " + outer.id + " 2 " + misfit.id);
    CHECK(wrong.status == 1);
    CHECK_THAT(wrong.err, contains("type, sizes"));
}

TEST_CASE("map pin keeps a map under a name by which it is found", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const Pins pins;
    const Said pinned = loader_says("map pin " + object.map_id("mb_visits") + " " + (pins / "deep/visits"));
    INFO(pinned.err);
    CHECK(pinned.status == 0);
    CHECK(loader_says("map set " + (pins / "deep/visits") + " 5 '{.count = 1}'").status == 0);
    CHECK(visit_in_kernel(object, 5) == "{.count = 1, .by = \"\"}");
    const Said again = loader_says("map pin " + object.map_id("mb_visits") + " " + (pins / "deep/visits"));
    CHECK(again.status == 1);
    CHECK_THAT(again.err, contains("EEXIST"));
    CHECK(loader_says("map pin " + object.map_id("mb_visits") + " /tmp/no_bpffs_here").status != 0);
}

TEST_CASE("keys and maps that are not there are said to be missing", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.map_id("mb_visits");
    for (const std::string verb : {"get", "delete"}) {
        const Said said = loader_says("map " + verb + " " + id + " 77");
        CHECK(said.status == 3);
        CHECK_THAT(said.err, contains("no element with the key 77"));
    }
    CHECK(loader_says("map dump 2147483646").status == 3);
    CHECK(loader_says("map dump /sys/fs/bpf/no_such_pin").status == 3);
    const Said program = loader_says("map dump " + object.prog_id("mb_first") + "x");
    CHECK(program.status == 3);
}

TEST_CASE("what does not fit a map is wrong usage, and what the kernel refuses its refusal", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.map_id("mb_visits");
    const Said word = loader_says("map set " + id + " one 1");
    CHECK(word.status == 2);
    CHECK_THAT(word.err, contains("expected a number"));
    const Said array = loader_says("map delete " + object.map_id(".bss") + " 0");
    CHECK(array.status == 2);
    CHECK_THAT(array.err, contains("always there"));
    minibpf::LiveGate gate;
    const BareMap full(gate, {.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
    const Said past = loader_says("map set " + full.id + " 1 1");
    CHECK(past.status == 1);
    CHECK_THAT(past.err, contains("E2BIG") && contains("max_entries=1"));
}

TEST_CASE("maps without keys, and maps of what only processes have, say so", "[cli][kernel][map]") {
    minibpf::LiveGate gate;
    const BareMap queue(gate, {.type = BPF_MAP_TYPE_QUEUE, .value_size = 4, .max_entries = 4});
    const BareMap ring(gate, {.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096});
    for (const std::string& request :
         {"dump " + queue.id, "get " + queue.id + " 0", "set " + queue.id + " 0 1", "delete " + ring.id + " 0"}) {
        INFO(request);
        const Said said = loader_says("map " + request);
        CHECK(said.status == 2);
        CHECK_THAT(said.err, contains("has no keys"));
    }
    const BareMap events(gate,
                         {.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
    const Said set = loader_says("map set " + events.id + " 0 1");
    CHECK(set.status == 2);
    CHECK_THAT(set.err, contains("perf events"));
    const Said get = loader_says("map get " + events.id + " 0");
    CHECK(get.status != 0);
    CHECK_THAT(get.err, contains("perf events"));
}

TEST_CASE("map wants a verb and its arguments", "[cli][map]") {
    CHECK(loader_says("map").status == 2);
    CHECK(loader_says("map dump").status == 2);
    CHECK(loader_says("map get 1").status == 2);
    CHECK(loader_says("map set 1 2").status == 2);
    const Said misspelt = loader_says("map dmp 1");
    CHECK(misspelt.status == 2);
    CHECK_THAT(misspelt.err, contains("did you mean 'map dump'?"));
    for (const char* verb : {"dump", "get", "set", "delete", "pin"}) {
        const Said help = loader_says(std::string("map ") + verb + " --help");
        CHECK(help.status == 0);
        CHECK_THAT(help.out, contains("Examples:"));
    }
}

TEST_CASE("map --trace tells its calls", "[cli][kernel][map]") {
    LoadedObject object({"mb_first"});
    const Said said = loader_says("map set --trace " + object.map_id("mb_visits") + " 3 '{.count = 4}'");
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("bpf(BPF_MAP_GET_FD_BY_ID") && contains("bpf(BPF_MAP_UPDATE_ELEM"));
}
