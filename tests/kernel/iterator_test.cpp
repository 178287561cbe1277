// Iterators on the running kernel: what they write is what there is, also of one map, one process, one cgroup.
#include <fmt/format.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

Object load_iterators(KernelGate& gate, const std::string& program) {
    return load(gate, data("iterators"), {.programs = {program}});
}

std::string output_of(KernelGate& gate, Object& object, const Hook& hook) {
    const Link link = attach(gate, object.programs().front(), hook, {.object = &object});
    std::string text;
    run_iterator(gate, link, [&](std::string_view piece) { text += piece; });
    return text;
}

std::string line_of_this_process() {
    return fmt::format("process {0} thread {0}\n", getpid());
}

}  // namespace

TEST_CASE("an iterator over tasks finds this process, each time that it is run", "[attach][iter]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load_iterators(gate, "tasks");
    const Holdings before = holdings();
    {
        const Link link = attach(gate, object.programs().front());
        CHECK(target_of(gate, link) == "task");
        for (int times = 0; times < 2; ++times) {
            std::string text;
            run_iterator(gate, link, [&](std::string_view piece) { text += piece; });
            CHECK_THAT(text, contains(line_of_this_process()));
        }
    }
    CHECK(holdings() == before);
}

TEST_CASE("an iterator over one process's tasks finds no others", "[attach][iter]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load_iterators(gate, "tasks");
    const std::string pid = std::to_string(getpid());
    CHECK(output_of(gate, object, parse_hook("iter:task,pid=" + pid)) == line_of_this_process());
    CHECK(output_of(gate, object, parse_hook("iter:task,tid=" + pid)) == line_of_this_process());
    const Error error = error_of([&] { output_of(gate, object, parse_hook("iter:task,process=" + pid)); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.detail().hint, contains("pid="));
}

TEST_CASE("an iterator over a map's elements finds them all, by the map's name and by its id", "[attach][iter]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load_iterators(gate, "elements");
    Map& squares = object.require_map("squares");
    for (const char* number : {"3", "5", "7"})
        squares.update(number, std::to_string(std::atoi(number) * std::atoi(number)));
    const auto id = kernel_info<bpf_map_info>(gate, squares.fd()).id;
    for (const std::string& map : {std::string("squares"), std::to_string(id)}) {
        const std::string text = output_of(gate, object, parse_hook("iter:bpf_map_elem,map=" + map));
        CHECK_THAT(text,
                   contains("3 squared is 9\n") && contains("5 squared is 25\n") && contains("7 squared is 49\n"));
        CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    }
    const Error without = error_of([&] { output_of(gate, object, parse_hook("iter:bpf_map_elem")); });
    CHECK_THAT(without.detail().hint, contains("map=NAME"));
    const Error misspelt = error_of([&] { output_of(gate, object, parse_hook("iter:bpf_map_elem,map=square")); });
    CHECK(misspelt.detail().blame == Blame::object);
    CHECK_THAT(misspelt.detail().hint, contains("squares"));
}

TEST_CASE("an iterator over cgroups begins where it is told", "[attach][iter]") {
    require_kernel_btf();
    const std::filesystem::path root = "/sys/fs/cgroup";
    skip_unless_kernel_has("cgroups", std::filesystem::exists(root / "cgroup.controllers"));
    LiveGate gate;
    Object object = load_iterators(gate, "cgroups");
    struct Group {
        std::filesystem::path path;
        ~Group() {
            std::filesystem::remove(path / "below");
            std::filesystem::remove(path);
        }
    } const group{root / ("minibpf_iterator_" + std::to_string(getpid()))};
    std::filesystem::create_directories(group.path / "below");
    const std::string begin = "iter:cgroup,cgroup=" + group.path.string();
    const std::string pre = output_of(gate, object, parse_hook(begin));
    const std::string post = output_of(gate, object, parse_hook(begin + ",order=post"));
    CHECK(std::count(pre.begin(), pre.end(), '\n') == 2);
    CHECK(pre.substr(0, pre.find('\n')) < post.substr(0, post.find('\n')));
    const std::string self = output_of(gate, object, parse_hook(begin + ",order=self"));
    CHECK(std::count(self.begin(), self.end(), '\n') == 1);
    CHECK(output_of(gate, object, parse_hook("iter:cgroup")).size() > pre.size());
    CHECK(error_of([&] { output_of(gate, object, parse_hook(begin + ",order=wild")); }).detail().blame == Blame::usage);
    CHECK(error_of([&] { output_of(gate, object, parse_hook("iter:cgroup,cgroup=/no/such")); }).detail().blame ==
          Blame::usage);
}

TEST_CASE("when any call fails, an iterator leaves nothing open", "[attach][iter][fault]") {
    require_kernel_btf();
    LiveGate live;
    Object object = load_iterators(live, "elements");
    const auto id = kernel_info<bpf_map_info>(live, object.require_map("squares").fd()).id;
    bool done = false;
    int nth = 0;
    for (; !done; ++nth) {
        INFO("call " << nth << " fails");
        REQUIRE(nth < 20);
        const Holdings before = holdings();
        FailingGate gate(live, nth, ENOMEM);
        try {
            output_of(gate, object, parse_hook("iter:bpf_map_elem,map=" + std::to_string(id)));
        } catch (const Error& error) {
            CHECK(gate.has_failed());
            CHECK_FALSE(error.detail().doing.empty());
        }
        CHECK(holdings() == before);
        done = !gate.has_failed();
    }
    CHECK(nth > 4);
}
