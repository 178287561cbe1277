// Files through the gate: object files, and the small text files of /proc, sysfs and tracefs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/kernel/fd.hpp>

namespace minibpf {

/// The whole file: openat, read until its end, close. Throws Error: the file is missing (Blame::usage), unreadable, or
/// larger than 512 MiB.
Bytes read_file(KernelGate& gate, const std::string& path, const Reason& reason = {});

/// All that an open descriptor gives until its end; throws Error naming `path`.
Bytes read_all(KernelGate& gate, int fd, const std::string& path);

/// All that an open descriptor gives, piece by piece, for what is not worth keeping. Throws Error naming `path`.
void for_each_piece(KernelGate& gate, int fd, const std::string& path,
                    const std::function<void(std::string_view)>& take);

/// The decimal number in a one-line file such as /sys/kernel/tracing/events/CATEGORY/NAME/id; nothing when the file
/// does not open or holds something else.
std::optional<std::uint64_t> read_number(KernelGate& gate, const std::string& path, const Reason& reason = {});
std::optional<std::uint64_t> read_number(KernelGate& gate, int fd);

std::string_view text_of(ByteView bytes) noexcept;

}  // namespace minibpf
