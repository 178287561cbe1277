// Everything that an object may ask for, on the running kernel: maps in maps, pins, options, symbols, kernel types,
// tables of functions; what is missing, and what a failing call leaves behind.
#include <filesystem>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// Loads, attaches everything, and makes a few system calls.
Object run_once(KernelGate& gate, ObjectSpec spec) {
    Object object = load(gate, std::move(spec));
    std::vector<Link> links;
    for (const Program& program : object.programs()) links.push_back(attach(gate, program));
    provoke_times(3);
    return object;
}

}  // namespace

TEST_CASE("definitions put maps into maps and programs into program arrays", "[load]") {
    require_bpf();
    LiveGate gate;
    Object object = run_once(gate, data("map_values"));
    CHECK(variable<std::uint64_t>(object, "tail_calls") >= 3);
    CHECK(variable<std::uint32_t>(object, "found") == 1);
}

TEST_CASE("kernel options have the running kernel's values", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = run_once(gate, data("kconfig"));
    struct Seen {
        char hostname[8];
        std::uint64_t nr_cpus;
        std::uint32_t version;
        std::int32_t hz, missing, jit;
        char net;
        bool syscall, cookie, wrapper;
    };
    const auto seen = variable<Seen>(object, "seen");
    CHECK(seen.version >> 8 == running_version());
    CHECK(seen.nr_cpus >= 1);
    CHECK(seen.hz >= 100);
    CHECK(seen.missing == 0);
    CHECK(seen.jit == 1);
    CHECK(seen.net == 'y');
    CHECK(seen.syscall);
    CHECK(seen.cookie);
    CHECK(seen.wrapper == std::filesystem::exists("/sys/bus/event_source/devices/kprobe"));
    CHECK(seen.hostname[0] != '\0');
}

TEST_CASE("symbols of the kernel have their addresses, and weak ones that it lacks are 0", "[load]") {
    require_kernel_btf();
    skip_unless_kernel_has("tp_btf", running_version() >= 0x505);
    LiveGate gate;
    Object object = load(gate, data("ksyms"));
    const Answer link = gate.enter(RawTracepointOpen{.prog_fd = object.programs().at(0).fd()});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
    CHECK(variable<std::uint64_t>(object, "text_address") == kallsyms_address("_stext"));
    CHECK(variable<std::uint64_t>(object, "missing_address") == 0);
    CHECK(variable<std::int32_t>(object, "has_variable") == 0);
    CHECK(variable<std::int32_t>(object, "has_function") == 0);
    CHECK(variable<std::int32_t>(object, "has_lock") == (running_version() >= 0x602 ? 1 : 0));
}

TEST_CASE("two programs of an object have the same options and symbols", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, data("externs_of_all_kinds"));
    std::vector<Fd> attached;
    for (const Program& program : object.programs()) {
        const Answer link = gate.enter(RawTracepointOpen{.prog_fd = program.fd()});
        REQUIRE(link.ok());
        attached.emplace_back(gate, link.fd());
    }
    provoke_times(3);
    CHECK(variable<std::uint64_t>(object, "text_address") == kallsyms_address("_stext"));
    CHECK(variable<std::uint64_t>(object, "address_again") == kallsyms_address("_stext"));
    CHECK(variable<std::uint32_t>(object, "version") >> 8 == running_version());
    CHECK(variable<std::int32_t>(object, "hz") >= 100);
    CHECK(variable<std::int32_t>(object, "calls") == 0);
    CHECK(variable<char>(object, "has_cookie") == 1);
}

TEST_CASE("variables of the kernel are found by name and type", "[load]") {
    require_kernel_btf();
    skip_unless_kernel_has("addresses of variables", kallsyms_address("process_counts") != 0);
    LiveGate gate;
    Object object = load(gate, data("ksym_variables"));
    const Answer link = gate.enter(RawTracepointOpen{.prog_fd = object.programs().at(0).fd()});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
    CHECK(variable<std::int32_t>(object, "has_prog_active") == 1);
    CHECK(variable<std::uint64_t>(object, "processes") > 0);
}

TEST_CASE("variables are written before the load and shared with the programs after it", "[load]") {
    require_bpf();
    LiveGate gate;
    const Holdings before = holdings();
    {
        ObjectSpec spec = data("variables");
        CHECK(spec.variable<std::uint32_t>("limit") == 7);
        spec.variable<std::uint32_t>("limit") = 1000;
        spec.variable<std::int32_t>("step") = 2;
        CHECK(error_of([&] { spec.variable<std::uint64_t>("limit"); }).detail().doing ==
              "variable 'limit' has 4 bytes, and was taken for one of 8");
        Object object = load(gate, std::move(spec));
        CHECK(object.variable<const std::uint32_t>("limit") == 1000);
        CHECK(std::string(object.variable<const char[16]>("greeting")) == "Hello");
        CHECK(error_of([&] { object.variable<std::uint32_t>("limit"); }).detail().blame == Blame::usage);

        const auto run = [&] {
            const int program = object.programs().at(0).fd();
            const Answer link = gate.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = program});
            REQUIRE(link.ok());
            const Fd attached(gate, link.fd());
            provoke_times(3);
        };
        run();
        std::uint64_t& counter = object.variable<std::uint64_t>("counter");
        const std::uint64_t runs = counter / (2 + 5);
        CHECK(runs >= 3);
        CHECK(counter == runs * (2 + 5));
        CHECK(object.variable<std::uint64_t[4]>("array_of_counters")[3] == runs * (1000 + 'l'));
        CHECK(object.variable_text("counter") == std::to_string(counter));

        object.variable<std::int32_t>("step") = -5;  // step and configured make 0 now
        const std::uint64_t last = counter;
        run();
        CHECK(counter == last);
        CHECK(object.variable<std::uint64_t[4]>("array_of_counters")[3] > runs * (1000 + 'l'));
    }
    CHECK(holdings() == before);
}

TEST_CASE("when the memory of variables cannot be mapped, the error says so and nothing is left", "[load]") {
    require_bpf();
    LiveGate live;
    int calls = 0;
    {
        FailingGate counting(live, 1000, ENOMEM);
        load(counting, data("variables"));
        calls = counting.calls();
    }
    const Holdings before = holdings();
    {
        FailingGate gate(live, calls, ENOMEM);  // the next one after those of the load
        Object object = load(gate, data("variables"));
        const Error error = error_of([&] { object.variable<std::uint64_t>("counter"); });
        CHECK_THAT(error.detail().doing, contains("mapping '.bss' into memory"));
        CHECK(error.detail().code == ENOMEM);
    }
    CHECK(holdings() == before);
}

TEST_CASE("a function that the kernel lacks is an error with the nearest name", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    const Error error = error_of([&] { load(gate, data("missing_ksym")); });
    CHECK_THAT(error.detail().doing, contains("hello") && contains("bpf_rcu_read_lokc"));
    CHECK_FALSE(error.detail().hint.empty());
}

TEST_CASE("CO-RE reads members where this kernel has them", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = run_once(gate, for_this_process("core_live"));
    CHECK(variable<std::int32_t>(object, "pid") == getpid());
    CHECK(variable<std::int32_t>(object, "leader_pid") == getpid());
    CHECK(variable<std::int32_t>(object, "exists") == 1);
    CHECK(variable<std::int32_t>(object, "missing") == 0);
}

TEST_CASE("reading a member that the kernel lacks is explained when the verifier meets it", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    LoadOptions options;
    options.programs = {"poisoned"};
    const Error error = error_of([&] { load(gate, for_this_process("core_live"), options); });
    CHECK_THAT(error.detail().kernel_log, contains("unknown#195896080"));
    CHECK_THAT(error.detail().hint, contains("task_struct___other.no_kernel_has_this_member"));
}

TEST_CASE("a load that keeps going loads what it can and says what it left out", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    LoadOptions options;
    options.keep_going = true;
    const Object object = load(gate, data("keep_going"), options);
    REQUIRE(object.programs().size() == 1);
    CHECK(object.programs()[0].name() == "good");
    REQUIRE(object.failed_programs().size() == 2);
    CHECK(object.failed_programs()[0].name == "without_hook");
    CHECK_THAT(object.failed_programs()[0].error.detail().doing, contains("no_kernel_has_this_function"));
    CHECK(object.failed_programs()[1].name == "refused");
    CHECK_FALSE(object.failed_programs()[1].error.detail().kernel_log.empty());

    options.keep_going = false;
    CHECK_THAT(error_of([&] { load(gate, data("keep_going"), options); }).detail().doing, contains("without_hook"));
}

TEST_CASE("a map pinned by name is found by the next load", "[load]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    const std::uint32_t key = 7;
    const std::uint64_t value = 4711;
    {
        Object first = load(gate, data("pinned"), options);
        CHECK_FALSE(first.require_map("minibpf_test_pinned").was_pinned());
        first.require_map("minibpf_test_pinned").update(bytes_of(key), bytes_of(value));
    }
    REQUIRE(pins.has("minibpf_test_pinned"));
    Object second = load(gate, data("pinned"), options);
    Map& map = second.require_map("minibpf_test_pinned");
    CHECK(map.was_pinned());
    CHECK(read_at<std::uint64_t>(map.lookup(bytes_of(key)).value(), 0) == value);

    ObjectSpec larger = data("pinned");
    larger.require_map("minibpf_test_pinned").max_entries = 16;
    CHECK_THAT(error_of([&] { load(gate, std::move(larger), options); }).detail().doing,
               contains("max_entries=8 instead of 16"));
}

TEST_CASE("iproute2's maps of maps are loaded and pinned where tc looks for them", "[load]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    Object object = load(gate, data("iproute2_maps"), options);
    CHECK(pins.has("tc/globals/by_interface"));
    const std::uint32_t key = 1;
    CHECK(object.require_map("by_interface").lookup(bytes_of(key)).has_value());
}

TEST_CASE("a table of functions for the kernel is fitted to its struct", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, data("struct_ops"));
    const Map& table = object.require_map("minibpf");
    CHECK(object.programs().size() == 3);
    CHECK(table.struct_ops_value().size() == table.spec().value_size);
    CHECK(table.spec().value_size > 40);  // the kernel's struct around ours
    const std::string_view text(reinterpret_cast<const char*>(table.struct_ops_value().data()),
                                table.struct_ops_value().size());
    CHECK(text.find("minibpf") != std::string_view::npos);
}

TEST_CASE("a function of optional tables alone is left out, one that a table needs is loaded", "[load]") {
    require_kernel_btf();
    LiveGate gate;
    ObjectSpec spec = data("optional_struct_ops");
    spec.require_map("linked").optional = true;
    spec.require_map("optional_one").optional = false;
    Object object = load(gate, std::move(spec));
    std::vector<std::string> programs;
    for (const Program& program : object.programs()) programs.push_back(program.name());
    std::ranges::sort(programs);
    CHECK(programs == std::vector<std::string>{"optional_undo_cwnd", "shared_cong_avoid", "shared_ssthresh"});
    CHECK(object.find_map("optional_one") != nullptr);
    CHECK(object.find_map("linked") == nullptr);
}

TEST_CASE("a ring buffer's size is rounded up to what the kernel takes", "[load]") {
    require_bpf();
    LiveGate gate;
    ObjectSpec spec = data("ring_buffer");
    for (MapSpec& map : spec.maps) {
        if (map.type == BPF_MAP_TYPE_RINGBUF) map.max_entries = 5000;
    }
    Object object = load(gate, std::move(spec));
    for (const Map& map : object.maps()) {
        if (map.spec().type == BPF_MAP_TYPE_RINGBUF) CHECK(map.max_entries() == 8192);
    }
}
