// The elements of a loaded map for people and for programs: text, or JSON. References are shown by name.
#pragma once

#include <libminibpf/load/loaded.hpp>

#include "json.hpp"

namespace cli {

/// A value by its type: numbers, strings, arrays, objects; what a bound or missing bytes cut off is null.
Json json_value(const minibpf::btf::Btf& btf, minibpf::btf::TypeId type, minibpf::ByteView bytes);

class MapElements {
public:
    /// Borrows both.
    MapElements(minibpf::KernelGate& gate, minibpf::LoadedMap& map) : gate_(gate), map_(map) {}

    std::string value_text(minibpf::ByteView value) const;
    std::string line(minibpf::ByteView key, minibpf::ByteView value) const;  ///< "[3] = {.count = 4}"
    Json json(minibpf::ByteView key, minibpf::ByteView value) const;         ///< {"key": 3, "value": {"count": 4}}

private:
    Json value_json(minibpf::ByteView value) const;

    minibpf::KernelGate& gate_;
    minibpf::LoadedMap& map_;
};

/// "program 12 (mb_first)": what an id stands for; without a name when it is gone.
std::string text_of_id(minibpf::KernelGate& gate, minibpf::IdKind kind, std::uint32_t id);

}  // namespace cli
