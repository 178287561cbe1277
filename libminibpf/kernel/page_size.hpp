// The size of a memory page, in which rings are measured.
#pragma once

#include <cstddef>

#include <sys/auxv.h>

namespace minibpf {

/// The kernel tells every process in its auxiliary vector (getauxval(3)): 4096 on x86-64, up to 65536 elsewhere.
inline std::size_t page_size() noexcept {
    return getauxval(AT_PAGESZ);
}

}  // namespace minibpf
