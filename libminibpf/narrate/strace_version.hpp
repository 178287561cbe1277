// Whose lines the mirror prints.
#pragma once

#pragma GCC visibility push(default)

namespace minibpf {

/// strace learned new fields and names over time.
enum class StraceVersion {
    v6_1,  ///< Debian 12; the narration is compared with this one, byte for byte
    v7_2,  ///< follows its sources
};

}  // namespace minibpf

#pragma GCC visibility pop
