// From "libc:malloc" to a path and a file offset, which is all that the kernel wants to know of a uprobe.
#include <libminibpf/attach/uprobe_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/mman.h>

#include <elf.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/elf/library_cache.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr const char* library_cache_path = "/etc/ld.so.cache";

// What the dynamic linker searches when it has no cache. The first ones are Debian's, by machine.
constexpr const char* library_directories[] = {
#if defined(__x86_64__)
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
#endif
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
};

void append_directories(std::vector<std::string>& paths, const char* list, std::string_view name) {
    if (list == nullptr) return;
    for (std::string_view rest = list; !rest.empty();) {
        const std::size_t end = rest.find(':');
        if (end != 0) paths.push_back(fmt::format("{}/{}", rest.substr(0, end), name));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
}

std::optional<std::string> cached_library(KernelGate& gate, std::string_view name) {
    const Answer opened = gate.enter(OpenAt{.path = library_cache_path, .flags = O_RDONLY},
                                     "which file a library's name stands for, as ld.so knows it");
    if (!opened.ok()) return std::nullopt;
    const Fd file(gate, opened.fd());
    const Bytes cache = read_all(gate, file.get(), library_cache_path);
    const auto path = elf::find_library(cache, name);
    return path ? std::optional<std::string>(*path) : std::nullopt;
}

bool is_regular_name(std::string_view name) noexcept {
    return !name.empty() && name != "." && name != "..";
}

/// Tries one path after the other; the first that opens is it.
class UprobeFileSearch {
public:
    UprobeFileSearch(KernelGate& gate, std::string_view name) : gate_(gate), name_(name) {}

    bool try_path(const std::string& path, const Reason& reason = {}) {
        const OpenAt call{.path = path, .flags = O_RDONLY};
        const Answer answer = gate_.enter(call, reason);
        if (answer.ok()) {
            file = Fd(gate_, answer.fd());
            found = path;
            return true;
        }
        if (answer.error != ENOENT && answer.error != ENOTDIR) throw kernel_error("opening " + path, call, answer);
        return false;
    }

    bool search() {
        if (name_.find('/') != std::string_view::npos)
            return try_path(std::string(name_), "the file that the probe goes into");
        const bool is_library = name_.find(".so") != std::string_view::npos;
        std::vector<std::string> paths;
        append_directories(paths, std::getenv(is_library ? "LD_LIBRARY_PATH" : "PATH"), name_);
        for (const std::string& path : paths) {
            if (try_path(path, is_library ? "is the library here?" : "is the program here?")) return true;
        }
        if (const auto path = cached_library(gate_, name_)) {
            if (try_path(*path, [&] { return fmt::format("this is what {} stands for", name_); })) return true;
        }
        if (!is_library) return false;
        return std::any_of(std::begin(library_directories), std::end(library_directories), [&](const char* directory) {
            return try_path(fmt::format("{}/{}", directory, name_), "is the library here?");
        });
    }

    Fd file;
    std::string found;

private:
    KernelGate& gate_;
    std::string_view name_;
};

// Of several functions with one name the one that others are linked with is meant, then old versions, then static ones.
int function_rank(const elf::FunctionSymbol& function) noexcept {
    if (function.bind == STB_LOCAL) return 0;
    return function.is_old ? 1 : 2;
}

const elf::FunctionSymbol* find_function(const elf::Executable& executable, std::string_view name, bool& is_ambiguous) {
    const elf::FunctionSymbol* found = nullptr;
    is_ambiguous = false;
    for (const elf::FunctionSymbol& function : executable.functions) {
        if (function.name != name) continue;
        const int rank = function_rank(function);
        const int best = found == nullptr ? -1 : function_rank(*found);
        if (rank == best && found->offset != function.offset) is_ambiguous = true;
        if (rank <= best) continue;
        found = &function;
        is_ambiguous = false;
    }
    return found;
}

std::string missing_function_hint(const elf::Executable& executable, std::string_view function,
                                  const std::string& path) {
    if (executable.functions.empty()) {
        return fmt::format("the file has no symbols, it is stripped: name the place by its offset, {}:0x1234", path);
    }
    std::vector<std::string> names;
    names.reserve(executable.functions.size());
    for (const elf::FunctionSymbol& symbol : executable.functions) names.emplace_back(symbol.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const std::string near = did_you_mean(function, names);
    return fmt::format("{}{}`nm {} | grep -i ' t '` and `nm -D` list them; the compiler may have inlined this one",
                       near, near.empty() ? "" : " ", path);
}

}  // namespace

UprobeFile UprobeFile::open(KernelGate& gate, std::string_view name, const std::string& doing) {
    if (!is_regular_name(name)) throw_usage(fmt::format("{}: '{}' is no name of a file", doing, name));
    UprobeFileSearch search(gate, name);
    try {
        if (search.search()) return UprobeFile(gate, std::move(search.found), std::move(search.file), doing);
    } catch (const Error& error) {
        throw error.within(doing);
    }
    const bool is_path = name.find('/') != std::string_view::npos;
    throw_malformed(fmt::format("{}: there is no file '{}'", doing, name),
                    is_path ? "check the path: probes go into files, also of programs that do not run yet"
                            : "neither $PATH nor /etc/ld.so.cache has it: write the whole path");
}

const elf::Executable& UprobeFile::executable() {
    if (executable_) return *executable_;
    try {
        const Answer size = gate_->enter(Lseek{.fd = file_.get(), .offset = 0, .whence = SEEK_END}, "how large it is");
        const auto length = static_cast<std::size_t>(size.ok() ? size.value : 0);
        // Shared: in a private mapping of the file the kernel would set its breakpoints too, and count semaphores up
        // when it is this process that is probed (kernel/events/uprobes.c, valid_vma()).
        const Mmap map{.length = length, .prot = PROT_READ, .fd = file_.get()};
        const Answer mapped = length == 0 ? Answer{.value = -1, .error = EINVAL}
                                          : gate_->enter(map, "its symbols say where in the file each function begins");
        if (mapped.ok()) {
            mapping_ = Mapping(*gate_, reinterpret_cast<void*>(mapped.value), length);
        } else {
            gate_->enter(Lseek{.fd = file_.get(), .offset = 0, .whence = SEEK_SET});
            copy_ = read_all(*gate_, file_.get(), path_);
        }
        executable_ = elf::parse_executable(mapping_.is_mapped() ? ByteView(mapping_.bytes()) : ByteView(copy_), path_);
    } catch (const Error& error) {
        throw error.within(doing_);
    }
    return *executable_;
}

UprobeTarget split_uprobe_target(std::string_view target, const std::string& doing) {
    const std::size_t colon = target.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == target.size()) {
        throw_usage(fmt::format("{}: '{}' is not FILE:FUNCTION", doing, target),
                    "for instance uprobe:/bin/bash:readline, uprobe:libc:malloc+4, or uprobe:/bin/bash:0x1234 for an "
                    "offset in the file");
    }
    return {.file = target.substr(0, colon), .function = target.substr(colon + 1)};
}

std::uint64_t require_function(const elf::Executable& executable, std::string_view function, const std::string& path,
                               const std::string& doing) {
    bool is_ambiguous = false;
    const elf::FunctionSymbol* found = find_function(executable, function, is_ambiguous);
    if (found == nullptr) {
        throw_malformed(fmt::format("{}: {} has no function '{}'", doing, path, function),
                        missing_function_hint(executable, function, path));
    }
    if (is_ambiguous) {
        throw_malformed(
            fmt::format("{}: {} has several functions '{}'", doing, path, function),
            fmt::format("name the place by its offset in the file, {}:0x{:x} or another", path, found->offset));
    }
    if (found->is_indirect) {
        throw_malformed(
            fmt::format("{}: '{}' in {} is an indirect function (STT_GNU_IFUNC)", doing, function, path),
            "which code runs is chosen for the processor when the program starts: probe that function (for instance "
            "__memcpy_avx_unaligned_erms), whose name is in the file unless it was stripped");
    }
    return found->offset;
}

std::vector<std::uint64_t> matching_functions(const elf::Executable& executable, const std::string& pattern) {
    std::vector<std::uint64_t> offsets;
    for (const elf::FunctionSymbol& function : executable.functions) {
        if (function.is_indirect) continue;
        if (fnmatch(pattern.c_str(), std::string(function.name).c_str(), 0) == 0) offsets.push_back(function.offset);
    }
    std::sort(offsets.begin(), offsets.end());
    offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
    return offsets;
}

std::string uprobe_refusal_hint(int error) {
    switch (error) {
        case ENOENT: return "there is no such file where the kernel looks for it: write the whole path";
        case ESRCH: return "there is no process with this pid";
        case EINVAL:
            return "the offset lies outside the file, or the file system of the file does not take probes (it must be "
                   "a "
                   "regular file that can be mapped)";
        case EIO: return "the instruction there cannot be read";
        default: return {};
    }
}

}  // namespace minibpf
