// Probes in user space on the running kernel: on functions and USDT probes of this very program, and of the C library.
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>

#include <fmt/format.h>
#include <sys/wait.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/usdt.hpp>
#include <libminibpf/elf/executable.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/probe_targets.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr std::uint64_t some_cookie = 0x1122334455667788;

std::string this_program() {
    return std::filesystem::read_symlink("/proc/self/exe").string();
}

Object load_uprobe(KernelGate& gate, const std::string& program) {
    return load(gate, for_this_process("kernel_uprobes"), {.programs = {program}});
}

void call_probed(int times) {
    for (int i = 0; i < times; ++i) minibpf_probed(i);
}

void call_all_probed() {
    minibpf_probed_first(10);
    minibpf_probed_second(10);
    minibpf_probed_third(10);
}

// The file offset of a function of this program.
std::uint64_t own_offset(std::string_view name) {
    const Bytes file = file_bytes("/proc/self/exe");
    for (const elf::FunctionSymbol& function : elf::parse_executable(file, "this program").functions) {
        if (function.name == name) return function.offset;
    }
    FAIL("no function " << name);
    return 0;
}

// The link, or a skip where the kernel has no such links.
Link attach_or_skip(KernelGate& gate, Object& object, const std::string& program, const AttachOptions& options = {}) {
    const Program& loaded = object.require_program(program);
    try {
        return attach(gate, loaded, options);
    } catch (const Error& error) {
        INFO(error.what());
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("Linux 6."));
        skip_unless_kernel_has(hook_text({.kind = loaded.spec().kind.hook.kind}), false);
        throw;
    }
}

Object load_or_skip(KernelGate& gate, const std::string& program) {
    try {
        return load_uprobe(gate, program);
    } catch (const Error& error) {
        if (error.detail().code != EINVAL) throw;
        leave_skipped("this kernel loads no " + program);
    }
}

const AttachOptions each_way[] = {
    {.kprobe_by = KprobeBy::pmu},
    {.kprobe_by = KprobeBy::tracefs},
    {.by = AttachBy::link, .kprobe_by = KprobeBy::pmu},
    {.by = AttachBy::link, .kprobe_by = KprobeBy::tracefs},
};

}  // namespace

TEST_CASE("a uprobe runs its program at each call of the function while it is attached, however it is made",
          "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    const Holdings before = holdings();
    for (const AttachOptions& options : each_way) {
        INFO("by link: " << (options.by == AttachBy::link)
                         << ", tracefs: " << (options.kprobe_by == KprobeBy::tracefs));
        Object object = load_uprobe(gate, "on_uprobe");
        call_probed(3);
        CHECK(hits(object) == 0);
        {
            const Link link = attach(gate, object.require_program("on_uprobe"), options);
            CHECK(link.event_fd() >= 0);
            CHECK((link.link_fd() >= 0) == (options.by == AttachBy::link));
            CHECK(holdings().probes.size() == (options.kprobe_by == KprobeBy::tracefs ? 1 : 0));
            if (options.by == AttachBy::link && running_version() >= 0x0606)
                CHECK_THAT(target_of(gate, link),
                           contains(fmt::format("uprobe /proc/self/exe+{:#x}", own_offset("minibpf_probed"))));
            call_probed(5);
            CHECK(hits(object) == 5);
        }
        call_probed(4);
        CHECK(hits(object) == 5);
        CHECK(holdings().probes.empty());
    }
    CHECK(holdings() == before);
}

TEST_CASE("a uretprobe runs at each return and sees what the function returned", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    for (const AttachOptions& options : each_way) {
        Object object = load_uprobe(gate, "on_uretprobe");
        {
            const Link link = attach(gate, object.require_program("on_uretprobe"), options);
            CHECK(minibpf_probed(21) == 43);
            CHECK(variable<std::int64_t>(object, "result") == 43);
            CHECK(hits(object) == 1);
        }
        minibpf_probed(1);
        CHECK(hits(object) == 1);
    }
}

TEST_CASE("a sleepable program runs at a uprobe", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_or_skip(gate, "on_sleepable_uprobe");
    {
        const Link link = attach(gate, object.require_program("on_sleepable_uprobe"));
        call_probed(2);
        CHECK(hits(object) == 2);
    }
    call_probed(2);
    CHECK(hits(object) == 2);
}

TEST_CASE("a uprobe's link has a cookie", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_uprobe(gate, "read_uprobe_cookie");
    const Link link =
        attach(gate, object.require_program("read_uprobe_cookie"), {.by = AttachBy::link, .cookie = some_cookie});
    call_probed(1);
    CHECK(variable<std::uint64_t>(object, "cookie") == some_cookie);
}

TEST_CASE("a uprobe can be put at an offset in the file, and behind a function's first instruction",
          "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_uprobe(gate, "on_uprobe");
    const Program& program = object.require_program("on_uprobe");
    const std::uint64_t begin = own_offset("minibpf_probed");
    {
        const Link link = attach(gate, program, parse_hook(fmt::format("uprobe:/proc/self/exe:0x{:x}", begin)));
        call_probed(2);
        CHECK(hits(object) == 2);
    }
    // The function that lies before the probed place by a distance of some bytes.
    const std::uint64_t first = own_offset("minibpf_probed_first");
    const std::uint64_t second = own_offset("minibpf_probed_second");
    if (second <= first) return;
    const Link link = attach(
        gate, program, parse_hook(fmt::format("uprobe:/proc/self/exe:minibpf_probed_first+0x{:x}", second - first)));
    minibpf_probed_first(1);
    CHECK(hits(object) == 2);
    minibpf_probed_second(1);
    CHECK(hits(object) == 3);
}

TEST_CASE("a uprobe is found in a library by the library's name", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    for (const char* hook : {"uprobe:libc:getpgid", "uprobe:libc.so.6:getpgid"}) {
        INFO(hook);
        Object object = load_uprobe(gate, "on_uprobe");
        {
            const Link link = attach(gate, object.require_program("on_uprobe"), parse_hook(hook));
            getpgid(0);
            CHECK(hits(object) == 1);
        }
        getpgid(0);
        CHECK(hits(object) == 1);
    }
}

TEST_CASE("a uprobe for one process is not hit by another", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    const pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    for (AttachOptions options : each_way) {
        Object object = load_uprobe(gate, "on_uprobe");
        const Program& program = object.require_program("on_uprobe");
        options.pid = other;
        {
            const Link link = attach(gate, program, options);
            call_probed(2);
            CHECK(hits(object) == 0);
        }
        options.pid = getpid();
        const Link link = attach(gate, program, options);
        call_probed(2);
        CHECK(hits(object) == 2);
    }
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
    Object object = load_uprobe(gate, "on_uprobe");
    const Error error = error_of([&] { attach(gate, object.require_program("on_uprobe"), {.pid = other}); });
    CHECK(error.detail().code == ESRCH);
    CHECK_THAT(error.detail().hint, contains("no process"));
}

TEST_CASE("a function that the file does not have is the object's error, with the nearest name", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_uprobe(gate, "on_uprobe");
    const Holdings before = holdings();
    const auto error_at = [&](const char* hook) {
        return error_of([&] { attach(gate, object.require_program("on_uprobe"), parse_hook(hook)); });
    };
    const Error misspelt = error_at("uprobe:/proc/self/exe:minibpf_prodeb");
    CHECK(misspelt.detail().blame == Blame::object);
    CHECK_THAT(misspelt.what(), contains("minibpf_prodeb"));
    CHECK_THAT(misspelt.detail().hint, contains("did you mean minibpf_probed?"));
    const Error no_file = error_at("uprobe:/no/such/file:main");
    CHECK(no_file.detail().blame == Blame::object);
    const Error no_library = error_at("uprobe:libnosuchlibrary.so:main");
    CHECK(no_library.detail().blame == Blame::object);
    CHECK_THAT(no_library.detail().hint, contains("ld.so.cache"));
    const Error script = error_at("uprobe:/proc/self/status:main");
    CHECK(script.detail().blame == Blame::object);
    CHECK_THAT(script.what(), contains("not an ELF file"));
    const Error outside = error_at("uprobe:/proc/self/exe:0x7fffffffffff");
    CHECK(outside.detail().code == EINVAL);
    CHECK_THAT(outside.detail().hint, contains("outside the file"));
    const Error no_symbol = error_at("uprobe:/proc/self/exe");
    CHECK(no_symbol.detail().blame == Blame::usage);
    CHECK(holdings() == before);
}

TEST_CASE("uprobe.multi runs one program at all functions that match, by one link", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_or_skip(gate, "on_uprobe_multi");
    {
        const Link link = attach_or_skip(gate, object, "on_uprobe_multi", {.cookie = some_cookie});
        CHECK(link.link_fd() >= 0);
        if (running_version() >= 0x0608) CHECK(target_of(gate, link) == "3 places in " + this_program());
        call_all_probed();
        CHECK(hits(object) == 3);
        CHECK(variable<std::uint64_t>(object, "cookie") == some_cookie);
    }
    call_all_probed();
    CHECK(hits(object) == 3);
    {
        const Link link = attach(gate, object.require_program("on_uprobe_multi"),
                                 parse_hook("uprobe.multi:/proc/self/exe:minibpf_probed_second"));
        call_all_probed();
        CHECK(hits(object) == 4);
    }
    const Error none = error_of([&] {
        attach(gate, object.require_program("on_uprobe_multi"), parse_hook("uprobe.multi:/proc/self/exe:no_such_*"));
    });
    CHECK(none.detail().blame == Blame::object);
}

TEST_CASE("uretprobe.multi runs at the returns", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_or_skip(gate, "on_uretprobe_multi");
    {
        const Link link = attach_or_skip(gate, object, "on_uretprobe_multi");
        call_all_probed();
        CHECK(hits(object) == 3);
        CHECK(variable<std::int64_t>(object, "result") == 13);
    }
    call_all_probed();
    CHECK(hits(object) == 3);
}

TEST_CASE("uprobe.session runs at the beginning and at the return", "[attach][uprobe]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_or_skip(gate, "on_uprobe_session");
    {
        const Link link = attach_or_skip(gate, object, "on_uprobe_session");
        call_all_probed();
        CHECK(hits(object) == 6);
    }
    call_all_probed();
    CHECK(hits(object) == 6);
}

// USDT

TEST_CASE("a USDT program runs at each place of its probe, and the semaphore counts who looks", "[attach][usdt]") {
    require_uprobes();
    LiveGate gate;
    for (const AttachOptions& options : each_way) {
        Object object = load_uprobe(gate, "on_usdt");
        look_at(1, 2, 3);
        CHECK(hits(object) == 0);
        CHECK(minibpf_usdt_semaphore == 0);
        {
            const Link link = attach(gate, object.require_program("on_usdt"), options);
            CHECK(minibpf_usdt_semaphore == 2);
            look_at(1, 2, 3);
            look_at_elsewhere(4);
            CHECK(hits(object) == 2);
        }
        CHECK(minibpf_usdt_semaphore == 0);
        look_at(1, 2, 3);
        look_at_elsewhere(4);
        CHECK(hits(object) == 2);
        CHECK(holdings().probes.empty());
    }
}

TEST_CASE("a USDT program reads the arguments where the notes say they are", "[attach][usdt]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_uprobe(gate, "read_usdt");
    UsdtSpecs specs(object);
    CHECK(specs.is_used());
    const auto arguments = [&] { return variable<std::array<std::int64_t, 12>>(object, "arguments"); };
    const AttachOptions options{.cookie = some_cookie, .usdt_specs = &specs};
    for (int again = 0; again < 3; ++again) {  // what is known is not written a second time: the map has four elements
        const Link link = attach(gate, object.require_program("read_usdt"), options);
        look_at(-5, 250, -1234567890123);
        CHECK(variable<std::uint64_t>(object, "argument_count") == 4);
        CHECK(arguments()[0] == -5);
        CHECK(arguments()[1] == 250);
        CHECK(arguments()[2] == -1234567890123);
        CHECK(arguments()[3] == 7);
        CHECK(variable<std::uint64_t>(object, "usdt_cookie") == some_cookie);
        look_at_elsewhere(99);
        CHECK(variable<std::uint64_t>(object, "argument_count") == 1);
        CHECK(arguments()[0] == 99);
    }
    CHECK(hits(object) == 6);
    look_at_elsewhere(99);
    CHECK(hits(object) == 6);
}

TEST_CASE("a USDT probe that the file does not have is the object's error, with the nearest name", "[attach][usdt]") {
    require_uprobes();
    LiveGate gate;
    Object object = load_uprobe(gate, "on_usdt");
    const Error error = error_of(
        [&] { attach(gate, object.require_program("on_usdt"), parse_hook("usdt:/proc/self/exe:minibpf:looked_et")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.detail().hint, contains("minibpf:looked_at"));
    const Error malformed =
        error_of([&] { attach(gate, object.require_program("on_usdt"), parse_hook("usdt:/proc/self/exe:looked_at")); });
    CHECK(malformed.detail().blame == Blame::usage);
}

TEST_CASE("when any call fails, attaching to user space leaves nothing open, and no probe", "[attach][uprobe][fault]") {
    require_uprobes();
    LiveGate live;
    const std::function<void()> calls_probed = [] { call_probed(1); };
    const std::function<void()> passes_usdt = [] { look_at_elsewhere(1); };
    for (const auto& [program, provoke_it] :
         {std::pair("on_uprobe", calls_probed), std::pair("on_uretprobe", calls_probed),
          std::pair("read_usdt", passes_usdt)}) {
        for (const AttachOptions& way : each_way) {
            INFO(program);
            Object object = load_uprobe(live, program);
            std::optional<UsdtSpecs> specs;  // outlives each link
            sweep_attach(
                [&, name = program](KernelGate& gate) {
                    CHECK(minibpf_usdt_semaphore == 0);
                    AttachOptions options = way;
                    options.usdt_specs = &specs.emplace(object);
                    return attach(gate, object.require_program(name), options);
                },
                counts(object, provoke_it), {EPERM, EINVAL});
            CHECK(minibpf_usdt_semaphore == 0);
        }
    }
}

TEST_CASE("when any call fails, no uprobe.multi program stays at its functions", "[attach][uprobe][fault]") {
    require_uprobes();
    LiveGate live;
    for (const char* program : {"on_uprobe_multi", "on_uretprobe_multi"}) {
        INFO(program);
        Object object = load_or_skip(live, program);
        attach_or_skip(live, object, program);
        sweep_attach([&](KernelGate& gate) { return attach(gate, object.require_program(program)); },
                     counts(object, call_all_probed), {EPERM, EINVAL});
    }
}

TEST_CASE("when any call fails, no uprobe.session program stays at its functions", "[attach][uprobe][fault]") {
    require_uprobes();
    LiveGate live;
    Object object = load_or_skip(live, "on_uprobe_session");
    attach_or_skip(live, object, "on_uprobe_session");
    sweep_attach([&](KernelGate& gate) { return attach(gate, object.require_program("on_uprobe_session")); },
                 counts(object, call_all_probed), {EPERM, EINVAL});
}
