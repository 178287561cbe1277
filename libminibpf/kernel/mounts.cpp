// DEVICE DIRECTORY TYPE OPTIONS..., a line for each mount; a blank in a name is written \040.
#include <libminibpf/kernel/mounts.hpp>

#include <charconv>

#include <libminibpf/base/lines.hpp>

namespace minibpf {

namespace {

std::string without_escapes(std::string_view name) {
    std::string plain;
    for (std::size_t i = 0; i < name.size(); ++i) {
        unsigned code = 0;
        const char* digits = name.data() + i + 1;
        const bool is_escape =
            name[i] == '\\' && name.size() - i > 3 && std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3;
        plain += is_escape ? static_cast<char>(code) : name[i];
        if (is_escape) i += 3;
    }
    return plain;
}

}  // namespace

std::vector<MountedAt> parse_mounts(std::string_view text) {
    std::vector<MountedAt> mounts;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        take_until(line, ' ');  // the device
        const std::string_view directory = take_until(line, ' ');
        const std::string_view filesystem = take_until(line, ' ');
        if (directory.empty() || filesystem.empty()) continue;
        mounts.push_back({.directory = without_escapes(directory), .filesystem = std::string(filesystem)});
    }
    return mounts;
}

}  // namespace minibpf
