// Maps on the running kernel: every type that it has, what a definition asks for, what is put into maps, and what stays
// pinned. The kernel itself is asked what it has.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include <libminibpf/events/map_view.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

bpf_map_info info_of(KernelGate& gate, const Map& map) {
    return kernel_info<bpf_map_info>(gate, map.fd());
}

/// The object with one of its maps only. A table of functions keeps its programs.
ObjectSpec only_map(ObjectSpec spec, const std::string& name) {
    std::erase_if(spec.maps, [&](const MapSpec& map) { return map.name != name; });
    if (spec.maps.at(0).origin != MapOrigin::struct_ops) spec.programs.clear();
    return spec;
}

/// The kernel's enum bpf_map_type, without its first and last: number and one of its names.
std::map<std::uint32_t, std::string> map_types_of_kernel() {
    const Bytes bytes = file_bytes("/sys/kernel/btf/vmlinux");
    const btf::Btf btf = btf::Btf::index(bytes, "vmlinux");
    const auto id = btf.find(btf::Kind::enum_, "bpf_map_type");
    REQUIRE(id);
    std::map<std::uint32_t, std::string> types;
    for (const btf::Enumerator& enumerator : btf.enumerators(btf.type(*id))) {
        const std::string name(enumerator.name);
        if (enumerator.value != 0 && !name.starts_with("__MAX")) types.emplace(enumerator.value, name);
    }
    return types;
}

std::uint32_t map_id_at(Map& outer, ByteView key) {
    return read_at<std::uint32_t>(outer.lookup(key).value(), 0).value();
}

Error error_of_load(KernelGate& gate, ObjectSpec spec, const LoadOptions& options = {}) {
    const Holdings before = holdings();
    const Error error = error_of([&] { load(gate, std::move(spec), options); });
    CHECK(holdings() == before);
    return error;
}

}  // namespace

TEST_CASE("a map of every type that the kernel has is created as its definition says", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    const ObjectSpec all = data("every_map_type");
    // Those whose keys and values the kernel takes types for.
    const std::set<std::string> typed = {
        "hash",         "array",         "percpu_hash",  "percpu_array", "lru_hash",           "lru_percpu_hash",
        "lpm_trie",     "sk_storage",    "task_storage", "bloom_filter", "cgroup_storage",     "percpu_cgroup_storage",
        "cgrp_storage", "inode_storage", "struct_ops",   "prog_array",   "reuseport_sockarray"};
    for (const auto& [type, name] : map_types_of_kernel()) {
        INFO(name);
        const auto spec = std::ranges::find(all.maps, type, [](const MapSpec& map) { return std::uint32_t{map.type}; });
        if (type == uapi::BPF_MAP_TYPE_INSN_ARRAY) continue;  // made for jump tables, not declared
        REQUIRE(spec != all.maps.end());
        std::vector<std::string> notices;
        LoadOptions options;
        options.notice = [&](const std::string& text) { notices.push_back(text); };
        Object object = load(gate, only_map(all, spec->name), options);
        CHECK(notices.empty());
        const Map& map = object.require_map(spec->name);
        const bpf_map_info info = info_of(gate, map);
        CHECK(info.type == type);
        CHECK(info.name == spec->kernel_name);
        CHECK(info.key_size == spec->key_size);
        CHECK(info.value_size == map.spec().value_size);
        CHECK(info.max_entries == map.max_entries());
        const bool is_devmap = type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH;
        CHECK(info.map_flags == (spec->map_flags | (is_devmap ? std::uint32_t{BPF_F_RDONLY_PROG} : 0u)));
        CHECK(info.map_extra == spec->map_extra);
        const bool has_types = typed.contains(spec->name) && spec->origin != MapOrigin::struct_ops;
        CHECK(info.btf_key_type_id == (has_types ? spec->btf_key_type_id : 0));
        CHECK(info.btf_value_type_id == (has_types ? spec->btf_value_type_id : 0));
        CHECK((info.btf_vmlinux_value_type_id != 0) == (spec->origin == MapOrigin::struct_ops));
    }
}

TEST_CASE("an arena's memory lies where its definition says", "[load][maps]") {
    require_kernel_btf();
    skip_unless_kernel_has("arenas", running_version() >= 0x609);
    LiveGate gate;
    Object object = load(gate, only_map(data("every_map_type"), "arena"));
    const std::span<std::byte> memory = object.require_map("arena").memory();
    CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) == 1ull << 30);
    REQUIRE(memory.size() == 2 * static_cast<std::size_t>(getpagesize()));
    memory[5000] = std::byte{42};  // the kernel gives the page when it is touched
    CHECK(memory[5000] == std::byte{42});
}

TEST_CASE("variables in an arena are written before the load and shared with programs after it", "[load][maps][data]") {
    require_kernel_btf();
    skip_unless_kernel_has("arenas", running_version() >= 0x609);
    LiveGate gate;
    ObjectSpec spec = data("arena");
    CHECK(spec.variable<std::uint32_t>("arena_counter") == 5);
    spec.variable<std::uint64_t[3]>("arena_table")[2] = 100;
    const PinDirectory pins;
    LoadOptions options;
    options.pin_directory = pins.path;
    spec.require_map("memory").pin_name = "memory";
    {
        Object object = load(gate, spec, options);
        const int program = object.require_program("count").fd();
        CHECK(run_with_packet(program) == 6 + 100);
        CHECK(object.variable<const std::uint32_t>("arena_counter") == 6);
        object.variable<std::uint32_t>("arena_counter") = 1000;
        object.variable<std::uint64_t[3]>("arena_table")[2] = 200;
        object.variable<std::uint8_t[5000]>("arena_page")[4999] = 1;
        CHECK(run_with_packet(program) == 1001 + 200);
        CHECK_THAT(map_line(object, object.require_map("memory")),
                   contains("memory: arena_counter=1001 arena_table={10, 20, 200}"));
    }
    Object again = load(gate, spec, options);  // pinned: with what was left in it
    CHECK(again.require_map("memory").was_pinned());
    CHECK(again.variable<const std::uint32_t>("arena_counter") == 1001);
    CHECK(run_with_packet(again.require_program("count").fd()) == 1002 + 200);
}

TEST_CASE("an arena that is too small for its variables is an error, and leaves nothing mapped", "[load][maps]") {
    require_kernel_btf();
    skip_unless_kernel_has("arenas", running_version() >= 0x609);
    LiveGate gate;
    ObjectSpec spec = data("arena");
    spec.require_map("memory").max_entries = 1;
    CHECK_THAT(error_of_load(gate, std::move(spec)).detail().doing, contains("arena 'memory'") && contains("1 pages"));
}

TEST_CASE("a per-CPU array and a perf array of no elements get one for each CPU", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    for (const char* name : {"percpu_array", "perf_event_array"}) {
        INFO(name);
        ObjectSpec spec = only_map(data("every_map_type"), name);
        spec.maps[0].max_entries = 0;
        Object object = load(gate, std::move(spec));
        CHECK(info_of(gate, object.maps()[0]).max_entries == sysconf(_SC_NPROCESSORS_CONF));
    }
}

TEST_CASE("definitions from before BTF are loaded, and their programs use them", "[load][maps]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("legacy_maps"));
    const bpf_map_info counts = info_of(gate, object.require_map("counts"));
    CHECK(counts.type == BPF_MAP_TYPE_HASH);
    CHECK(counts.key_size == 8);
    CHECK(counts.max_entries == 100);
    CHECK(counts.map_flags == BPF_F_NO_PREALLOC);
    CHECK(info_of(gate, object.require_map("output")).max_entries == sysconf(_SC_NPROCESSORS_CONF));
    CHECK(kernel_info<bpf_prog_info>(gate, object.programs().at(0).fd()).nr_map_ids == 2);
}

TEST_CASE("a map's type, sizes, flags and node are changed before the load", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    ObjectSpec spec = only_map(data("every_map_type"), "hash");
    MapSpec& changed = spec.require_map("hash");
    changed.type = BPF_MAP_TYPE_LRU_HASH;
    changed.max_entries = 77;
    changed.value_size = 40;
    changed.btf_value_type_id = 0;
    changed.map_flags = BPF_F_NUMA_NODE;
    changed.numa_node = 0;
    Object object = load(gate, std::move(spec));
    const bpf_map_info info = info_of(gate, object.maps()[0]);
    CHECK(info.type == BPF_MAP_TYPE_LRU_HASH);
    CHECK(info.max_entries == 77);
    CHECK(info.value_size == 40);
    CHECK(info.map_flags == BPF_F_NUMA_NODE);
}

// --- what definitions put into maps

TEST_CASE("static maps go where the definition puts them, under keys of any size", "[load][maps]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("static_inner_maps"));
    const auto id = [&](const char* name) { return info_of(gate, object.require_map(name)).id; };
    Map& by_index = object.require_map("by_index");
    const std::uint32_t one = 1, three = 3;
    CHECK(map_id_at(by_index, bytes_of(one)) == id("first"));
    CHECK(map_id_at(by_index, bytes_of(three)) == id("second"));
    const std::uint64_t wide = 2;
    CHECK(map_id_at(object.require_map("by_number"), bytes_of(wide)) == id("third"));
    const std::uint8_t narrow = 3;
    CHECK(map_id_at(object.require_map("by_byte"), bytes_of(narrow)) == id("first"));
}

TEST_CASE("what cannot be put into a map is an error that names both", "[load][maps]") {
    require_bpf();
    LiveGate gate;
    {
        ObjectSpec spec = data("map_values");
        spec.require_map("outer").slots.at(1).index = 9;
        const Error error = error_of_load(gate, std::move(spec));
        CHECK_THAT(error.detail().doing, contains("map 'second'") && contains("outer[9]"));
        CHECK_THAT(error.detail().hint, contains("max_entries=4"));
        CHECK(error.detail().blame == Blame::kernel);
    }
    {
        ObjectSpec spec = data("map_values");
        MapSpec& second = spec.require_map("second");
        second.value_size = 8;
        second.btf_value_type_id = 0;
        const Error error = error_of_load(gate, std::move(spec));
        CHECK_THAT(error.detail().doing, contains("map 'second'") && contains("outer[3]"));
        CHECK_THAT(error.detail().hint, contains("as the definition of 'outer' says"));
    }
    {
        ObjectSpec spec = data("map_values");
        spec.require_map("outer").inner.clear();
        const Error error = error_of_load(gate, std::move(spec));
        CHECK_THAT(error.detail().doing, contains("map 'outer'"));
        CHECK_THAT(error.detail().hint, contains("__array(values"));
    }
    {
        ObjectSpec spec = data("static_inner_maps");
        spec.require_map("by_byte").slots.at(0).index = 256;
        const Error error = error_of_load(gate, std::move(spec));
        CHECK_THAT(error.detail().doing, contains("'by_byte'") && contains("256") && contains("no key of 1 bytes"));
        CHECK(error.detail().blame == Blame::object);
    }
    {
        ObjectSpec spec = data("map_values");
        for (ProgramSpec& program : spec.programs) {
            if (program.name == "next") program.kind = parse_section_name("xdp");
        }
        const Error error = error_of_load(gate, std::move(spec));
        CHECK_THAT(error.detail().doing, contains("program 'next'") && contains("programs[2]"));
        CHECK_THAT(error.detail().hint, contains("type"));
    }
}

TEST_CASE("a map that the kernel cannot have is an error with its name and what was asked for", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    const auto complaint = [&](const char* name, const std::function<void(MapSpec&)>& change) {
        ObjectSpec spec = only_map(data("every_map_type"), name);
        change(spec.maps[0]);
        const Error error = error_of_load(gate, std::move(spec));
        CHECK(error.detail().doing == "creating map '" + std::string(name) + "'");
        CHECK(error.detail().call == "bpf(BPF_MAP_CREATE)");
        CHECK(error.detail().blame == Blame::kernel);
        return error.detail().hint;
    };
    CHECK_THAT(complaint("hash", [](MapSpec& map) { map.key_size = 0; }), contains("no hash map with key_size=0"));
    CHECK_THAT(complaint("hash", [](MapSpec& map) { map.max_entries = 0; }), contains("max_entries=0"));
    CHECK_THAT(complaint("hash", [](MapSpec& map) { map.map_flags = BPF_F_MMAPABLE; }), contains("map_flags=0x400"));
    CHECK_THAT(complaint("array", [](MapSpec& map) { map.value_size = 0; }), contains("value_size=0"));
    CHECK_THAT(complaint("lpm_trie", [](MapSpec& map) { map.map_flags = 0; }), contains("lpm_trie"));
    CHECK_THAT(complaint("task_storage", [](MapSpec& map) { map.btf_value_type_id = 0; }), contains("task_storage"));
    CHECK_THAT(complaint("ringbuf", [](MapSpec& map) { map.max_entries = 0; }), contains("ringbuf"));
    CHECK_THAT(complaint("hash", [](MapSpec& map) { map.type = static_cast<bpf_map_type>(4711); }), contains("4711"));
    complaint("hash", [](MapSpec& map) {
        map.map_flags = BPF_F_NUMA_NODE;
        map.numa_node = 4711;
    });
}

// --- data sections

TEST_CASE("programs see the variables of data sections of every name, and user space what they write", "[load][data]") {
    require_kernel_btf();
    struct Pair {
        std::uint16_t narrow;
        std::uint64_t wide;
    };
    LiveGate gate;
    ObjectSpec spec = data("data_sections");
    spec.variable<Pair>("named_constant").wide = 100;
    spec.variable<Pair[3]>("named_zero")[1].narrow = 4;
    Object object = load(gate, std::move(spec));
    const int program = object.require_program("look").fd();
    CHECK(run_with_packet(program) == 0);
    CHECK(object.variable<const std::uint64_t>("zero") == 3 + 5 + 100);
    Pair(&named_zero)[3] = object.variable<Pair[3]>("named_zero");
    CHECK(named_zero[2].wide == 11 + 13 + 17 + 19);
    CHECK(named_zero[1].narrow == 4);
    CHECK(object.variable<const Pair>("named_initialised").wide == 23);
    CHECK(object.variable<const std::int64_t>("compared") == 0);  // with a literal in .rodata.str1.1

    object.variable<std::uint32_t>("initialised") = 1000;
    object.variable<Pair>("named_initialised").narrow = 0;
    CHECK(run_with_packet(program) == 0);
    CHECK(named_zero[2].wide == 1000 + 0 + 23 + 19);

    const std::uint32_t first = 0;
    for (const char* name : {".rodata", ".rodata.named", ".rodata.str1.1"}) {
        INFO(name);
        Map& section = object.require_map(name);
        CHECK((info_of(gate, section).map_flags & BPF_F_RDONLY_PROG) != 0);
        const Bytes contents(section.spec().value_size);
        CHECK(error_of([&] { section.update(bytes_of(first), contents); }).detail().code == EPERM);
    }
}

TEST_CASE("a data section is made larger before the load, for an array at its end", "[load][data]") {
    require_kernel_btf();
    LiveGate gate;
    ObjectSpec spec = data("data_sections");
    spec.require_map(".data.named").value_size = 10'000;
    spec.require_map(".bss.named").value_size = 20'000;
    Object object = load(gate, std::move(spec));
    CHECK(info_of(gate, object.require_map(".data.named")).value_size == 10'000);
    CHECK(object.require_map(".bss.named").memory().size() == 20'000);
    CHECK(run_with_packet(object.require_program("look").fd()) == 0);
    CHECK(object.variable<const std::uint64_t>("zero") == 3 + 5 + 7);

    ObjectSpec smaller = data("data_sections");
    smaller.require_map(".data.named").value_size = 8;
    const Error error = error_of_load(gate, std::move(smaller));
    CHECK_THAT(error.detail().doing, contains("'.data.named'") && contains("16 bytes"));
    CHECK(error.detail().blame == Blame::usage);
}

TEST_CASE("constants cannot be written after the load, and static variables alone are not mapped", "[load][data]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, data("data_sections"));
    CHECK_THAT(error_of([&] { object.variable<std::uint32_t>("constant"); }).detail().doing, contains("'constant'"));
    CHECK_THAT(error_of([&] { object.variable<const std::uint32_t>("only_static"); }).detail().hint,
               contains("static"));
    CHECK(variable<std::uint32_t>(object, "only_static") == 19);
}

TEST_CASE("an array that can be mapped is memory shared with programs", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    Object object = load(gate, only_map(data("every_map_type"), "array"));
    Map& array = object.require_map("array");
    const std::span<std::byte> memory = array.memory();
    REQUIRE(memory.size() == 3 * 16);
    memory[2 * 16] = std::byte{42};
    const std::uint32_t last = 2;
    CHECK(array.lookup(bytes_of(last)).value()[0] == std::byte{42});
}

// --- pins

TEST_CASE("pinned maps of every kind are found by the next load", "[load][maps][pins]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    std::uint32_t inner_before = 0;
    const std::uint32_t one = 1;
    {
        Object first = load(gate, data("pinned_kinds"), options);
        inner_before = map_id_at(first.require_map("outer"), bytes_of(one));
    }
    Object second = load(gate, data("pinned_kinds"), options);
    for (const Map& map : second.maps()) {
        INFO(map.name());
        CHECK(map.was_pinned() == !map.spec().pin_name.empty());
    }
    // What was put into a map of maps stays, but calls go to the programs that were loaded now.
    CHECK(map_id_at(second.require_map("outer"), bytes_of(one)) == inner_before);
    const int hello = second.require_program("hello").fd();
    const Answer link = gate.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = hello});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
    CHECK(second.variable<const std::uint64_t>("tail_calls") >= 3);
}

TEST_CASE("a pinned map of another shape is an error that says what is different", "[load][maps][pins]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    load(gate, data("pinned"), options);
    const std::string pin = pins.path + "/minibpf_test_pinned";
    const auto complaint = [&](const std::function<void(MapSpec&)>& change) {
        ObjectSpec spec = data("pinned");
        change(spec.require_map("minibpf_test_pinned"));
        const Error error = error_of_load(gate, std::move(spec), options);
        CHECK(error.detail().blame == Blame::object);
        CHECK_THAT(error.detail().hint, contains("rm " + pin));
        CHECK(pins.has("minibpf_test_pinned"));
        return error.detail().doing;
    };
    const std::string what = "map 'minibpf_test_pinned': the one pinned at " + pin + " has ";
    CHECK(complaint([](MapSpec& map) { map.type = BPF_MAP_TYPE_LRU_HASH; }) == what + "type hash instead of lru_hash");
    CHECK(complaint([](MapSpec& map) { map.key_size = 8; }) == what + "key_size=4 instead of 8");
    CHECK(complaint([](MapSpec& map) { map.value_size = 4; }) == what + "value_size=8 instead of 4");
    CHECK(complaint([](MapSpec& map) { map.max_entries = 9; }) == what + "max_entries=8 instead of 9");
    CHECK(complaint([](MapSpec& map) { map.map_flags = BPF_F_NO_PREALLOC; }) == what + "map_flags=0 instead of 1");
}

TEST_CASE("a program or a directory where a map should be pinned is an error that says so", "[load][maps][pins]") {
    require_bpf();
    const PinDirectory pins;
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = pins.path;
    std::filesystem::create_directory(pins.path);
    const std::string path = pins.path + "/minibpf_test_pinned";
    const Object other = load(gate, data("legacy_maps"));
    REQUIRE(gate.enter(ObjPin{.pathname = path, .bpf_fd = other.programs()[0].fd()}).ok());
    const Error error = error_of_load(gate, data("pinned"), options);
    CHECK(error.detail().doing == "map 'minibpf_test_pinned': what is pinned at " + path + " is no map");
    CHECK(error.detail().blame == Blame::object);
    CHECK(pins.has("minibpf_test_pinned"));

    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK_THAT(error_of_load(gate, data("pinned"), options).detail().doing, contains(path));
}

TEST_CASE("a pin outside of a bpffs is an error that says what it needs", "[load][maps][pins]") {
    require_bpf();
    LiveGate gate;
    LoadOptions options;
    options.pin_directory = "/tmp";
    const Error error = error_of_load(gate, data("pinned"), options);
    CHECK_THAT(error.detail().doing, contains("pinning map 'minibpf_test_pinned' at /tmp/minibpf_test_pinned"));
    CHECK_THAT(error.detail().hint, contains("mount -t bpf"));
}

// --- tables of functions

TEST_CASE("a table in .struct_ops.link is one that links hold, and an optional one waits with its functions",
          "[load][maps]") {
    require_kernel_btf();
    skip_unless_kernel_has("struct_ops links", running_version() >= 0x604);
    LiveGate gate;
    Object object = load(gate, data("optional_struct_ops"));
    CHECK(info_of(gate, object.require_map("linked")).map_flags == uapi::BPF_F_LINK);
    CHECK(object.find_map("optional_one") == nullptr);
    CHECK(object.find_map("missing") == nullptr);
    CHECK(object.programs().size() == 3);
    CHECK(object.find_program("optional_undo_cwnd") == nullptr);

    ObjectSpec asked_for = data("optional_struct_ops");
    asked_for.require_map("optional_one").optional = false;
    Object with = load(gate, std::move(asked_for));
    CHECK(info_of(gate, with.require_map("optional_one")).map_flags == 0);
    CHECK(with.programs().size() == 4);
}

TEST_CASE("a table that the kernel lacks is an error, or is left out with its functions", "[load][maps]") {
    require_kernel_btf();
    skip_unless_kernel_has("struct_ops links", running_version() >= 0x604);
    LiveGate gate;
    ObjectSpec spec = data("optional_struct_ops");
    spec.require_map("missing").optional = false;
    CHECK_THAT(error_of_load(gate, spec).detail().doing,
               contains("'missing'") && contains("'struct no_kernel_has_these_ops'"));
    LoadOptions options;
    options.keep_going = true;
    const Object object = load(gate, spec, options);
    CHECK(object.programs().size() == 3);
    REQUIRE(object.failed_programs().size() == 1);
    CHECK(object.failed_programs()[0].name == "something");
}

TEST_CASE("a function where a table has no member is an error that names it", "[load][maps]") {
    require_kernel_btf();
    LiveGate gate;
    ObjectSpec spec = data("struct_ops");
    spec.require_map("minibpf").slots.at(0).index = 4;
    CHECK_THAT(error_of_load(gate, std::move(spec)).detail().doing,
               contains("'minibpf'") && contains("'minibpf_") && contains("offset 4"));
}
