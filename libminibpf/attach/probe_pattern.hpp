// Which probes are meant by "vfs_*", "sched/*", "kprobe:vfs_read" or "usdt:/usr/sbin/mysqld:query*".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace minibpf {

/// What a pattern may ask for.
enum class ProbeKind {
    tracepoint,
    raw_tracepoint,
    function,  ///< of the kernel, for kprobes
    lsm,
    iterator,
    btf,  ///< fentry and tp_btf: what the kernel's BTF describes
    uprobe,
    usdt,
};

/// A pattern, taken apart.
struct ProbePattern {
    std::optional<ProbeKind> kind;  ///< as the hook's prefix says; nothing: any
    std::string prefix;             ///< "kprobe", as it was written
    std::string file;               ///< of uprobe:FILE:NAME and usdt:FILE:NAME; else empty
    std::string name;               ///< empty: everything. GROUP:NAME is GROUP/NAME here

    /// A name with `*`, `?` or `[...]` in it is matched like a file's name by the shell, against `name` and against
    /// `group/name`; one without matches where it is a part of them. `group` may be empty.
    bool matches(std::string_view group, std::string_view name) const;
};

/// Takes apart "KIND:NAME", "uprobe:FILE:NAME", "usdt:FILE:NAME", "usdt:FILE:PROVIDER:NAME", "NAME", "GROUP:NAME".
ProbePattern parse_probe_pattern(std::string_view text);

}  // namespace minibpf

#pragma GCC visibility pop
