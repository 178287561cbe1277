// Reading files by openat, read and close, each a call through the gate.
#include <libminibpf/kernel/files.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr std::size_t largest_file = 512 * 1024 * 1024;

}  // namespace

std::string_view text_of(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Through a buffer on the stack, which nobody has to fill with zeros first.
void for_each_piece(KernelGate& gate, int fd, const std::string& path,
                    const std::function<void(std::string_view)>& take) {
    std::byte buffer[64 * 1024];
    while (true) {
        const Read call{.fd = fd, .buffer = buffer};
        const Answer answer = gate.enter(call);
        if (!answer.ok() && answer.error == EINTR) continue;
        if (answer.error == EISDIR) {
            throw kernel_error(fmt::format("reading {}", path), call, answer, "this is a directory")
                .with_blame(Blame::usage);
        }
        if (!answer.ok()) throw kernel_error(fmt::format("reading {}", path), call, answer);
        if (answer.value == 0) return;
        take(text_of(ByteView(buffer).first(static_cast<std::size_t>(answer.value))));
    }
}

Bytes read_all(KernelGate& gate, int fd, const std::string& path) {
    Bytes content;
    for_each_piece(gate, fd, path, [&](std::string_view piece) {
        const ByteView bytes = bytes_of(piece);
        content.insert(content.end(), bytes.begin(), bytes.end());
        if (content.size() > largest_file) {
            throw_malformed(fmt::format("reading {}: more than {} MiB", path, largest_file >> 20));
        }
    });
    return content;
}

Bytes read_file(KernelGate& gate, const std::string& path, const Reason& reason) {
    const OpenAt call{.path = path, .flags = O_RDONLY};
    const Answer opened = gate.enter(call, reason);
    if (!opened.ok()) {
        const bool no_permission = opened.error == EACCES || opened.error == EPERM;
        throw kernel_error(fmt::format("opening {}", path), call, opened)
            .with_hint(no_permission ? "look at the file's permissions" : "check the path")
            .with_blame(no_permission ? Blame::facility : Blame::usage);
    }
    const Fd file(gate, opened.fd());
    return read_all(gate, file.get(), path);
}

std::optional<std::uint64_t> read_number(KernelGate& gate, int fd) {
    std::array<char, 32> text{};
    const Answer answer = gate.enter(Read{.fd = fd, .buffer = std::as_writable_bytes(std::span(text))});
    if (!answer.ok()) return std::nullopt;
    std::uint64_t number = 0;
    const char* end = text.data() + answer.value;
    const auto [rest, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || (rest != end && *rest != '\n')) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> read_number(KernelGate& gate, const std::string& path, const Reason& reason) {
    const Answer opened = gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, reason);
    if (!opened.ok()) return std::nullopt;
    const Fd file(gate, opened.fd());
    return read_number(gate, file.get());
}

}  // namespace minibpf
