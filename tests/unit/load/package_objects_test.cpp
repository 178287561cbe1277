// ir-keytable's decoders, objects from before BTF that libbpf 1.x refuses: what the kernel would be asked for. Few
// kernels have infrared receivers, so nothing else shows that they are loaded.
#include <filesystem>
#include <set>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>
#include <tests/skip.hpp>

#include <libminibpf/load/loader.hpp>

using namespace minibpf;
using namespace minibpf::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> decoders() {
    std::vector<fs::path> found;
    for (const char* directory : {"/usr/lib/udev/rc_keymaps/protocols", "/lib/udev/rc_keymaps/protocols"}) {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(directory, none)) {
            if (entry.path().extension() == ".o") found.push_back(entry.path());
        }
        if (!found.empty()) break;  // the two are one where /lib is a link
    }
    require_prerequisite(!found.empty(), "the package ir-keytable");
    return found;
}

/// The descriptors that ld_imm64 instructions have, of one kind.
std::set<int> descriptors(std::span<const bpf_insn> insns, std::uint8_t kind) {
    std::set<int> found;
    for (const bpf_insn& insn : insns) {
        if (insn.code == (BPF_LD | BPF_DW | BPF_IMM) && insn.src_reg == kind) found.insert(insn.imm);
    }
    return found;
}

}  // namespace

TEST_CASE("ir-keytable's decoders are infrared programs with a map of their state and one of their parameters",
          "[load]") {
    const std::vector<fs::path> paths = decoders();
    CHECK(paths.size() >= 9);
    for (const fs::path& path : paths) {
        INFO(path.string());
        const ObjectSpec spec = parse_object(file_bytes(path), path.string());
        CHECK_FALSE(spec.btf.has_value());
        REQUIRE(spec.programs.size() == 1);
        CHECK(spec.programs[0].name == "bpf_decoder");
        CHECK(spec.programs[0].kind.type == BPF_PROG_TYPE_LIRC_MODE2);
        REQUIRE(spec.warnings.size() == 1);
        CHECK_THAT(spec.warnings[0], contains("write SEC(\"lirc_mode2\")"));
        CHECK(spec.find_map(".data") != nullptr);

        FakeGate gate;
        Object object = load(gate, spec);
        CHECK(gate.count<BtfLoad>() == 0);
        const auto maps = gate.calls<MapCreate>();
        REQUIRE_FALSE(maps.empty());
        for (const MapCreate* map : maps) {
            CHECK(map->type == BPF_MAP_TYPE_ARRAY);
            CHECK(map->key_size == 4);
            CHECK(map->value_size > 0);
            CHECK(map->map_flags == 0);
            CHECK(map->btf_fd == 0);
        }
        CHECK(maps.size() == spec.maps.size());
        const auto programs = gate.calls<ProgLoad>();
        REQUIRE(programs.size() == 1);
        CHECK(programs[0]->type == BPF_PROG_TYPE_LIRC_MODE2);
        CHECK(programs[0]->license == "GPL");

        // Each map is referred to by the descriptor that its creation gave.
        std::set<int> by_descriptor, by_value;
        for (const Map& map : object.maps()) {
            (map.spec().origin == MapOrigin::data_section ? by_value : by_descriptor).insert(map.fd());
        }
        CHECK(descriptors(programs[0]->insns, BPF_PSEUDO_MAP_FD) == by_descriptor);
        CHECK(descriptors(programs[0]->insns, BPF_PSEUDO_MAP_VALUE) == by_value);
    }
}

TEST_CASE("a decoder's state is the map that its definition of 28 bytes describes", "[load]") {
    for (const fs::path& path : decoders()) {
        if (path.stem() != "grundig") continue;
        const ObjectSpec spec = parse_object(file_bytes(path), path.string());
        FakeGate gate;
        const Object object = load(gate, spec);
        const auto maps = gate.calls<MapCreate>();
        REQUIRE(maps.size() == 2);
        CHECK(maps[0]->name == "decoder_state_m");
        CHECK(maps[0]->type == BPF_MAP_TYPE_ARRAY);
        CHECK(maps[0]->value_size == 16);
        CHECK(maps[0]->max_entries == 1);
        CHECK(maps[1]->name == "grundig.data");
        CHECK(maps[1]->value_size == 12);
        REQUIRE(gate.count<MapUpdateElem>() == 1);
        // Its parameters, by the symbols' names: what ir-keytable writes before it loads the object.
        ObjectSpec tuned = spec;
        tuned.variable<std::uint32_t>("header_pulse") = 4711;
        FakeGate second;
        const Object with = load(second, std::move(tuned));
        CHECK(read_at<std::uint32_t>(second.calls<MapUpdateElem>()[0]->value, 0) == 4711u);
        return;
    }
    FAIL("ir-keytable has no grundig.o");
}
