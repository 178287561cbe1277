// `loader map`: what is in a loaded map, whoever loaded it, and changing it.
#include <fmt/format.h>

#include <libminibpf/events/map_view.hpp>
#include <libminibpf/load/pinning.hpp>
#include <libminibpf/load/references.hpp>

#include "map_elements.hpp"
#include "verbs.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* map_examples = R"(Examples:
  loader map dump counts                         by name
  loader map dump /sys/fs/bpf/config --json      by its pin, for jq
  loader map get 12 '"bash"'                     by its id
  loader map set config 0 '"Hey root!"'
  loader map set jump_table 2 on_tcp             tail calls of index 2 go to the loaded program on_tcp
  loader map delete counts 1000
  loader map pin counts /sys/fs/bpf/counts       it lives on when its loader ends; rm takes the pin away

MAP is an id, a pin's path or a name; `loader list maps` shows them. Keys and values are C initialisers, typed by the map's
BTF: 42, "text", {.pid = 7, .comm = "bash"}; without BTF integers, "text" or every byte in hex: 'de ad be ef'.
`loader map VERB --help` tells more.)";

constexpr const char* map_dump_examples = R"(Examples:
  loader map dump counts
  loader map dump counts --json | jq 'map(select(.value > 100))'

A map that changes meanwhile may show an element twice or not at all.)";

constexpr const char* map_get_examples = R"(Examples:
  loader map get counts 1000
  loader map get by_flow '{.port = 80, .protocol = 6}' --json)";

constexpr const char* map_set_examples = R"(Examples:
  loader map set config 0 '"Hey root!"'
  loader map set counts 1000 0
  loader map set jump_table 2 on_tcp             a program array takes a program: its id, pin or name
  loader map set routes 0 /sys/fs/bpf/routes_1   a map of maps takes a map
  loader map set per_cpu_counts 0 0              a per-CPU map gets the value for every CPU)";

constexpr const char* map_delete_examples = R"(Examples:
  loader map delete counts 1000
  loader map delete jump_table 2                 tail calls of index 2 fall through)";

constexpr const char* map_pin_examples = R"(Examples:
  loader map pin counts /sys/fs/bpf/counts
  rm /sys/fs/bpf/counts                          takes the pin away; the map ends with its last user)";

struct MapRequest {
    std::string map, key, value, path;
    bool json = false;
    Trace trace;
};

LoadedMap open_map(KernelGate& gate, const std::string& which) {
    return LoadedMap(gate, open_loaded(gate, IdKind::map, which));
}

LoadedMap open_map_with_keys(KernelGate& gate, const std::string& which) {
    LoadedMap map = open_map(gate, which);
    if (map.facts().key_size != 0) return map;
    throw_usage(fmt::format("map '{}' is a {}: it has no keys", which, map_type_name(map.facts().type)),
                "what is in it only programs, or the reader of a ring buffer, can tell");
}

// What is in these, a process puts there by a descriptor of its own.
std::string_view things_held(bpf_map_type type) {
    switch (type) {
        case BPF_MAP_TYPE_PERF_EVENT_ARRAY: return "perf events";
        case BPF_MAP_TYPE_CGROUP_ARRAY: return "cgroups";
        case BPF_MAP_TYPE_SOCKMAP:
        case BPF_MAP_TYPE_SOCKHASH:
        case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
        case BPF_MAP_TYPE_XSKMAP: return "sockets";
        default: return {};
    }
}

// Their kernel code says ENOTSUPP, EOPNOTSUPP or, for its want of room, ENOSPC.
[[noreturn]] void explain_lookup(const Error& error, const LoadedMap& map) {
    const std::string_view things = things_held(map.facts().type);
    if (things.empty()) throw error;
    throw error.with_hint(fmt::format("it holds {}, which the kernel does not tell of", things));
}

std::string missing_key(const LoadedMap& map, const std::string& which, ByteView key) {
    return fmt::format("map '{}' has no element with the key {}", which, map.map().key_text(key));
}

void dump_map(KernelGate& gate, const MapRequest& request) {
    LoadedMap map = open_map_with_keys(gate, request.map);
    const MapElements elements(gate, map);
    Json list = Json::array();
    try {
        for_each_element(map.map(), [&](ByteView key, ByteView value) {
            if (request.json) {
                list.push_back(elements.json(key, value));
            } else {
                say(elements.line(key, value));
            }
            return !should_stop();
        });
    } catch (const Error& error) {
        explain_lookup(error, map);
    }
    if (request.json) say_json(list);
}

void get_element(KernelGate& gate, const MapRequest& request) {
    LoadedMap map = open_map_with_keys(gate, request.map);
    const Bytes key = map.map().parse_key(request.key);
    std::optional<Bytes> value;
    try {
        value = map.map().lookup(key);
    } catch (const Error& error) {
        explain_lookup(error, map);
    }
    if (!value) throw_malformed(missing_key(map, request.map, key), "`loader map dump` shows what there is");
    const MapElements elements(gate, map);
    if (request.json) return say_json(elements.json(key, *value));
    say(elements.value_text(*value));
}

void set_element(KernelGate& gate, const MapRequest& request) {
    LoadedMap map = open_map_with_keys(gate, request.map);
    if (const auto kind = referred_kind(map.facts().type)) {
        const Fd referred = open_loaded(gate, *kind, request.value);
        put_reference(map.map(), request.key, referred.get(), fmt::format("{} {}", id_kind_name(*kind), request.value));
        return;
    }
    const std::string_view things = things_held(map.facts().type);
    if (!things.empty()) {
        throw_usage(fmt::format("map '{}' holds {}", request.map, things),
                    "only a process that has a descriptor of one can put it there");
    }
    map.map().update(request.key, request.value);
}

void delete_element(KernelGate& gate, const MapRequest& request) {
    LoadedMap map = open_map_with_keys(gate, request.map);
    const Bytes key = map.map().parse_key(request.key);
    const bool is_array = map.facts().type == BPF_MAP_TYPE_ARRAY || map.facts().type == BPF_MAP_TYPE_PERCPU_ARRAY;
    if (is_array) {
        throw_usage(fmt::format("map '{}' is an array, whose elements are always there", request.map),
                    fmt::format("loader map set {} {} 0", request.map, request.key));
    }
    if (!map.map().remove(key))
        throw_malformed(missing_key(map, request.map, key), "`loader map dump` shows what there is");
}

void pin_map(KernelGate& gate, const MapRequest& request) {
    const Fd map = open_loaded(gate, IdKind::map, request.map);
    pin_object(gate, request.path, map.get(), fmt::format("map {}", request.map));
}

std::shared_ptr<MapRequest> map_request(CLI::App& app) {
    auto request = std::make_shared<MapRequest>();
    app.add_option("MAP", request->map, "an id, a pin's path or a name")->required();
    return request;
}

void add_map_key(CLI::App& app, MapRequest& request) {
    app.add_option("KEY", request.key, "a C initialiser, typed by the map's BTF")->required();
}

void add_map_json(CLI::App& app, MapRequest& request) {
    app.add_flag("--json", request.json, "objects with key and value; per-CPU values are an array");
}

Action declare_map_dump(CLI::App& app) {
    const auto request = map_request(app);
    add_map_json(app, *request);
    return finish_verb(app, request, map_dump_examples, dump_map);
}

Action declare_map_get(CLI::App& app) {
    const auto request = map_request(app);
    add_map_key(app, *request);
    add_map_json(app, *request);
    return finish_verb(app, request, map_get_examples, get_element);
}

Action declare_map_set(CLI::App& app) {
    const auto request = map_request(app);
    add_map_key(app, *request);
    app.add_option("VALUE", request->value, "a C initialiser, or what a program array or a map of maps is to refer to")
        ->required();
    return finish_verb(app, request, map_set_examples, set_element);
}

Action declare_map_delete(CLI::App& app) {
    const auto request = map_request(app);
    add_map_key(app, *request);
    return finish_verb(app, request, map_delete_examples, delete_element);
}

Action declare_map_pin(CLI::App& app) {
    const auto request = map_request(app);
    app.add_option("PATH", request->path, "a name in a bpffs, /sys/fs/bpf/...; directories are made")->required();
    return finish_verb(app, request, map_pin_examples, pin_map);
}

constexpr Command map_verbs[] = {
    {"dump", "show every element", declare_map_dump},
    {"get", "show the value of a key", declare_map_get},
    {"set", "set the value of a key", declare_map_set},
    {"delete", "take a key out", declare_map_delete},
    {"pin", "give the map a name in the bpffs, by which it lives on", declare_map_pin},
};

}  // namespace

Action declare_map(CLI::App& app) {
    app.footer(map_examples);
    return declare_verbs(app, map_verbs);
}

}  // namespace cli
