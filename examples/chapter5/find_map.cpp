// Chapter 5: finding a map that somebody else has loaded: by the path where it is pinned, or by its name among all
// maps.
//
// You will see bpf(BPF_OBJ_GET) and bpf(BPF_OBJ_GET_INFO_BY_FD), or bpf(BPF_MAP_GET_NEXT_ID) and
// bpf(BPF_MAP_GET_FD_BY_ID) for one map after another, and then what was found:
//
//     name my_config, id 17
//
// Run it as root:   build/examples/example_chapter5_find_map /sys/fs/bpf/my_config
//              or   build/examples/example_chapter5_find_map my_config
//
// Man pages: bpf(2).
#include <cerrno>
#include <cstdio>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static void print_map(KernelGate& gate, int map_fd) {
    const MapFacts facts = map_facts(gate, map_fd);
    std::printf("name %s, id %u\n", facts.name.c_str(), facts.id);
}

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s PIN|NAME\n", argv[0]);
        return 2;
    }
    const std::string wanted = argv[1];
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));

    // A pin is a file in a bpffs that stands for a map; opening it is no openat() but a command of bpf().
    if (wanted.find('/') != std::string::npos) {
        print_map(gate, open_pin(gate, IdKind::map, wanted).get());
        return 0;
    }
    // Each map has a number as long as it lives, and several may have one name.
    bool found = false;
    for (const std::uint32_t id : loaded_ids(gate, IdKind::map)) {
        try {
            const Fd map = open_by_id(gate, IdKind::map, id);
            if (map_facts(gate, map.get()).name != wanted) continue;
            print_map(gate, map.get());
            found = true;
        } catch (const Error& error) {
            if (error.detail().code != ENOENT) throw;  // it has ended since we learnt its number
        }
    }
    if (!found) std::fprintf(stderr, "no map is named %s\n", wanted.c_str());
    return found ? 0 : 3;
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
