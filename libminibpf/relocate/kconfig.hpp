// Kernel options as C variables: `extern int CONFIG_HZ __kconfig;` gets the value that the running kernel was built
// with, from the text that its build left behind:
//
//     CONFIG_HZ=250                        an integer
//     CONFIG_BPF_SYSCALL=y                 bool, char ('y') or enum libbpf_tristate (TRI_YES)
//     CONFIG_NF_TABLES=m                   char or tristate
//     CONFIG_DEFAULT_HOSTNAME="(none)"     an array of char
//     # CONFIG_KASAN is not set            not there
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/object/object_spec.hpp>

namespace minibpf {

/// Options and their values as the file spells them: {"CONFIG_HZ", "250"}.
using KconfigValues = std::map<std::string, std::string, std::less<>>;

/// Those of the `wanted` options that the file sets. The file is text (/boot/config-6.1.0) or text in gzip
/// (/proc/config.gz). Throws Error naming `where` and the line or the byte at fault.
KconfigValues read_kconfig(ByteView file, std::string_view where, const std::vector<std::string>& wanted);

/// Writes an option's value into its variable, as libbpf does. `to` is the variable, `external.size` bytes.
/// Throws Error when the value does not fit the variable's type.
void write_kconfig_value(const ExternSpec& external, std::string_view value, std::span<std::byte> to);

}  // namespace minibpf
