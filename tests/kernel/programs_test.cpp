// Programs on the running kernel: every kind of section, callbacks, functions that replace others, and what cannot be.
#include <algorithm>
#include <string_view>
#include <vector>

#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// The first kernel, as major << 8 | minor, whose verifier takes programs of such a section. 0: as old as we care for.
struct Since {
    std::string_view prefix;
    std::uint32_t version;
};

constexpr Since since[] = {
    {"kprobe.session", 0x60a},
    {"kretprobe.session", 0x60a},
    {"uprobe.session", 0x60d},
    {"uprobe.multi", 0x606},
    {"uretprobe.multi", 0x606},
    {"tc/", 0x606},
    {"tcx", 0x606},
    {"netkit", 0x607},
    {"netfilter", 0x604},
    {"fentry.multi", 0x702},
    {"fexit.multi", 0x702},
    {"fsession", 0x700},
    {"cgroup/connect_unix", 0x607},
    {"cgroup/sendmsg_unix", 0x607},
    {"cgroup/recvmsg_unix", 0x607},
    {"cgroup/getpeername_unix", 0x607},
    {"cgroup/getsockname_unix", 0x607},
    {"tracepoint.s", 0x702},
    {"tp.s", 0x702},
    {"raw_tp.s", 0x702},
    {"raw_tracepoint.s", 0x702},
    {"tp_btf.s", 0x702},
    {"fentry.s", 0x602},
    {"fexit.s", 0x602},
    {"fmod_ret.s", 0x602},
};

std::uint32_t needed_version(std::string_view section) {
    for (const Since& row : since) {
        if (section.starts_with(row.prefix)) return row.version;
    }
    return 0;
}

bool needs_trampoline(const ProgramSpec& program) {
    if (program.kind.type == BPF_PROG_TYPE_LSM) return true;
    return program.kind.type == BPF_PROG_TYPE_TRACING && program.kind.expected_attach_type != BPF_TRACE_RAW_TP &&
           program.kind.expected_attach_type != BPF_TRACE_ITER;
}

}  // namespace

TEST_CASE("a program of every kind of section is loaded", "[load][programs]") {
    require_kernel_btf();
    LiveGate gate;
    const ObjectSpec spec = data("every_section");
    const bool trampolines = has_trampolines(gate);
    int loaded = 0;
    for (const ProgramSpec& program : spec.programs) {
        if (needed_version(program.section) > running_version()) continue;
        if (needs_trampoline(program) && !trampolines) continue;
        INFO(program.section);
        LoadOptions options;
        options.programs = {program.name};
        try {
            const Object object = load(gate, spec, options);
            REQUIRE(object.programs().size() == 1);
            const auto info = kernel_info<bpf_prog_info>(gate, object.programs()[0].fd());
            CHECK(info.type == std::uint32_t{program.kind.type});
            ++loaded;
        } catch (const Error& error) {
            // An infrared receiver's driver brings this type along.
            if (program.section != "lirc_mode2") FAIL_CHECK(error.what() << '\n' << error.detail().kernel_log);
        }
    }
    CHECK(loaded >= 70);
}

TEST_CASE("a program of a kind that the kernel lacks is an error that says what is missing", "[load][programs]") {
    require_bpf();
    LiveGate gate;
    ObjectSpec spec = data("legacy_maps");
    spec.programs.at(0).kind.type = static_cast<bpf_prog_type>(4711);
    const Error error = error_of([&] { load(gate, std::move(spec)); });
    CHECK_THAT(error.detail().hint, contains("too old") && contains("built without"));
}

TEST_CASE("subprograms are called in sections of any name", "[load][programs]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("subprogram_sections"));
    CHECK(run_with_packet(object.require_program("all").fd()) == ((7 + 1) * 2 + 3) * 5);
    CHECK(run_with_packet(object.require_program("some").fd()) == 2);
}

TEST_CASE("functions are called back by loops, maps and timers", "[load][programs]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, data("callbacks"));
    CHECK(run_with_packet(object.require_program("all_of_them").fd()) == 0);
    CHECK(object.variable<const std::uint64_t>("sum_of_loop") == 0 + 1 + 2 + 3 + 4);
    CHECK(object.variable<const std::uint64_t>("in_section") == 5 * 2);
    CHECK(object.variable<const std::uint64_t>("sum_of_elements") == 1 + 2 + 3 + 4);
    const volatile std::uint64_t& fired = object.variable<const std::uint64_t>("timer_fired");
    for (int tries = 0; tries < 20'000 && fired == 0; ++tries) usleep(1000);
    CHECK(fired == 4711);
}

TEST_CASE("functions that call themselves are refused, and named", "[load][programs]") {
    require_bpf();
    LiveGate gate;
    const auto hint = [&](const char* program) {
        LoadOptions options;
        options.programs = {program};
        const Holdings before = holdings();
        const Error error = error_of([&] { load(gate, data("recursion"), options); });
        CHECK(holdings() == before);
        CHECK_THAT(error.detail().doing, contains(std::string("program '") + program + "'"));
        CHECK(error.detail().blame == Blame::kernel);
        CHECK_FALSE(error.detail().kernel_log.empty());
        return error.detail().hint;
    };
    CHECK_THAT(hint("itself"), contains("'down' calls itself"));
    CHECK_THAT(hint("each_other"), contains("'ping' calls 'pong', which calls 'ping'"));
    LoadOptions options;
    options.keep_going = true;
    const Object object = load(gate, data("recursion"), options);
    REQUIRE(object.programs().size() == 1);
    CHECK(object.programs()[0].name() == "neither");
}

TEST_CASE("a program takes the place of another program's function", "[load][programs]") {
    require_kernel_btf();
    LiveGate gate;
    skip_unless_kernel_has("trampolines", has_trampolines(gate));
    Object target = load(gate, data("replaced"));
    const int entry = target.require_program("entry").fd();
    CHECK(run_with_packet(entry) == 5);
    LoadOptions options;
    options.target_prog_fds = {{"replacement", entry}};
    Object object = load(gate, data("replacement"), options);
    REQUIRE(object.programs().size() == 1);
    CHECK(kernel_info<bpf_prog_info>(gate, object.programs()[0].fd()).type == BPF_PROG_TYPE_EXT);
    {
        const Answer link = gate.enter(RawTracepointOpen{.prog_fd = object.programs()[0].fd()});
        REQUIRE(link.ok());
        const Fd attached(gate, link.fd());
        CHECK(run_with_packet(entry) == 104);
    }
    CHECK(run_with_packet(entry) == 5);
}

TEST_CASE("programs run before and after another program", "[load][programs]") {
    require_kernel_btf();
    LiveGate gate;
    skip_unless_kernel_has("trampolines", has_trampolines(gate));
    Object target = load(gate, data("replaced"));
    const int entry = target.require_program("entry").fd();
    LoadOptions options;
    options.programs = {"before", "after"};
    options.target_prog_fds = {{"before", entry}, {"after", entry}};
    Object object = load(gate, data("replacement"), options);
    REQUIRE(object.programs().size() == 2);
    std::vector<Fd> links;
    for (const Program& program : object.programs()) {
        const Answer link = gate.enter(RawTracepointOpen{.prog_fd = program.fd()});
        REQUIRE(link.ok());
        links.emplace_back(gate, link.fd());
    }
    run_with_packet(entry);
    run_with_packet(entry);
    CHECK(object.variable<const std::uint64_t>("entered") == 2);
    CHECK(object.variable<const std::uint64_t>("left") == 2);
}

TEST_CASE("a program for another program wants that one, with types and the function", "[load][programs]") {
    require_kernel_btf();
    LiveGate gate;
    CHECK_THAT(error_of([&] { load(gate, data("replacement")); }).detail().hint, contains("--target PROGRAM=ID"));
    Object target = load(gate, data("replaced"));
    LoadOptions options;
    options.programs = {"of_nothing"};
    options.target_prog_fds = {{"of_nothing", target.require_program("entry").fd()}};
    const Error missing = error_of([&] { load(gate, data("replacement"), options); });
    CHECK_THAT(missing.detail().doing, contains("'of_nothing'") && contains("no function 'no_such_function'"));

    ObjectSpec untyped = data("replaced");
    untyped.btf.reset();
    for (MapSpec& map : untyped.maps) map.btf_value_type_id = 0;
    Object without = load(gate, std::move(untyped));
    options.target_prog_fds = {{"of_nothing", without.require_program("entry").fd()}};
    CHECK_THAT(error_of([&] { load(gate, data("replacement"), options); }).detail().doing, contains("has no BTF"));
}
