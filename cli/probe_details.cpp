// More about each probe. Nothing here is an error: what the kernel does not tell is left out.
#include "probe_details.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/btf/value.hpp>

namespace cli {

using namespace minibpf;

namespace {

void append_lines(std::vector<std::string>& lines, std::string_view text) {
    while (!text.empty()) lines.emplace_back(take_line(text));
}

// Functions of modules are in the modules' BTF, which takes more calls and more privilege.
std::string prototype_of(KernelTypes& types, const btf::Btf* kernel, const KernelFunction& function) {
    if (kernel == nullptr) return {};
    try {
        if (function.module.empty()) {
            const auto id = kernel->find(btf::Kind::func, function.name);
            return id ? btf::type_text(*kernel, *id) : std::string();
        }
        const auto found = types.find(btf::Kind::func, function.name, function.module);
        return found ? btf::type_text(*found->btf, found->id) : std::string();
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

ProbeDetails tracepoint_details(KernelGate& gate, const std::string& tracepoint) {
    ProbeDetails details;
    std::vector<TracepointField> fields;
    try {
        fields = tracepoint_fields(gate, tracepoint);
    } catch (const Error& error) {
        details.lines.emplace_back(error.what());
        return details;
    }
    details.lines.emplace_back("offset  size  signed  field");
    details.json["fields"] = nlohmann::ordered_json::array();
    for (const TracepointField& field : fields) {
        details.lines.push_back(fmt::format("{:6}  {:4}  {:6}  {}", field.offset, field.size,
                                            field.is_signed ? "yes" : "no", field.declaration));
        details.json["fields"].push_back({{"name", field.name},
                                          {"declaration", field.declaration},
                                          {"offset", field.offset},
                                          {"size", field.size},
                                          {"signed", field.is_signed}});
    }
    const std::string text = tracepoint_struct(tracepoint.substr(tracepoint.find('/') + 1), fields);
    details.json["struct"] = text;
    append_lines(details.lines, text);
    return details;
}

ProbeDetails raw_tracepoint_details(const btf::Btf* kernel, const std::string& name, std::string_view module) {
    ProbeDetails details;
    if (kernel == nullptr) return details;
    const std::string arguments = raw_tracepoint_arguments(*kernel, name);
    if (arguments.empty()) return details;
    details.lines = {name + arguments, fmt::format("typed by BTF: tp_btf:{}", name)};
    details.json = {{"arguments", arguments}, {"typed", "tp_btf:" + name}};
    if (!module.empty()) {
        details.lines.push_back(fmt::format("of the module {}", module));
        details.json["module"] = module;
    }
    return details;
}

ProbeDetails function_details(KernelTypes& types, const btf::Btf* kernel, const KernelFunction& function) {
    ProbeDetails details;
    const std::string prototype = prototype_of(types, kernel, function);
    const std::string module = function.module.empty() ? "" : function.module + ":";
    const std::string_view suffix = compiler_suffix(function.name);
    if (!prototype.empty()) {
        details.lines = {prototype, fmt::format("typed by BTF, where the kernel has trampolines: fentry:{0}{1} "
                                                "fexit:{0}{1}",
                                                module, function.name)};
        details.json = {{"prototype", prototype}, {"typed", fmt::format("fentry:{}{}", module, function.name)}};
    } else if (kernel != nullptr) {
        details.lines.emplace_back("no BTF: not for fentry");
    }
    if (!module.empty()) {
        details.lines.push_back(fmt::format("of the module {}", function.module));
        details.json["module"] = function.module;
    }
    if (!suffix.empty()) {
        details.lines.push_back(
            fmt::format("changed by the compiler (.{}): its arguments may not be those of the source", suffix));
        details.json["suffix"] = suffix;
    }
    if (function.count > 1) {
        details.lines.push_back(
            fmt::format("{} functions have this name, and it does not tell which is meant", function.count));
    }
    details.json["functions"] = function.count;
    return details;
}

ProbeDetails prototype_details(const btf::Btf& kernel, const std::string& function) {
    ProbeDetails details;
    const auto id = kernel.find(btf::Kind::func, function);
    if (!id) return details;
    details.lines.push_back(btf::type_text(kernel, *id));
    details.json["prototype"] = details.lines.front();
    return details;
}

ProbeDetails file_function_details(const FileFunction& function) {
    ProbeDetails details;
    const std::size_t count = function.offsets.size();
    details.lines.push_back(fmt::format("at {:#x} in the file{}", fmt::join(function.offsets, ", "),
                                        function.size == 0 ? "" : fmt::format(", {} bytes", function.size)));
    if (count > 1) {
        details.lines.push_back(
            fmt::format("{} functions of this name: where it is not clear which is meant, write the "
                        "offset in its place",
                        count));
    }
    details.json = {{"offsets", function.offsets}, {"size", function.size}};
    return details;
}

ProbeDetails usdt_details(const UsdtProbe& probe) {
    ProbeDetails details;
    details.json["places"] = nlohmann::ordered_json::array();
    for (const elf::UsdtNote& place : probe.places) {
        details.lines.push_back(fmt::format(
            "at {:#x} in the file, {}, arguments {}", place.offset,
            place.semaphore_offset == 0 ? "no semaphore" : fmt::format("semaphore at {:#x}", place.semaphore_offset),
            place.arguments.empty() ? "none" : place.arguments));
        details.json["places"].push_back(
            {{"offset", place.offset}, {"semaphore_offset", place.semaphore_offset}, {"arguments", place.arguments}});
    }
    return details;
}

}  // namespace cli
