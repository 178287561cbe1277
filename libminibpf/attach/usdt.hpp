// The arguments of USDT probes, in the map from which programs read them.
#pragma once

#include <cstdint>
#include <vector>

#include <libminibpf/attach/usdt_arguments.hpp>
#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// The map `__bpf_usdt_specs` of an object whose programs include libbpf's usdt.bpf.h: an array whose elements say
/// where the arguments are at one place. The link's cookie is the element's number. Outlived by the object, and made
/// once for all USDT links of it.
class UsdtSpecs {
public:
    /// `object` outlives this.
    explicit UsdtSpecs(Object& object) : map_(object.find_map("__bpf_usdt_specs")) {}

    bool is_used() const noexcept { return map_ != nullptr; }  ///< whether the object has such a map

    /// The number of the element that says so; writes it if no earlier place has the same. Throws Error when the map is
    /// full or the kernel refuses.
    std::uint32_t id_of(const UsdtSpec& spec);

private:
    Map* map_;
    std::vector<UsdtSpec> written_;
};

}  // namespace minibpf

#pragma GCC visibility pop
