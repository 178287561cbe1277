// What is mounted where: /proc/self/mounts, proc(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace minibpf {

struct MountedAt {
    std::string directory;
    std::string filesystem;  ///< its type: "bpf", "tracefs", "cgroup2"
};

/// The lines of /proc/self/mounts in their order, the oldest mount first. Lines of another form are passed over.
std::vector<MountedAt> parse_mounts(std::string_view text);

}  // namespace minibpf
