// A map's contents as one line, read through the system call as any user of the map would.
#pragma once

#include <functional>
#include <string>

#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// "counts: [0]=3 [1000]=4", typed by BTF; for data sections and arenas the variables: ".bss: counter=5".
/// A map that changes while it is read may show an element twice or not at all; at most
/// max_entries are shown, and no more than 1,000, after which `...` stands.
std::string map_line(const Object& object, const Map& map);

/// Hands out the elements one after another, in the kernel's order and at most max_entries; `on_element` returns
/// whether it wants more. Throws Error.
void for_each_element(const Map& map, const std::function<bool(ByteView key, ByteView value)>& on_element);

}  // namespace minibpf

#pragma GCC visibility pop
