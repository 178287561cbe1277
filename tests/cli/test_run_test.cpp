// `loader test`: a program's answer to a packet, and what it did with it; and the tail-call tables of --update.
#include <regex>

#include "loaded.hpp"

using namespace minibpf::test;

namespace {

std::string object() {
    return (build_dir() / "tests/data/loaded.bpf.o").string();
}

Said test_of(const std::string& program, const std::string& options = "") {
    require_prerequisite(geteuid() == 0, "root");
    return loader_says("test " + object() + " --program " + program + " " + options);
}

}  // namespace

TEST_CASE("test prints what a program returned by name, and marks what it changed", "[cli][kernel][test]") {
    const Said said = test_of("mb_second", "--packet udp");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("program:  mb_second (xdp)\n") && contains("returned: 1 (XDP_DROP)\n"));
    CHECK_THAT(said.out, contains("packet: 64 bytes, 1 changed\n 0  ab 00 00 00 00 02") && contains("\n    ^^\n10  "));
    const Said unchanged = test_of("mb_first");
    CHECK_THAT(unchanged.out, contains("returned: 2 (XDP_PASS)") && contains("64 bytes, as it was"));
    CHECK(unchanged.out.find("^^") == std::string::npos);
}

TEST_CASE("test repeats a run as often as it is told", "[cli][kernel][test]") {
    LoadedObject loaded({"mb_first"});
    const Said said = loader_says("test --repeat 1000 --loaded " + loaded.prog_id("mb_first"));
    CHECK(said.status == 0);
    std::smatch duration;
    REQUIRE(std::regex_search(said.out, duration, std::regex("\nduration: (\\d+) ns each of 1000 runs\n")));
    constexpr int longest = 1'000'000;  // of an update of a map, also by an emulated processor
    CHECK((std::stoi(duration[1]) > 0 && std::stoi(duration[1]) < longest));
    const Said json = loader_says("test --repeat 1000 --json --loaded " + loaded.prog_id("mb_first"));
    CHECK(std::regex_search(json.out, std::regex("\"duration_ns\": [1-9]")));
    CHECK(minibpf::read_at<std::uint64_t>(loaded.map(".bss").memory(), 0) == 2000u);
}

TEST_CASE("test takes a packet from a file or from standard input", "[cli][kernel][test]") {
    const TemporaryDirectory directory;
    write_file(directory / "packet", std::string(64, 'x'));
    write_file(directory / "longer", std::string(80, 'x'));
    // mb_tc returns 2 for packets of 64 bytes. skb->len counts from the Ethernet header on, as tc sees it.
    CHECK_THAT(test_of("mb_tc", "--data " + (directory / "packet").string()).out, contains("2 (TC_ACT_SHOT)"));
    CHECK_THAT(test_of("mb_tc", "--data " + (directory / "longer").string()).out, contains("0 (TC_ACT_OK)"));
    CHECK_THAT(test_of("mb_tc", "--data - < " + (directory / "longer").string()).out, contains("0 (TC_ACT_OK)"));
    CHECK(test_of("mb_tc", "--data " + (directory / "missing").string()).status == 2);
    write_file(directory / "short", "abc");
    const Said refused = test_of("mb_tc", "--data " + (directory / "short").string());
    CHECK(refused.status == 1);
    CHECK_THAT(refused.err, contains("14 bytes"));
}

TEST_CASE("test --json has the packet in hex and the names of what was returned", "[cli][kernel][test]") {
    const Said said = test_of("mb_second", "--packet zeros --json");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("\"retval\": 1,") && contains("\"retval_name\": \"XDP_DROP\"") &&
                             contains("\"data_in\": \"0000") && contains("\"data_out\": \"ab00"));
}

TEST_CASE("test runs raw tracepoints and syscall programs on a context", "[cli][kernel][test]") {
    const TemporaryDirectory directory;
    const std::string arguments = std::string(8, '\0') + std::string("\x34\x12", 2) + std::string(6, '\0');
    write_file(directory / "arguments", arguments);
    CHECK_THAT(test_of("mb_raw_tp", "--context " + (directory / "arguments").string()).out, contains("returned: 1"));
    CHECK_THAT(test_of("mb_raw_tp", "--cpu 0").out, contains("returned: 0"));
    write_file(directory / "sum",
               std::string("\x1e", 1) + std::string(7, '\0') + std::string("\x0c", 1) + std::string(15, '\0'));
    const Said sum = test_of("mb_syscall", "--context " + (directory / "sum").string());
    CHECK_THAT(sum.out, contains("returned: 5") && contains("context: 24 bytes, 1 changed") && contains("10  2a 00"));
}

TEST_CASE("test shows what the program prints", "[cli][kernel][test]") {
    const Said said = test_of("mb_says");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("printed:  mb_says: 64 bytes\n"));
    CHECK_THAT(test_of("mb_says", "--json").out, contains("\"mb_says: 64 bytes\""));
}

TEST_CASE("test asks which program when there are several, and whether it can be run so", "[cli][test]") {
    const Said which = loader_says("test " + object());
    CHECK(which.status == 2);
    CHECK_THAT(which.err, contains("--program NAME") && contains("mb_first, mb_second"));
    const Said misspelt = loader_says("test " + object() + " --program mb_frist");
    CHECK(misspelt.status == 3);
    CHECK_THAT(misspelt.err, contains("mb_first"));
    CHECK(loader_says("test").status == 2);
    CHECK(loader_says("test --loaded 1 " + object()).status == 2);
    CHECK(loader_says("test " + object() + " --program mb_first --packet carrier_pigeon").status == 2);
    CHECK(loader_says("test " + object() + " --program mb_first --packet udp --data -").status == 2);
}

TEST_CASE("input that a type of program does not take is wrong usage", "[cli][kernel][test]") {
    for (const auto& [program, options] : std::vector<std::pair<std::string, std::string>>{
             {"mb_raw_tp", "--packet udp"}, {"mb_raw_tp", "--repeat 5"}, {"mb_first", "--cpu 0"}}) {
        INFO(program << " " << options);
        CHECK(test_of(program, options).status == 2);
    }
    const Said attached_only = loader_says("test " + prog("hello.bpf.o"));
    CHECK(attached_only.status == 2);
    CHECK_THAT(attached_only.err, contains("cannot be run without being attached"));
    CHECK(loader_says("test --loaded 2147483646").status == 3);
}

TEST_CASE("an --update fills a tail-call table with a program of the object, by name", "[cli][kernel][test][update]") {
    CHECK_THAT(test_of("mb_jump").out, contains("XDP_TX"));
    CHECK_THAT(test_of("mb_jump", "--update 'mb_jumps[0]=mb_second'").out, contains("XDP_DROP"));
    CHECK_THAT(test_of("mb_jump", "--update 'mb_jumps[1]=mb_second'").out, contains("XDP_TX"));
    const Said misspelt = test_of("mb_jump", "--update 'mb_jumps[0]=mb_secnd'");
    CHECK(misspelt.status == 3);
    CHECK_THAT(misspelt.err, contains("did you mean 'mb_second'?"));
    const Said misfit = test_of("mb_jump", "--update 'mb_jumps[0]=mb_tc'");
    CHECK(misfit.status == 1);
    CHECK_THAT(misfit.err, contains("of the type of those that tail-call"));
}

TEST_CASE("an --update fills a tail-call table with a loaded program, by id and by pin",
          "[cli][kernel][test][update]") {
    LoadedObject loaded({"mb_second"});
    const Pins pins;
    const std::string id = loaded.prog_id("mb_second");
    REQUIRE(loader_says("prog pin " + id + " " + (pins / "second")).status == 0);
    for (const std::string& program : {id, pins / "second"}) {
        INFO(program);
        const Said said = test_of("mb_jump", "--update 'mb_jumps[0]=" + program + "'");
        CHECK_THAT(said.out, contains("XDP_DROP"));
        const Said plan = loader_says("plan " + object() + " --no-attach --update 'mb_jumps[0]=" + program + "'");
        INFO(plan.out << plan.err);
        CHECK(plan.status == 0);
        CHECK_THAT(plan.out, contains("mb_jumps[0] is set to " + program));
    }
    CHECK(test_of("mb_jump", "--update 'mb_jumps[0]=2147483646'").status == 3);
}

TEST_CASE("run --update fills a tail-call table, and checks names before it attaches", "[cli][kernel][update]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::string command = "run -q --no-attach --show mb_jumps -c '" + loader() + " list progs' " + object();
    const Said said = loader_says(command + " --update 'mb_jumps[1]=mb_second'");
    INFO(said.out << said.err);
    CHECK(said.status == 0);
    std::smatch shown;
    REQUIRE(std::regex_search(said.out, shown, std::regex(R"(mb_jumps: \[1\]=(\d+)\n)")));
    CHECK(row_of(said.out, shown[1]).at(2) == "mb_second");
    CHECK_FALSE(std::regex_search(loader_says(command).out, std::regex(R"(mb_jumps: \[1\])")));
    const Said misspelt = loader_says(command + " --update 'mb_jumps[1]=mb_secnd'");
    CHECK(misspelt.status == 3);
    CHECK_THAT(misspelt.err, contains("did you mean 'mb_second'?"));
    CHECK(loader_says(command + " --update 'mb_jumps[one]=mb_second'").status == 2);
}
