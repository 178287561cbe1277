// `loader list`: what this process has loaded is in it.
#include <sys/prctl.h>
#include <regex>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/load/pinning.hpp>
#include <libminibpf/load/test_run.hpp>

#include "loaded.hpp"

using namespace minibpf::test;

namespace {

bool has_word(const std::vector<std::string>& row, const std::string& word) {
    return std::find(row.begin(), row.end(), word) != row.end();
}

/// The object of a JSON array whose "id" is this; objects of list have no objects but in their last member.
std::string json_object(const std::string& array, const std::string& id) {
    const std::size_t begin = array.find("\"id\": " + id + ",");
    return begin == std::string::npos ? "" : array.substr(begin, array.find("\n  }", begin) - begin);
}

}  // namespace

TEST_CASE("list shows a program with its type, tag, sizes, maps, pins and holders", "[cli][kernel][list]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.prog_id("mb_first");
    const Pins pins;
    minibpf::pin_object(object.gate(), pins / "first", object.prog_fd("mb_first"), "mb_first");
    const minibpf::ProgramFacts facts = minibpf::program_facts(object.gate(), object.prog_fd("mb_first"));

    const Said table = loader_says("list progs");
    INFO(table.out << table.err);
    CHECK(table.status == 0);
    CHECK(lines_of(table.out).front().find("ID  TYPE") != std::string::npos);
    const std::vector<std::string> row = row_of(table.out, id);
    REQUIRE(row.size() > 10);
    CHECK(row[1] == "xdp");
    CHECK(row[2] == "mb_first");
    CHECK(row[3] == facts.tag);
    CHECK(row[4] == std::to_string(facts.xlated_size));
    CHECK(row[5] == std::to_string(facts.jited_size));
    CHECK(facts.memlock > 0);
    CHECK(row[6] == std::to_string(facts.memlock));
    CHECK((row[7] == "-" && row[8] == "-"));  // nobody counts its runs
    CHECK(has_word(row, std::to_string(facts.map_ids[0]) + "," + std::to_string(facts.map_ids[1])));
    CHECK(has_word(row, pins / "first"));
    CHECK(has_word(row, std::to_string(getpid())));
    CHECK(row.back() == text_file("/proc/self/comm").substr(0, row.back().size()));

    const std::string json = json_object(loader_says("list progs --json").out, id);
    CHECK_THAT(json, contains("\"name\": \"mb_first\"") && contains("\"tag\": \"" + facts.tag + "\"") &&
                         contains("\"pid\": " + std::to_string(getpid())) && contains(pins / "first"));
    CHECK_THAT(json, contains("\"jited_size\": " + row[5] + ",") && contains("\"memlock\": " + row[6] + ","));
}

TEST_CASE("list shows a map with its sizes and where it is pinned", "[cli][kernel][list]") {
    LoadedObject object({"mb_first"});
    const std::string id = object.map_id("mb_visits");
    const std::vector<std::string> row = row_of(loader_says("list maps").out, id);
    REQUIRE(row.size() > 9);
    CHECK(std::vector<std::string>(row.begin() + 1, row.begin() + 6) ==
          std::vector<std::string>{"hash", "mb_visits", "4", "12", "8"});
    CHECK(row[9] == "-");
    const minibpf::MapFacts facts = minibpf::map_facts(object.gate(), object.map("mb_visits").fd());
    CHECK(facts.memlock > 0);
    CHECK(row[7] == std::to_string(facts.memlock));
    CHECK(row[8] == std::to_string(facts.btf_id));
    CHECK(row[10] == std::to_string(getpid()));
    const Pins pins;
    minibpf::pin_object(object.gate(), pins / "visits", object.map("mb_visits").fd(), "mb_visits");
    CHECK(row_of(loader_says("list maps").out, id).at(9) == pins / "visits");
    const std::string json = json_object(loader_says("list maps --json").out, id);
    CHECK_THAT(json, contains("\"value_size\": 12") && contains("\"frozen\": false") &&
                         contains("\"memlock\": " + row[7] + ",") && contains(pins / "visits") &&
                         contains("\"pid\": " + std::to_string(getpid())));
}

TEST_CASE("list shows a link with its target and the name of its program, and the BTF of a map",
          "[cli][kernel][list]") {
    LoadedObject object({"mb_raw_tp"});
    const minibpf::Fd link = object.raw_tracepoint_link("mb_raw_tp");
    const std::string id = std::to_string(minibpf::link_facts(object.gate(), link.get()).id);
    const std::vector<std::string> row = row_of(loader_says("list links").out, id);
    REQUIRE(row.size() > 5);
    CHECK(std::vector<std::string>(row.begin() + 1, row.begin() + 5) ==
          std::vector<std::string>{"raw_tracepoint", object.prog_id("mb_raw_tp"), "mb_raw_tp", "sys_enter"});
    CHECK(row[5] == "-");
    CHECK(row[6] == std::to_string(getpid()));
    CHECK_THAT(json_object(loader_says("list links --json").out, id),
               contains("\"target\": \"sys_enter\"") && contains("\"pid\": " + std::to_string(getpid())));
    const Pins pins;
    minibpf::pin_object(object.gate(), pins / "link", link.get(), "the link");
    CHECK(row_of(loader_says("list links").out, id).at(5) == pins / "link");
    CHECK_THAT(loader_says("list links --json").out,
               contains("\"prog_name\": \"mb_raw_tp\"") && contains(pins / "link"));

    LoadedObject with_map({"mb_first"});
    const minibpf::MapFacts map = minibpf::map_facts(with_map.gate(), with_map.map("mb_visits").fd());
    const std::vector<std::string> btf = row_of(loader_says("list btf").out, std::to_string(map.btf_id));
    REQUIRE(btf.size() > 4);
    const minibpf::Fd btf_fd = minibpf::open_by_id(with_map.gate(), minibpf::IdKind::btf, map.btf_id);
    const std::uint32_t size = minibpf::btf_facts(with_map.gate(), btf_fd.get()).size;
    CHECK(btf[2] == std::to_string(size));
    CHECK(btf[3] == "programs");
    CHECK(btf[4] == std::to_string(getpid()));
    const std::string json = json_object(loader_says("list btf --json").out, btf[0]);
    CHECK_THAT(json, contains("\"size\": " + std::to_string(size) + ",") && contains("\"of_kernel\": false") &&
                         contains("\"pid\": " + std::to_string(getpid())));
}

TEST_CASE("list counts runs while it is told to", "[cli][kernel][list]") {
    LoadedObject object({"mb_raw_tp"});
    const minibpf::Fd link = object.raw_tracepoint_link("mb_raw_tp");
    const Said said = loader_says("list progs --stats 50ms");
    CHECK(said.status == 0);
    const std::vector<std::string> row = row_of(said.out, object.prog_id("mb_raw_tp"));
    REQUIRE(row.size() > 8);
    CHECK(std::atoll(row[7].c_str()) > 0);  // this process's and the loader's own system calls
    CHECK(std::atof(row[8].c_str()) > 0);
    const std::vector<std::string> units = {"ns", "us", "ms", "s"};
    CHECK(std::find(units.begin(), units.end(), row[9]) != units.end());
    CHECK(minibpf::program_facts(object.gate(), object.prog_fd("mb_raw_tp")).run_count > 0);
}

TEST_CASE("what a process calls itself does not command the terminal that lists it", "[cli][kernel][list]") {
    LoadedObject object({"mb_first"});
    REQUIRE(prctl(PR_SET_NAME, "evil\033[2J\xff") == 0);
    const Said table = loader_says("list progs");
    CHECK_THAT(table.out, contains("evil\\x1b[2J"));
    const Said json = loader_says("list progs --json");
    CHECK(json.status == 0);
    CHECK_THAT(json.out, contains("evil\\u001b[2J"));
}

TEST_CASE("list --trace tells the calls that it makes", "[cli][kernel][list]") {
    LoadedObject object({"mb_first"});
    const TemporaryDirectory directory;
    const std::string file = (directory / "calls").string();
    CHECK(loader_says("list maps --trace=" + file).status == 0);
    CHECK_THAT(text_file(file), contains("bpf(BPF_MAP_GET_NEXT_ID, {start_id=0") &&
                                    contains("bpf(BPF_MAP_GET_FD_BY_ID, {map_id=" + object.map_id("mb_visits")));
}

TEST_CASE("list wants to know what to list", "[cli][list]") {
    CHECK(loader_says("list").status == 2);
    const Said misspelt = loader_says("list prog");
    CHECK(misspelt.status == 2);
    CHECK_THAT(misspelt.err, contains("did you mean progs?"));
    CHECK(loader_says("list maps --stats 1s").status == 2);
}

TEST_CASE("list without privilege says what is missing", "[cli][kernel][list]") {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v setpriv").status == 0, "setpriv");
    const Said said = run("setpriv --bounding-set -all " + loader() + " list progs");
    INFO(said.err);
    CHECK(said.status == 4);
    CHECK_THAT(said.err, contains("EPERM"));
}
