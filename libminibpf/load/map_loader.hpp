// Creating one map after the other: with its types, its inner map, its pin, its contents. Internal to load/.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <libminibpf/load/object.hpp>
#include <libminibpf/load/struct_ops.hpp>

namespace minibpf {

/// Refusals that a simpler form of a call would meet as well. ECANCELED: somebody quit while stepping.
bool is_final_refusal(int error) noexcept;

class MapLoader {
public:
    struct Options {
        const std::string& pin_directory;
        const std::function<void(const std::string&)>& notice;
    };

    /// Borrows everything. `btf_fd` is the object's BTF in the kernel, negative when there is none; `struct_ops` has
    /// one entry for each of the object's maps.
    MapLoader(KernelGate& gate, const ObjectSpec& object, int btf_fd,
              const std::vector<std::optional<StructOps>>& struct_ops, KernelTypes& types, Options options)
        : gate_(gate), object_(object), btf_fd_(btf_fd), struct_ops_(struct_ops), types_(types), options_(options) {}

    /// Creates the map and gives it its contents, or finds it pinned. Throws Error; then nothing of it is left.
    Map create(std::size_t index);

    /// Takes the pins away that create() has made: what a failed load must not leave behind.
    void remove_pins() noexcept;

private:
    MapCreate request(const MapSpec& map, std::size_t index) const;
    void add_types(MapCreate& call, const MapSpec& map, std::size_t index) const;
    Fd enter(const MapSpec& map, MapCreate call, std::size_t index) const;
    bool is_resized_section(const MapSpec& map) const;
    Answer without_btf(MapCreate call, const Answer& refused) const;
    void fill(Map& map) const;
    void freeze(const Map& map) const;
    Mapping map_arena(const Map& map) const;
    std::string pin_path(const MapSpec& map) const;

    KernelGate& gate_;
    const ObjectSpec& object_;
    int btf_fd_;
    const std::vector<std::optional<StructOps>>& struct_ops_;
    KernelTypes& types_;
    Options options_;
    std::vector<std::string> pins_;  // made by create()
};

}  // namespace minibpf
