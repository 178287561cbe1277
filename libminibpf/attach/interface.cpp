// From an interface's name to its number.
//
// The number is asked for by ioctl and not read from /sys/class/net: a sysfs shows the network namespace of whoever
// mounted it, a socket belongs to the one that the process is in.
#include <libminibpf/attach/interface.hpp>

#include <cerrno>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <sys/socket.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/hook.hpp>

namespace minibpf {

namespace {

// "  eth0: 1234 ...", after two lines of headings.
std::vector<std::string> interface_names(KernelGate& gate) {
    std::vector<std::string> names;
    try {
        const Bytes file = read_file(gate, "/proc/self/net/dev", "which interfaces there are");
        std::string_view text = text_of(file);
        while (!text.empty()) {
            const std::string_view line = take_line(text);
            const std::size_t begin = line.find_first_not_of(' ');
            const std::size_t colon = line.rfind(':');
            if (begin == std::string_view::npos || colon == std::string_view::npos) continue;
            names.emplace_back(line.substr(begin, colon - begin));
        }
    } catch (const Error&) {  // without /proc there are no suggestions
    }
    return names;
}

std::string missing_interface_hint(KernelGate& gate, const std::string& name) {
    const std::vector<std::string> names = interface_names(gate);
    const std::string suggestion = did_you_mean(name, names);
    if (!suggestion.empty()) return suggestion;
    if (names.empty()) return "`ip link` lists the interfaces";
    std::string all;
    for (const std::string& known : names) all += (all.empty() ? "" : ", ") + known;
    return fmt::format("this network namespace has {}", all);
}

}  // namespace

InterfaceTarget parse_interface_target(std::string_view text) {
    InterfaceTarget target;
    std::size_t comma = text.find(',');
    target.name = text.substr(0, comma);
    while (comma != std::string_view::npos) {
        text.remove_prefix(comma + 1);
        comma = text.find(',');
        const std::string_view setting = text.substr(0, comma);
        const std::size_t equals = setting.find('=');
        target.settings.emplace_back(setting.substr(0, equals), equals == std::string_view::npos
                                                                    ? std::string_view()
                                                                    : setting.substr(equals + 1));
    }
    return target;
}

std::uint32_t setting_number(const std::string& name, const std::string& text) {
    const std::optional<std::uint64_t> number = parse_offset(text);
    if (!number || *number > UINT32_MAX)
        throw_usage(fmt::format("{}={}: this is no number", name, text), fmt::format("for instance {}=1", name));
    return static_cast<std::uint32_t>(*number);
}

std::uint32_t interface_index(KernelGate& gate, const std::string& name, const std::string& description) {
    const SocketCreate open{.domain = AF_INET, .type = SOCK_DGRAM};
    const Answer opened = gate.enter(open, "interfaces are asked for through a socket, whichever");
    if (!opened.ok()) throw kernel_error("attaching " + description, open, opened);
    const Fd socket(gate, opened.fd());
    const InterfaceIndex call{.socket_fd = socket.get(), .name = name};
    const Answer answer = gate.enter(call, [&] { return fmt::format("which number {} has", name); });
    if (answer.ok()) return answer.out;
    const Error error = kernel_error(fmt::format("attaching {}: the network interface {}", description, name), call,
                                     answer, answer.error == ENODEV ? missing_interface_hint(gate, name) : "");
    throw answer.error == ENODEV ? error.with_blame(Blame::object) : error;
}

}  // namespace minibpf
