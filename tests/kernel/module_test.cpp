// What an object finds in a module of the kernel: functions to call, functions to attach to, types.
#include <algorithm>
#include <vector>

#include <fcntl.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/load/kernel_types.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// nf_conntrack and what it needs, as long as this lives. tests/vm says where the files are.
class LoadedModules {
public:
    LoadedModules() {
        const char* directory = std::getenv("MINIBPF_KERNEL_MODULES");
        skip_unless_kernel_has("modules", directory != nullptr && std::filesystem::exists(directory));
        for (const char* name : {"libcrc32c", "nf_defrag_ipv4", "nf_defrag_ipv6", "nf_conntrack"}) {
            const std::string path = std::string(directory) + "/" + name + ".ko";
            const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
            REQUIRE(fd >= 0);
            const int error = syscall(SYS_finit_module, fd, "", 0) == 0 ? 0 : errno;
            INFO(path << ": " << strerror(error));
            close(fd);
            if (error == EEXIST) continue;  // was there before, and stays
            REQUIRE(error == 0);
            names_.insert(names_.begin(), name);
        }
    }
    LoadedModules(const LoadedModules&) = delete;
    LoadedModules& operator=(const LoadedModules&) = delete;
    ~LoadedModules() {
        for (const std::string& name : names_) {
            // A program that was closed lets go of its module a little later.
            for (int tries = 0; tries < 100 && syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) != 0; ++tries) {
                usleep(50'000);
            }
        }
    }

private:
    std::vector<std::string> names_;  // the last first
};

ObjectSpec object_for_module() {
    return object_spec("tests/data/module.bpf.o");
}

}  // namespace

TEST_CASE("functions and types of a module are found, called and attached to", "[load][module]") {
    require_bpf();
    const LoadedModules modules;
    LiveGate gate;
    Object object = load(gate, object_for_module());
    CHECK(object.programs().size() == 4);
    const Link link = attach(gate, object.require_program("ask"));
    provoke_times(3);
    CHECK(variable<std::uint32_t>(object, "size") >= 12);
    CHECK(variable<std::uint32_t>(object, "offset") == 8);
    KernelTypes types(gate, "");
    CHECK(variable<std::uint32_t>(object, "type_id") > types.vmlinux().last_id());  // a module's types count on
}

TEST_CASE("without its module, a function is an error that names it", "[load][module]") {
    require_bpf();
    skip_unless_kernel_has("BTF", std::filesystem::exists("/sys/kernel/btf/vmlinux"));
    if (std::filesystem::exists("/sys/module/nf_conntrack")) leave_skipped("nf_conntrack is there");
    LiveGate gate;
    LoadOptions options;
    options.programs = {"look_up"};
    const ErrorDetail error = error_of([&] { load(gate, object_for_module(), options); }).detail();
    CHECK_THAT(error.doing, contains("'look_up'") && contains("'bpf_ct_release'") && contains("nor a module"));
    options.programs = {"after_packet"};
    CHECK_THAT(error_of([&] { load(gate, object_for_module(), options); }).detail().doing, contains("nf_conntrack"));
}
