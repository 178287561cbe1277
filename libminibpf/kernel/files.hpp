// Files through the gate: object files, and the small text files of /proc, sysfs and tracefs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/kernel/fd.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// The whole file: openat, read until its end, close. Throws Error: the file is missing (Blame::usage), unreadable, or
/// larger than 512 MiB.
Bytes read_file(KernelGate& gate, const std::string& path, const Reason& reason = {});

/// All that an open descriptor gives until its end; throws Error naming `path`.
Bytes read_all(KernelGate& gate, int fd, const std::string& path);

/// All that an open descriptor gives, piece by piece, for what is not worth keeping. Throws Error naming `path`.
void for_each_piece(KernelGate& gate, int fd, const std::string& path,
                    const std::function<void(std::string_view)>& take);

/// All lines that an open descriptor gives, without their ends; of a file that is read in pieces because it is long.
/// What follows the last line's end is no line. Throws Error naming `path`.
void for_each_line(KernelGate& gate, int fd, const std::string& path,
                   const std::function<void(std::string_view)>& take);

/// The decimal number in a one-line file such as /sys/kernel/tracing/events/CATEGORY/NAME/id; nothing when the file
/// does not open or holds something else.
std::optional<std::uint64_t> read_number(KernelGate& gate, const std::string& path, const Reason& reason = {});
std::optional<std::uint64_t> read_number(KernelGate& gate, int fd);  ///< the same of an open file

/// A name in a directory.
struct DirectoryEntry {
    std::string name;
    unsigned char type = 0;  ///< DT_REG, DT_DIR, DT_LNK, ... (dirent.h); some file systems say DT_UNKNOWN
};

/// The entries of getdents64(2)'s `bytes`, in their order; what is cut off is left out.
std::vector<DirectoryEntry> directory_entries(ByteView bytes);

/// All entries of the directory but "." and ".."; none when it cannot be read, as those of a process that has ended
/// meanwhile.
std::vector<DirectoryEntry> list_directory(KernelGate& gate, const std::string& path, const Reason& reason = {});

/// Where a symbolic link points to; nothing when it cannot be read.
std::optional<std::string> read_link(KernelGate& gate, const std::string& path, const Reason& reason = {});

/// The content of a small text file, whose absence is an answer too: nothing when it cannot be read.
std::optional<std::string> read_text(KernelGate& gate, const std::string& path, const Reason& reason = {});

/// The bytes as characters, borrowed.
std::string_view text_of(ByteView bytes) noexcept;

}  // namespace minibpf

#pragma GCC visibility pop
