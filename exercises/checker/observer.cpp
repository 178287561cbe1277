// The observer's user side: loads observer.bpf.o, and makes calls of its records.
#include "observer.hpp"

#include <array>
#include <cstring>

#include <fmt/format.h>

#include "observer.h"
#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

constexpr std::array<std::string_view, 37> command_names = {"BPF_MAP_CREATE",        "BPF_MAP_LOOKUP_ELEM",
                                                            "BPF_MAP_UPDATE_ELEM",   "BPF_MAP_DELETE_ELEM",
                                                            "BPF_MAP_GET_NEXT_KEY",  "BPF_PROG_LOAD",
                                                            "BPF_OBJ_PIN",           "BPF_OBJ_GET",
                                                            "BPF_PROG_ATTACH",       "BPF_PROG_DETACH",
                                                            "BPF_PROG_TEST_RUN",     "BPF_PROG_GET_NEXT_ID",
                                                            "BPF_MAP_GET_NEXT_ID",   "BPF_PROG_GET_FD_BY_ID",
                                                            "BPF_MAP_GET_FD_BY_ID",  "BPF_OBJ_GET_INFO_BY_FD",
                                                            "BPF_PROG_QUERY",        "BPF_RAW_TRACEPOINT_OPEN",
                                                            "BPF_BTF_LOAD",          "BPF_BTF_GET_FD_BY_ID",
                                                            "BPF_TASK_FD_QUERY",     "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
                                                            "BPF_MAP_FREEZE",        "BPF_BTF_GET_NEXT_ID",
                                                            "BPF_MAP_LOOKUP_BATCH",  "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
                                                            "BPF_MAP_UPDATE_BATCH",  "BPF_MAP_DELETE_BATCH",
                                                            "BPF_LINK_CREATE",       "BPF_LINK_UPDATE",
                                                            "BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID",
                                                            "BPF_ENABLE_STATS",      "BPF_ITER_CREATE",
                                                            "BPF_LINK_DETACH",       "BPF_PROG_BIND_MAP",
                                                            "BPF_TOKEN_CREATE"};

Object load_observer(KernelGate& gate, int root) {
    ObjectSpec spec = open_object(gate, (build_dir() / "exercises/checker/observer.bpf.o").string());
    spec.variable<int>("root") = root;
    return load(gate, std::move(spec));
}

ObservedCall call_of(const observed_call& record) {
    ObservedCall call;
    call.pid = record.pid;
    call.process.assign(record.comm, strnlen(record.comm, sizeof record.comm));
    call.command = record.command;
    call.size = record.size;
    call.result = static_cast<long>(record.result);
    std::memcpy(&call.attr, record.attr, std::min(sizeof call.attr, sizeof record.attr));
    const ByteView pointed = bytes_of(record.pointed);
    call.pointed.assign(pointed.begin(), pointed.end());
    return call;
}

std::string details(const ObservedCall& call) {
    switch (call.command) {
        case BPF_PROG_LOAD: return fmt::format(" {}, {} instructions", call.name(), call.attr.insn_cnt);
        case BPF_MAP_CREATE:
            return fmt::format(" {}, {}", call.name(), map_type_name(bpf_map_type(call.attr.map_type)));
        case BPF_OBJ_PIN:
        case BPF_OBJ_GET:
        case BPF_RAW_TRACEPOINT_OPEN: return " " + call.path();
        default: return "";
    }
}

}  // namespace

std::string command_name(std::uint32_t command) {
    return command < command_names.size() ? std::string(command_names[command]) : fmt::format("command {}", command);
}

std::string ObservedCall::path() const {
    const char* text = reinterpret_cast<const char*>(pointed.data());
    return std::string(text, strnlen(text, pointed.size()));
}

std::string ObservedCall::name() const {
    const char(&text)[BPF_OBJ_NAME_LEN] = command == BPF_MAP_CREATE ? attr.map_name : attr.prog_name;
    return std::string(text, strnlen(text, sizeof text));
}

std::vector<bpf_insn> ObservedCall::first_insns() const {
    std::vector<bpf_insn> insns(std::min<std::size_t>(attr.insn_cnt, pointed.size() / sizeof(bpf_insn)));
    std::memcpy(insns.data(), pointed.data(), insns.size() * sizeof(bpf_insn));
    return insns;
}

std::string ObservedCall::text() const {
    const std::string answer = ok() ? std::to_string(result) : "-1 " + errno_name(static_cast<int>(-result));
    return fmt::format("{}{} = {}", command_name(command), details(*this), answer);
}

Observer::Observer(KernelGate& gate, int root)
    : object_(load_observer(gate, root)),
      poller_(gate),
      ring_(poller_, object_.require_map("calls"),
            [this](ByteView sample) {
                if (const auto record = read_at<observed_call>(sample, 0)) calls_.push_back(call_of(*record));
            }),
      exit_(attach(gate, object_.require_program("leave"))),
      enter_(attach(gate, object_.require_program("enter"))) {}

std::vector<ObservedCall> Observer::take() {
    ring_.drain();
    return std::exchange(calls_, {});
}

std::uint64_t Observer::lost() {
    return object_.variable<std::uint64_t>("lost");
}

}  // namespace checker
