// Externs that the kernel lacks or has otherwise, and an error in the middle of a load: names in it, and nothing left.
#include <filesystem>

#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// The error of loading one program of tests/data/wrong_externs.bpf.c, after which the process holds what it held.
Error error_of_program(const std::string& program) {
    LiveGate gate;
    const LoadOptions options{.programs = {program}};
    const Holdings before = holdings();
    const Error error = error_of([&] { load(gate, data("wrong_externs"), options); });
    CHECK(holdings() == before);
    CHECK_THAT(error.detail().doing, contains("program '" + program + "'"));
    return error;
}

/// A kernel whose configuration cannot be read.
class HidesConfiguration final : public KernelGate {
public:
    explicit HidesConfiguration(KernelGate& next) : next_(next) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        const auto* open = std::get_if<OpenAt>(&call);
        if (open != nullptr && std::string_view(open->path).find("config") != std::string_view::npos) {
            return {.value = -1, .error = ENOENT};
        }
        return next_.enter(call, reason);
    }

private:
    KernelGate& next_;
};

}  // namespace

TEST_CASE("a symbol, a variable or a function that the kernel lacks ends the load with its name", "[load][externs]") {
    require_kernel_btf();
    const Error symbol = error_of_program("missing_symbol");
    CHECK_THAT(symbol.detail().doing, contains("'no_kernel_has_this_symbol'") && contains("/proc/kallsyms"));
    CHECK_THAT(symbol.detail().hint, contains("__weak"));
    CHECK(symbol.detail().blame == Blame::object);
    CHECK_THAT(error_of_program("missing_variable").detail().doing,
               contains("'no_kernel_has_this_variable'") && contains("such a variable"));
}

TEST_CASE("a variable or a function of another type than the kernel's ends the load with its name", "[load][externs]") {
    require_kernel_btf();
    const Error variable = error_of_program("other_variable");
    CHECK_THAT(variable.detail().doing, contains("'bpf_prog_active'") && contains("variable has another type"));
    CHECK_THAT(variable.detail().hint, contains("compare the two declarations"));
    CHECK_THAT(error_of_program("other_function").detail().doing,
               contains("'kfree'") && contains("function has another type"));
}

TEST_CASE("what is weak and of another type is 0, as if it were not there", "[load][externs]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, data("wrong_externs"), {.programs = {"weak_ones"}});
    const int fd = object.require_program("weak_ones").fd();
    const Answer link = gate.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = fd});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
    CHECK(variable<std::int32_t>(object, "answer") == 0);
}

TEST_CASE("the call of a weak function that the kernel lacks is explained when the verifier meets it",
          "[load][externs]") {
    require_kernel_btf();
    const Error error = error_of_program("unasked");
    CHECK_THAT(error.detail().kernel_log, contains("unknown#20020000"));
    CHECK_THAT(error.detail().hint, contains("'no_kernel_has_this_function'") && contains("bpf_ksym_exists"));
}

TEST_CASE("a kernel whose configuration cannot be read is an error that says where it was looked for",
          "[load][externs]") {
    require_kernel_btf();
    LiveGate live;
    HidesConfiguration gate(live);
    const Holdings before = holdings();
    const Error error = error_of([&] { load(gate, data("kconfig")); });
    CHECK(holdings() == before);
    CHECK_THAT(error.detail().doing, contains("CONFIG_") && contains("/proc/config.gz") && contains("/boot/config-"));
    CHECK(error.detail().blame == Blame::facility);

    ObjectSpec weak = data("kconfig");
    for (ExternSpec& external : weak.externs) external.is_weak = true;
    Object object = load(gate, std::move(weak));
    const std::uint32_t zero = 0;
    const Bytes options = object.find_map(".kconfig")->lookup(bytes_of(zero)).value();
    const ExternSpec& hz = *std::ranges::find(object.spec().externs, std::string_view("CONFIG_HZ"), &ExternSpec::name);
    CHECK(read_at<std::uint32_t>(options, hz.offset) == 0u);
}

TEST_CASE("an option that is not set ends a load in its middle, and what was pinned is gone", "[load][externs]") {
    require_kernel_btf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options{.pin_directory = pins.path};
    const Holdings before = holdings();
    const Error error = error_of([&] { load(gate, data("missing_option"), options); });
    CHECK_THAT(error.detail().doing, contains("'CONFIG_NO_KERNEL_HAS_THIS'") && contains("does not set it"));
    CHECK_THAT(error.detail().hint, contains("__weak"));
    CHECK_FALSE(pins.has("minibpf_test_early"));
    CHECK(holdings() == before);

    // With a program that can do without it, it concerns the other one alone, and the pin stays.
    options.keep_going = true;
    std::vector<std::string> notices;
    options.notice = [&](const std::string& text) { notices.push_back(text); };
    {
        const Object object = load(gate, data("missing_option"), options);
        REQUIRE(object.programs().size() == 1);
        CHECK(object.programs()[0].name() == "with_map");
        REQUIRE(object.failed_programs().size() == 1);
        CHECK(object.failed_programs()[0].name == "with_option");
        CHECK_THAT(object.failed_programs()[0].error.detail().doing, contains("'CONFIG_NO_KERNEL_HAS_THIS'"));
        REQUIRE(notices.size() == 1);
        CHECK_THAT(notices[0], contains("map '.kconfig' was left out"));
    }
    CHECK(pins.has("minibpf_test_early"));
    CHECK(holdings() == before);

    // And without such a program it ends the load.
    std::filesystem::remove(pins.path + "/minibpf_test_early");
    options.programs = {"with_option"};
    const Error alone = error_of([&] { load(gate, data("missing_option"), options); });
    CHECK_THAT(alone.detail().doing, contains("none of the 1 programs") && contains("'CONFIG_NO_KERNEL_HAS_THIS'"));
    CHECK_FALSE(pins.has("minibpf_test_early"));
    CHECK(holdings() == before);
}
