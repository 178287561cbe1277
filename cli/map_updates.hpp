// --update MAP[KEY]=VALUE.
#pragma once

#include <libminibpf/load/object.hpp>

namespace cli {

/// Elements to be set: checked at once, so that a misspelt name costs nothing, and set later.
class MapUpdates {
public:
    /// Opens the loaded programs and maps that program arrays and maps of maps are to refer to. Throws minibpf::Error.
    MapUpdates(minibpf::KernelGate& gate, minibpf::Object& object, const std::vector<std::string>& requests);

    /// Fills tables of tail calls and maps of maps: before anything is attached, so that no program runs into a table
    /// that is half full.
    void apply_references();
    /// Sets all other elements: which may change while programs run, and in the book's order do so after the
    /// attachment.
    void apply_values();

    /// Whether a map is to refer to this program or map.
    bool refers_to(int fd) const noexcept;

private:
    struct Update {
        minibpf::Map* map = nullptr;
        std::string_view key;
        std::string value;
        std::optional<int> referred_fd;  ///< of the object, or in opened_
        bool is_whole = true;            ///< the value is that descriptor, and nothing beside it
    };

    void refer(minibpf::KernelGate& gate, minibpf::Object& object, minibpf::IdKind kind, Update& update);
    static void name_program(minibpf::Object& object, Update& update);

    std::vector<minibpf::Fd> opened_;
    std::vector<Update> updates_;
};

}  // namespace cli
