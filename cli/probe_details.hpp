// What `loader probes -v` says of one probe: as lines for people, and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <libminibpf/attach/probes.hpp>
#include <libminibpf/load/kernel_types.hpp>

namespace cli {

struct ProbeDetails {
    std::vector<std::string> lines;
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

ProbeDetails tracepoint_details(minibpf::KernelGate& gate, const std::string& tracepoint);

/// Without BTF (`kernel` is null) there is little to say.
ProbeDetails raw_tracepoint_details(const minibpf::btf::Btf* kernel, const std::string& name, std::string_view module);
ProbeDetails function_details(minibpf::KernelTypes& types, const minibpf::btf::Btf* kernel,
                              const minibpf::KernelFunction& function);

/// The prototype of a function that BTF describes.
ProbeDetails prototype_details(const minibpf::btf::Btf& kernel, const std::string& function);

ProbeDetails file_function_details(const minibpf::FileFunction& function);
ProbeDetails usdt_details(const minibpf::UsdtProbe& probe);

}  // namespace cli
