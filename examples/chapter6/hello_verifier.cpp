// Chapter 6: the verifier, and what it says.
//
// You will see the whole log of a program that it accepts: each instruction, and what it knows of each register after
// it. Then one program after another that has a mistake in it, with the verifier's own words, and what they mean:
//
//     no_null_check: R0 invalid mem access 'map_value_or_null'
//         check the pointer that bpf_map_lookup_elem() returned against NULL before using it
//
// Run it as root:   build/examples/example_chapter6_hello_verifier
//
// Man pages: bpf(2). Its programs: progs/chapter6/hello_verifier.bpf.c, mistakes.bpf.c and license.bpf.c
#include <cstdio>
#include <string>
#include <string_view>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static void print_log(const std::string& program, std::string_view log) {
    std::printf("the verifier on %s:\n%.*s\n", program.c_str(), static_cast<int>(log.size()), log.data());
}

// The last line but one is the complaint; the last one says how much work it was.
static std::string complaint(const std::string& log) {
    const std::size_t last = log.rfind("\nprocessed ");
    const std::size_t before = last == std::string::npos ? last : log.rfind('\n', last - 1);
    return before == std::string::npos ? log : log.substr(before + 1, last - before - 1);
}

static void try_mistakes(KernelGate& gate, const std::string& path) {
    const ObjectSpec spec = open_object(gate, path);
    for (const ProgramSpec& program : spec.programs) {
        try {
            load(gate, open_object(gate, path), {.programs = {program.name}});
            std::printf("%s: accepted, by this kernel\n", program.name.c_str());
        } catch (const Error& error) {
            std::printf("%s: %s\n    %s\n", program.name.c_str(), complaint(error.detail().kernel_log).c_str(),
                        error.detail().hint.c_str());
        }
    }
}

int main(int argc, char** argv) try {
    const std::string directory = argc > 1 ? argv[1] : "build/progs/chapter6";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));

    // log_level 2: every instruction, and the state of the registers after it.
    load(gate, open_object(gate, directory + "/hello_verifier.bpf.o"), {.log_level = 2, .verified = print_log});

    try_mistakes(gate, directory + "/mistakes.bpf.o");
    try_mistakes(gate, directory + "/license.bpf.o");
    return 0;
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
