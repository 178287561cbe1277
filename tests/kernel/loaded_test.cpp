// What is loaded in the running kernel: found by id, name and pin, looked into, tested, updated and detached.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/wait.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/link_operations.hpp>
#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/pinning.hpp>
#include <libminibpf/load/test_run.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/network.hpp>
#include <tests/loopback.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

Object load_programs(KernelGate& gate, std::vector<std::string> programs) {
    LoadOptions options;
    options.programs = std::move(programs);
    return load(gate, data("loaded"), options);
}

/// What is closed stays in the lists for a moment, so only a name of this process's own is sure to be found once.
Object load_with_map_name(KernelGate& gate, const std::string& name) {
    ObjectSpec spec = data("loaded");
    std::ranges::find(spec.maps, "mb_visits", &MapSpec::name)->kernel_name = name;
    LoadOptions options;
    options.programs = {"mb_first"};
    return load(gate, std::move(spec), options);
}

template <class T>
bool has(const std::vector<T>& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

Fd xdp_link(KernelGate& gate, int prog_fd) {
    const Answer answer = gate.enter(LinkCreate{.prog_fd = prog_fd, .target_fd = 1, .attach_type = BPF_XDP});
    REQUIRE(answer.ok());
    return Fd(gate, answer.fd());
}

std::uint64_t runs(Object& object, const char* counter) {
    return variable<std::uint64_t>(object, counter);
}

}  // namespace

TEST_CASE("programs, maps and BTF are found by id, and tell what they are", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_first"});
    const ProgramFacts program = program_facts(gate, object.require_program("mb_first").fd());
    CHECK(program.name == "mb_first");
    CHECK(program.type == BPF_PROG_TYPE_XDP);
    CHECK(program.tag.size() == 16);
    CHECK(program.xlated_size > 0);
    CHECK(program.memlock > 0);
    CHECK(program.gpl_compatible);
    CHECK(program.map_ids.size() == 2);
    CHECK(has(loaded_ids(gate, IdKind::prog), program.id));

    const MapFacts map = map_facts(gate, object.require_map("mb_visits").fd());
    CHECK(map.name == "mb_visits");
    CHECK(map.key_size == 4);
    CHECK(map.value_size == 12);
    CHECK(map.max_entries == 8);
    CHECK_FALSE(map.frozen);
    CHECK(has(program.map_ids, map.id));
    CHECK(has(loaded_ids(gate, IdKind::map), map.id));
    const Fd again = open_by_id(gate, IdKind::map, map.id);
    CHECK(map_facts(gate, again.get()).id == map.id);

    const Fd btf = open_by_id(gate, IdKind::btf, map.btf_id);
    CHECK_FALSE(btf_facts(gate, btf.get()).of_kernel);
    CHECK(btf_facts(gate, btf.get()).size > 0);
    CHECK(has(loaded_ids(gate, IdKind::btf), map.btf_id));
}

TEST_CASE("an id that nothing has, a name that nothing has, and a path that is no pin are errors of the object",
          "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    for (const char* which : {"2147483646", "/sys/fs/bpf/no_such_pin", "/etc/passwd", "mb_no_such_map"}) {
        INFO(which);
        const Error error = error_of([&] { open_loaded(gate, IdKind::map, which); });
        CHECK(error.detail().blame == Blame::object);
        CHECK_FALSE(error.detail().hint.empty());
    }
}

TEST_CASE("what is loaded is found by name, and a name that two have asks for the id", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    const std::string name = "mb_" + std::to_string(getpid());
    Object object = load_with_map_name(gate, name);
    {
        const Fd found = open_loaded(gate, IdKind::map, name);
        CHECK(map_facts(gate, found.get()).id == map_facts(gate, object.require_map("mb_visits").fd()).id);
    }
    CHECK_THAT(error_of([&] { open_loaded(gate, IdKind::map, name + "x"); }).detail().hint, contains(name));
    Object second = load_with_map_name(gate, name);
    const Error error = error_of([&] { open_loaded(gate, IdKind::map, name); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.detail().hint, contains(std::to_string(map_facts(gate, second.require_map("mb_visits").fd()).id)));
}

TEST_CASE("a map of another loader's is typed by the BTF that the kernel has of it", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_first"});
    const std::uint32_t id = map_facts(gate, object.require_map("mb_visits").fd()).id;
    LoadedMap loaded(gate, open_by_id(gate, IdKind::map, id));
    loaded.map().update("3", "{.count = 4, .by = \"hand\"}");
    const std::uint32_t key = 3;
    const auto value = object.require_map("mb_visits").lookup(bytes_of(key));
    REQUIRE(value);
    CHECK(object.require_map("mb_visits").value_text(*value) == "{.count = 4, .by = \"hand\"}");
    CHECK(loaded.map().value_text(*value) == "{.count = 4, .by = \"hand\"}");
    CHECK(loaded.map().remove(bytes_of(key)));
    CHECK_FALSE(object.require_map("mb_visits").lookup(bytes_of(key)));
}

TEST_CASE("pins and this process's descriptors are found", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    const PinDirectory directory;
    Object object = load_programs(gate, {"mb_first"});
    const std::string path = directory.path + "/visits";
    pin_object(gate, path, object.require_map("mb_visits").fd(), "mb_visits");
    const std::uint32_t map = map_facts(gate, object.require_map("mb_visits").fd()).id;
    const std::uint32_t program = program_facts(gate, object.require_program("mb_first").fd()).id;
    const auto pinned = pins(gate);
    REQUIRE(pinned.contains({IdKind::map, map}));
    CHECK(has(pinned.at({IdKind::map, map}), path));
    CHECK_FALSE(pinned.contains({IdKind::prog, program}));
    const auto held = holders(gate);
    for (const LoadedId& id : {LoadedId{IdKind::map, map}, LoadedId{IdKind::prog, program}}) {
        REQUIRE(held.contains(id));
        CHECK(held.at(id).front().pid == getpid());
        CHECK_FALSE(held.at(id).front().command.empty());
    }
    const Fd found = open_loaded(gate, IdKind::map, path);
    CHECK(map_facts(gate, found.get()).id == map);
    CHECK_THAT(error_of([&] { open_loaded(gate, IdKind::prog, path); }).detail().doing, contains("is no program"));
}

TEST_CASE("a link tells its type, its program and what it is attached to", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_raw_tp"});
    const Program& program = object.require_program("mb_raw_tp");
    const Link link = attach(gate, program);
    const LinkFacts facts = link_facts(gate, link.link_fd());
    CHECK(facts.type_name == "raw_tracepoint");
    CHECK(facts.target == "sys_enter");
    CHECK(facts.prog_id == program_facts(gate, program.fd()).id);
    CHECK(has(loaded_ids(gate, IdKind::link), facts.id));
    CHECK(holders(gate).contains({IdKind::link, facts.id}));
    CHECK_THAT(error_of([&] { detach_link(gate, link.link_fd()); }).detail().hint, contains("last descriptor"));
}

TEST_CASE("an XDP link runs another program after an update, and none after its detach", "[kernel][loaded][link]") {
    require_bpf();
    enter_new_network();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_first", "mb_second"});
    const int first = object.require_program("mb_first").fd(), second = object.require_program("mb_second").fd();
    const Fd link = xdp_link(gate, first);
    CHECK(link_facts(gate, link.get()).type_name == "xdp");
    CHECK(link_facts(gate, link.get()).target == "interface 1");
    send_datagram();
    CHECK(runs(object, "first_runs") > 0);
    CHECK(runs(object, "second_runs") == 0);

    const Error wrong = error_of([&] { update_link(gate, link.get(), second, second); });
    CHECK(wrong.detail().code == EPERM);
    CHECK_THAT(wrong.detail().hint, contains("another program"));
    update_link(gate, link.get(), second, first);
    CHECK(link_facts(gate, link.get()).prog_id == program_facts(gate, second).id);
    const std::uint64_t of_first = runs(object, "first_runs");
    send_datagram();
    CHECK(runs(object, "first_runs") == of_first);
    CHECK(runs(object, "second_runs") > 0);

    detach_link(gate, link.get());
    const std::uint64_t of_second = runs(object, "second_runs");
    send_datagram();
    CHECK(runs(object, "second_runs") == of_second);
}

TEST_CASE("a pinned link lives on without its descriptor, and is detached through its pin", "[kernel][loaded][link]") {
    require_bpf();
    enter_new_network();
    LiveGate gate;
    const PinDirectory directory;
    const std::string path = directory.path + "/link";
    Object object = load_programs(gate, {"mb_first"});
    {
        const Fd link = xdp_link(gate, object.require_program("mb_first").fd());
        pin_object(gate, path, link.get(), "the link");
    }
    send_datagram();
    const std::uint64_t before = runs(object, "first_runs");
    CHECK(before > 0);
    {
        const Fd link = open_loaded(gate, IdKind::link, path);
        const auto pinned = pins(gate);
        const LoadedId id{IdKind::link, link_facts(gate, link.get()).id};
        REQUIRE(pinned.contains(id));
        CHECK(pinned.at(id) == std::vector<std::string>{path});
        detach_link(gate, link.get());
    }
    send_datagram();
    CHECK(runs(object, "first_runs") == before);
    gate.enter(Unlink{.path = path});
}

TEST_CASE("an XDP program is tested with a packet, changed or not, and repeated", "[kernel][loaded][test_run]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_first", "mb_second"});
    TestInput input{.data = packet_by_name("udp").value(), .repeat = 1000};
    const auto test = [&](const char* name) {
        return test_run(gate, object.require_program(name).fd(), BPF_PROG_TYPE_XDP, name, input);
    };
    const TestOutput first = test("mb_first");
    CHECK(first.retval == 2);
    CHECK(return_value_name(BPF_PROG_TYPE_XDP, first.retval) == "XDP_PASS");
    CHECK(first.data == input.data);
    CHECK(runs(object, "first_runs") == 1000);
    input.repeat = 1;
    const TestOutput second = test("mb_second");
    CHECK(return_value_name(BPF_PROG_TYPE_XDP, second.retval) == "XDP_DROP");
    REQUIRE(second.data.size() == input.data.size());
    CHECK(second.data[0] == std::byte{0xab});
    input.data.resize(3);
    const Error error = error_of([&] { test("mb_first"); });
    CHECK(error.detail().code == EINVAL);
    CHECK_THAT(error.detail().hint, contains("14 bytes"));
}

TEST_CASE("tc, socket, syscall and raw tracepoint programs are tested each with its own input",
          "[kernel][loaded][test_run]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_tc", "mb_socket"});
    const auto test = [&](Object& of, const char* name, bpf_prog_type type, const TestInput& input) {
        return test_run(gate, of.require_program(name).fd(), type, name, input);
    };
    const TestInput packet{.data = packet_by_name("tcp").value()};
    CHECK(return_value_name(BPF_PROG_TYPE_SCHED_CLS, test(object, "mb_tc", BPF_PROG_TYPE_SCHED_CLS, packet).retval) ==
          "TC_ACT_SHOT");
    CHECK(test(object, "mb_socket", BPF_PROG_TYPE_SOCKET_FILTER, packet).retval == 33);

    Object calls = load_programs(gate, {"mb_syscall", "mb_raw_tp"});
    const std::array<std::uint64_t, 3> sum = {30, 12, 0};
    const ByteView sum_bytes = std::as_bytes(std::span(sum));
    const TestOutput added =
        test(calls, "mb_syscall", BPF_PROG_TYPE_SYSCALL, {.context = {sum_bytes.begin(), sum_bytes.end()}});
    CHECK(added.retval == 5);
    CHECK(read_at<std::uint64_t>(added.context, 16) == 42);

    const std::array<std::uint64_t, 2> arguments = {0, 0x1234};
    const ByteView argument_bytes = std::as_bytes(std::span(arguments));
    TestInput hit{.context = {argument_bytes.begin(), argument_bytes.end()}};
    CHECK(test(calls, "mb_raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, hit).retval == 1);
    hit.cpu = 0;
    CHECK(test(calls, "mb_raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, hit).retval == 1);
    hit.context.clear();
    CHECK(error_of([&] { test(calls, "mb_raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, hit); }).detail().code == EINVAL);
    const Error attached_only = error_of([&] { test(calls, "mb_raw_tp", BPF_PROG_TYPE_TRACEPOINT, hit); });
    CHECK(attached_only.detail().blame == Blame::usage);
}

TEST_CASE("runs are counted while statistics are on", "[kernel][loaded]") {
    require_bpf();
    LiveGate gate;
    Object object = load_programs(gate, {"mb_first"});
    const int fd = object.require_program("mb_first").fd();
    const TestInput input{.data = packet_by_name("zeros").value()};
    const Answer answer = gate.enter(EnableStats{});
    REQUIRE(answer.ok());
    const Fd statistics(gate, answer.fd());
    const std::uint64_t before = program_facts(gate, fd).run_count;
    TestInput repeated = input;
    repeated.repeat = 10;
    test_run(gate, fd, BPF_PROG_TYPE_XDP, "mb_first", repeated);
    CHECK(program_facts(gate, fd).run_count >= before + 10);
}

TEST_CASE("when any call fails, looking at what is loaded, testing and updating leave nothing open",
          "[kernel][loaded][fault]") {
    require_bpf();
    enter_new_network();
    LiveGate live;
    const PinDirectory directory;
    Object object = load_programs(live, {"mb_first", "mb_second"});
    const int first = object.require_program("mb_first").fd(), second = object.require_program("mb_second").fd();
    const Fd link = xdp_link(live, first);
    const std::string map = std::to_string(map_facts(live, object.require_map("mb_visits").fd()).id);
    const TestInput input{.data = packet_by_name("udp").value()};
    const auto work = [&](KernelGate& gate) {
        LoadedMap loaded(gate, open_loaded(gate, IdKind::map, map));
        loaded.map().update("1", "{.count = 1}");
        program_facts(gate, first);
        link_facts(gate, link.get());
        test_run(gate, first, BPF_PROG_TYPE_XDP, "mb_first", input);
        update_link(gate, link.get(), second);
        update_link(gate, link.get(), first);
    };
    for (const int error : {EPERM, EINVAL, ENOMEM}) {
        bool done = false;
        for (int nth = 0; !done; ++nth) {
            INFO("call " << nth << " fails with " << errno_name(error));
            REQUIRE(nth < 200);
            const Holdings before = holdings();
            FailingGate gate(live, nth, error);
            try {
                work(gate);
            } catch (const Error& caught) {
                CHECK(gate.has_failed());
                CHECK_FALSE(caught.detail().doing.empty());
            }
            CHECK(holdings() == before);
            done = !gate.has_failed();
        }
    }
}

TEST_CASE("a probe that a killed loader left behind is removed, a living one's is not", "[kernel][loaded][kprobe]") {
    require_kprobe_events();
    LiveGate gate;
    const auto write_line = [&](const std::string& line) {
        const Fd file(
            gate, gate.enter(OpenAt{.path = "/sys/kernel/tracing/kprobe_events", .flags = O_WRONLY | O_APPEND}).fd());
        const Answer answer = gate.enter(Write{.fd = file.get(), .data = bytes_of(std::string_view(line))});
        INFO(line);
        CHECK(answer.error == 0);
    };
    const auto make = [&](const std::string& event) {
        write_line("p:minibpf/" + event + " " + get_syscall_fnname("getpgid"));
    };
    const pid_t child = fork();
    if (child == 0) _exit(0);
    int status = 0;
    waitpid(child, &status, 0);
    const std::string of_dead = "test_" + std::to_string(child) + "_1", own = "test_" + std::to_string(getpid()) + "_1";
    make(of_dead);
    make(own);
    const std::vector<std::string> removed = remove_stale_probes(gate);
    CHECK(has(removed, of_dead));
    CHECK_FALSE(has(removed, own));
    const auto listed = [](const std::string& event) {
        return lines_with("/sys/kernel/tracing/kprobe_events", "minibpf/" + event).size();
    };
    CHECK(listed(of_dead) == 0);
    CHECK(listed(own) == 1);
    write_line("-:minibpf/" + own);
    CHECK(listed(own) == 0);
}
