// Looks up which function an address lies in: of the kernel, or of the files that a process has mapped. A function's
// symbol gives its beginning and, in ELF files, its size; the kernel's functions reach to the next symbol.
#include <libminibpf/events/stack_symbols.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>

#include <cxxabi.h>
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/elf/executable.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

std::optional<std::uint64_t> hex_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string file_name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// "std::terminate()" for "_ZSt9terminatev": C++ functions as their source has them.
std::string demangled(const std::string& name) {
    if (!name.starts_with("_Z")) return name;
    const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr),
                                                           &std::free);
    return text != nullptr ? text.get() : name;
}

std::optional<MappedFile> parse_maps_line(std::string_view line) {
    const auto begin = hex_number(take_until(line, '-'));
    const auto end = hex_number(take_until(line, ' '));
    take_until(line, ' ');  // permissions
    const auto offset = hex_number(take_until(line, ' '));
    if (!begin || !end || !offset) return std::nullopt;
    const std::string_view device = take_until(line, ' ');
    const std::string_view inode = take_until(line, ' ');
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return MappedFile{.begin = *begin,
                      .end = *end,
                      .offset = *offset,
                      .identity = fmt::format("{} {}", device, inode),
                      .path = std::string(line)};
}

}  // namespace

FunctionTable::FunctionTable(std::vector<Function> functions) : functions_(std::move(functions)) {
    std::ranges::stable_sort(functions_, {}, &Function::begin);
}

std::string FunctionTable::name_at(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(functions_, address, {}, &Function::begin);
    if (after == functions_.begin()) return {};
    // Of several names for one place the first.
    const auto found = std::ranges::lower_bound(functions_, std::prev(after)->begin, {}, &Function::begin);
    const std::uint64_t offset = address - found->begin;
    if (offset == 0) return demangled(found->name);
    if (found->size != 0 && offset >= found->size) return {};
    return fmt::format("{}+{:#x}", demangled(found->name), offset);
}

FunctionTable parse_kallsyms(std::string_view text) {
    std::vector<FunctionTable::Function> functions;
    while (!text.empty()) {
        const std::optional<KernelSymbol> symbol = parse_kernel_symbol(take_line(text));
        const auto address = symbol ? hex_number(symbol->address) : std::nullopt;
        if (!address || *address == 0 || !symbol->is_function()) continue;
        std::string name(symbol->name);
        if (!symbol->module.empty()) name += fmt::format(" [{}]", symbol->module);
        functions.push_back({.begin = *address, .size = 0, .name = std::move(name)});
    }
    return FunctionTable(std::move(functions));
}

std::vector<MappedFile> parse_maps(std::string_view text) {
    std::vector<MappedFile> files;
    while (!text.empty()) {
        if (auto file = parse_maps_line(take_line(text))) files.push_back(std::move(*file));
    }
    return files;
}

std::string StackSymbols::kernel(std::uint64_t address) {
    if (!has_kernel_) {
        has_kernel_ = true;
        kernel_ = parse_kallsyms(read_text(gate_, "/proc/kallsyms", "the kernel's functions").value_or(""));
    }
    const std::string name = kernel_.name_at(address);
    return name.empty() ? fmt::format("{:#x}", address) : name;
}

std::string StackSymbols::user(int pid, std::uint64_t address) {
    auto process = processes_.find(pid);
    if (process == processes_.end()) {
        const auto text = read_text(gate_, fmt::format("/proc/{}/maps", pid), "which files a process has mapped");
        process = processes_.emplace(pid, parse_maps(text.value_or(""))).first;
    }
    const auto& files = process->second;
    const auto file = std::ranges::find_if(
        files, [&](const MappedFile& mapped) { return address >= mapped.begin && address < mapped.end; });
    if (file == files.end() || file->path.empty()) return fmt::format("{:#x}", address);
    const std::uint64_t offset = address - file->begin + file->offset;
    const std::string name = file->path[0] == '/' ? functions_of(pid, *file).name_at(offset) : "";
    return name.empty() ? fmt::format("{}+{:#x}", file_name_of(file->path), offset) : name;
}

const FunctionTable& StackSymbols::functions_of(int pid, const MappedFile& file) {
    const auto known = files_.find(file.identity);
    if (known != files_.end()) return known->second;
    std::vector<FunctionTable::Function> functions;
    try {
        // By the process's own root directory: in a container the path means another file.
        const Bytes bytes = read_file(gate_, fmt::format("/proc/{}/root{}", pid, file.path), "for its symbols");
        for (const elf::FunctionSymbol& symbol : elf::parse_executable(bytes, file.path).functions) {
            functions.push_back({.begin = symbol.offset, .size = symbol.size, .name = std::string(symbol.name)});
        }
    } catch (const Error& error) {
        if (error.detail().code == ECANCELED) throw;
        // Gone, unreadable, or not for this machine: then its name and the offset have to do.
    }
    return files_.emplace(file.identity, FunctionTable(std::move(functions))).first->second;
}

}  // namespace minibpf
