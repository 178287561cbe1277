// Reading files by openat, read and close, each a call through the gate.
#include <libminibpf/kernel/files.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>

#include <dirent.h>
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

void for_each_line(KernelGate& gate, int fd, const std::string& path,
                   const std::function<void(std::string_view)>& take) {
    std::string text;
    for_each_piece(gate, fd, path, [&](std::string_view piece) {
        text += piece;
        std::size_t begin = 0;
        for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
            take(std::string_view(text).substr(begin, end - begin));
        text.erase(0, begin);
    });
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

// Each entry says how long it is (getdents64(2)):
//
//     0      8      16       18     19
//     d_ino  d_off  d_reclen d_type d_name, NUL, padding
std::vector<DirectoryEntry> directory_entries(ByteView bytes) {
    std::vector<DirectoryEntry> entries;
    while (bytes.size() > offsetof(dirent64, d_name)) {
        const std::size_t length = *read_at<std::uint16_t>(bytes, offsetof(dirent64, d_reclen));
        if (length <= offsetof(dirent64, d_name) || length > bytes.size()) break;
        const std::string_view padded = text_of(bytes.first(length).subspan(offsetof(dirent64, d_name)));
        const std::string_view name = padded.substr(0, padded.find('\0'));
        entries.push_back(
            {.name = std::string(name), .type = std::to_integer<unsigned char>(bytes[offsetof(dirent64, d_type)])});
        bytes = bytes.subspan(length);
    }
    return entries;
}

std::vector<DirectoryEntry> list_directory(KernelGate& gate, const std::string& path, const Reason& reason) {
    std::vector<DirectoryEntry> entries;
    const Answer opened = gate.enter(OpenAt{.path = path, .flags = O_RDONLY | O_DIRECTORY}, reason);
    if (!opened.ok()) return entries;
    const Fd directory(gate, opened.fd());
    alignas(dirent64) std::byte buffer[32 * 1024];
    while (true) {
        const Answer answer = gate.enter(ReadDirectory{.fd = directory.get(), .buffer = buffer});
        if (!answer.ok() || answer.value == 0) return entries;
        for (DirectoryEntry& entry :
             directory_entries(ByteView(buffer).first(static_cast<std::size_t>(answer.value)))) {
            if (entry.name != "." && entry.name != "..") entries.push_back(std::move(entry));
        }
    }
}

std::optional<std::string> read_link(KernelGate& gate, const std::string& path, const Reason& reason) {
    std::byte buffer[PATH_MAX];
    const Answer answer = gate.enter(ReadLink{.path = path, .buffer = buffer}, reason);
    if (!answer.ok()) return std::nullopt;
    return std::string(text_of(ByteView(buffer).first(static_cast<std::size_t>(answer.value))));
}

std::optional<std::string> read_text(KernelGate& gate, const std::string& path, const Reason& reason) {
    const Answer opened = gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, reason);
    if (!opened.ok()) return std::nullopt;
    const Fd file(gate, opened.fd());
    try {
        return std::string(text_of(read_all(gate, file.get(), path)));
    } catch (const Error&) {
        return std::nullopt;
    }
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
