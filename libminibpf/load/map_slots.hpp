// Putting maps into maps of maps and programs into program arrays, as definitions say. Internal to load/.
#pragma once

#include <libminibpf/load/object.hpp>

namespace minibpf {

/// Puts `fd`, the descriptor of what `slot` names, into `map`. Throws Error naming both.
void fill_slot(const ObjectSpec& object, Map& map, const MapSlot& slot, int fd);

}  // namespace minibpf
