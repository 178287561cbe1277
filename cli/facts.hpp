// What is known of what is loaded, as JSON, and who keeps it.
#pragma once

#include <libminibpf/load/loaded.hpp>

#include "json.hpp"

namespace cli {

/// Who keeps alive what is loaded: pins and processes.
class Keepers {
public:
    explicit Keepers(minibpf::KernelGate& gate);

    std::string pins(minibpf::IdKind kind, std::uint32_t id) const;     ///< "/sys/fs/bpf/a, /sys/fs/bpf/b"
    std::string holders(minibpf::IdKind kind, std::uint32_t id) const;  ///< "812 bash, 901 loader"

    /// Puts `pins` and `held_by` into an object.
    void put(Json& json, minibpf::IdKind kind, std::uint32_t id) const;

private:
    std::map<minibpf::LoadedId, std::vector<std::string>> pins_;
    std::map<minibpf::LoadedId, std::vector<minibpf::Holder>> holders_;
};

Json json_of(const minibpf::ProgramFacts& program);
Json json_of(const minibpf::MapFacts& map);
Json json_of(const minibpf::LinkFacts& link);
Json json_of(const minibpf::BtfFacts& btf);

/// "1.5 ms", for people.
std::string duration_text(std::uint64_t nanoseconds);

}  // namespace cli
