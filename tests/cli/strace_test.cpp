// The acceptance test of the mirror: the command and every example run under strace, and the narration of the same
// process is compared with what strace wrote, line by line and byte for byte.
#include "example.hpp"
#include "loaded.hpp"

using namespace minibpf::test;

namespace {

void compare_loader(const std::string& arguments, std::size_t at_least) {
    INFO("loader " << arguments);
    const TemporaryDirectory directory;
    const std::string narration = (directory / "narration").string();
    compare_with_strace(loader() + " -q --trace=" + narration + " " + arguments, directory, narration, at_least);
}

}  // namespace

TEST_CASE("the command's narration is what strace prints, for every program without kprobes", "[cli][kernel][strace]") {
    for (const char* size : {"minimal", "book"}) {
        const std::string options = std::string("--attr-size ") + size + " ";
        compare_loader(options + prog("hello.bpf.o") + " -c true", 7);
        compare_loader(options + "--link " + prog("hello.bpf.o") + " -c true", 7);
        compare_loader(options + "--no-attach " + prog("chapter3/hello.bpf.o"), 7);
        compare_loader(options + prog("chapter3/hello_func.bpf.o") + " --count 1", 6);
        compare_loader(options + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") +
                           " --update 'config[0]=\"Hey root!\"' --show config -c true",
                       12);
        compare_loader(options + (build_dir() / "tests/data/ring_buffer.bpf.o").string() + " --set enabled=1 -c true",
                       14);
        compare_loader(options + "--type tracepoint --attach tracepoint:syscalls/sys_enter_execve -c true " +
                           prog("smallest.text"),
                       4);
    }
}

TEST_CASE("the command's narration is what strace prints, for kprobes", "[cli][kernel][strace]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    for (const char* how : {"", "--link ", "--tracefs-kprobes "}) {
        compare_loader(how + prog("chapter4/hello_buffer_config.bpf.o") + " --update 'config[0]=\"Hey root!\"' -c true",
                       12);
    }
}

TEST_CASE("a refused program's narration is what strace prints, logs included", "[cli][kernel][strace]") {
    const TemporaryDirectory directory;
    write_file(directory / "bad.text", std::string("\x95\0\0\0\0\0\0\0", 8));
    const std::string narration = (directory / "narration").string();
    compare_with_strace(loader() + " -q --trace=" + narration + " --type tracepoint --no-attach " +
                            (directory / "bad.text").string() + "; test $? = 1",
                        directory, narration, 2);
}

TEST_CASE("each example's narration is what strace prints", "[cli][kernel][strace]") {
    compare_example("example_smallest", prog("smallest.bpf.o"), "^ioctl.*IOC_ENABLE", 4);
    compare_example("example_smallest", prog("smallest.text"), "^ioctl.*IOC_ENABLE", 4);
    compare_example("example_chapter4_hello_buffer_config_raw_tp", prog("chapter4/hello_buffer_config_raw_tp.bpf.o"),
                    "^epoll_ctl", 12);
    compare_example("example_chapter2_hello_file", prog("chapter2/hello_file.bpf.o"), "^ioctl.*IOC_ENABLE", 7);
    compare_example("example_chapter2_hello_file_ring_buffer", prog("chapter2/hello_file_ring_buffer.bpf.o"),
                    "^epoll_ctl", 7);
    compare_example("example_chapter2_hello_tail", prog("chapter2/hello_tail.bpf.o"), "^bpf.BPF_RAW_TRACEPOINT_OPEN",
                    25);
    compare_example("example_chapter4_hello_ring_buffer_config",
                    prog("chapter4/hello_ring_buffer_config.bpf.o") + " raw_tp:sys_enter", "^epoll_ctl", 9);
    compare_example("example_chapter5_hello_buffer_config", prog("chapter5/hello_buffer_config.bpf.o") + " hello_tp",
                    "^epoll_ctl", 12);
    compare_example("example_chapter3_hello", prog("chapter3/hello.bpf.o"), "^bpf.BPF_LINK_CREATE", 8);
    compare_example("example_chapter3_hello_func", prog("chapter3/hello_func.bpf.o"), "^bpf.BPF_RAW_TRACEPOINT_OPEN",
                    5);
}

TEST_CASE("the narration of examples that end by themselves is what strace prints", "[cli][kernel][strace]") {
    const TemporaryDirectory directory;
    compare_with_strace((build_dir() / "examples/example_chapter6_hello_verifier").string() + " " + prog("chapter6"),
                        directory, "", 40);
    const auto asked = compare_with_strace(
        (build_dir() / "examples/example_chapter5_find_map").string() + " no_such_map || true", directory, "", 1);
    CHECK(has_call(asked, "bpf(BPF_MAP_GET_NEXT_ID, "));
}

TEST_CASE("the narration of a map being found by its pin and by its name is what strace prints",
          "[cli][kernel][strace]") {
    require_prerequisite(geteuid() == 0, "root");
    const TemporaryDirectory directory;
    // Pinned, the map stays when the loader is gone.
    const Pins pins;
    std::filesystem::create_directory(pins.path);
    const Said pinned =
        run(loader() + " -q --no-attach --program hello_tp --map my_config.pin=my_config --pin-directory " + pins.path +
            " " + prog("chapter5/hello_buffer_config.bpf.o"));
    INFO(pinned.err);
    REQUIRE(pinned.status == 0);
    const std::string find = (build_dir() / "examples/example_chapter5_find_map").string() + " ";
    const auto by_pin = compare_with_strace(find + (pins / "my_config"), directory, "", 2);
    CHECK(has_call(by_pin, "bpf(BPF_OBJ_GET, "));
    CHECK(has_call(by_pin, "bpf(BPF_OBJ_GET_INFO_BY_FD, "));
    CHECK_FALSE(has_call(by_pin, "bpf(BPF_MAP_GET_NEXT_ID, "));
    const auto by_name = compare_with_strace(find + "my_config", directory, "", 4);
    CHECK(has_call(by_name, "bpf(BPF_MAP_GET_NEXT_ID, "));
    CHECK(has_call(by_name, "bpf(BPF_MAP_GET_FD_BY_ID, "));
    CHECK(has_call(by_name, "bpf(BPF_OBJ_GET_INFO_BY_FD, "));
}

// Chapter 2's probes of execve, on whichever hook the kernel has.
TEST_CASE("the narration of examples at another hook is what strace prints", "[cli][kernel][strace]") {
    for (const char* hook : {"tracepoint:syscalls/sys_enter_execve", "raw_tp:sched_process_exec"}) {
        for (const char* name : {"hello", "hello_map", "hello_buffer"}) {
            const bool has_rings = std::string(name) == "hello_buffer";
            compare_example(std::string("example_chapter2_") + name,
                            prog("chapter2/" + std::string(name) + ".bpf.o") + " " + hook,
                            has_rings ? "^epoll_ctl" : "^ioctl.*IOC_ENABLE|^bpf.BPF_RAW_TRACEPOINT_OPEN", 4);
        }
    }
}

TEST_CASE("the kprobe example's narration is what strace prints", "[cli][kernel][strace]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    for (const char* name :
         {"chapter4_hello_buffer_config", "chapter4_hello_ring_buffer_config", "chapter5_hello_buffer_config"}) {
        std::string object = name;
        object.replace(object.find('_'), 1, "/");
        compare_example("example_" + std::string(name), prog(object + ".bpf.o"), "^epoll_ctl", 9);
    }
    for (const char* name : {"hello", "hello_map", "hello_buffer"}) {
        const bool has_rings = std::string(name) == "hello_buffer";
        compare_example(std::string("example_chapter2_") + name, prog("chapter2/" + std::string(name) + ".bpf.o"),
                        has_rings ? "^epoll_ctl" : "^ioctl.*IOC_ENABLE", 5);
    }
}
