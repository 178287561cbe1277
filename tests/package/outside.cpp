// Uses an installed minibpf as a program outside the tree does: parses, catches an error, compiles, and, as root, loads
// and runs. Prints one line for each thing that went well.
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static void parse() {
    LiveGate live;
    std::string narration;
    NarratingGate gate(live, [&](std::string_view line) { narration += line; });
    const ObjectSpec spec = open_object(gate, OBJECT);
    if (spec.require_program("count").kind.type == BPF_PROG_TYPE_XDP && narration.find("openat(") != std::string::npos)
        std::puts("parsed");
}

// The type of an exception has to be the same one on both sides of the shared library.
static void catch_error() {
    LiveGate gate;
    try {
        open_object(gate, "/no/such/object.bpf.o");
    } catch (const Error& error) {
        if (error.detail().blame == Blame::usage) std::puts("caught");
    }
}

static void compile() {
    const Bytes object =
        compile_source("#include \"minibpf_helpers.h\"\nSEC(\"xdp\") int pass(struct xdp_md *ctx) { return 2; }\n");
    if (parse_object(object, "memory").find_program("pass") != nullptr) std::puts("compiled");
}

static void load_and_run() {
    LiveGate gate;
    Object object = load(gate, open_object(gate, OBJECT));
    const Program& program = object.require_program("count");
    const TestOutput output =
        test_run(gate, program.fd(), BPF_PROG_TYPE_XDP, "count", {.data = *packet_by_name("udp"), .repeat = 2});
    if (output.retval == XDP_DROP && object.variable<int>("counter") == 42) std::puts("ran");
}

int main(int argc, char** argv) try {
    parse();
    catch_error();
    compile();
    if (argc > 1 && std::strcmp(argv[1], "--load") == 0) load_and_run();
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return 1;
}
