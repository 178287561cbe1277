// The minibpf runner: what a user of the library writes, with no decoration on the gate.
#include <cstdio>
#include <optional>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/loader.hpp>

#include "runner.hpp"

static minibpf::LiveGate gate;
static std::optional<minibpf::Object> loaded;

const char* loader_name() {
    return "minibpf " MINIBPF_VERSION;
}

extern "C" bool open_and_load(const char* path) try {
    loaded.emplace(minibpf::load(gate, minibpf::open_object(gate, path)));
    return true;
} catch (const minibpf::Error& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), error.detail().kernel_log.c_str());
    return false;
}
