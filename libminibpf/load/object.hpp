// What a loaded object is made of: maps and programs that live in the kernel, each held by a file descriptor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/object/object_spec.hpp>

namespace minibpf {
class Loader;     // friends of what is below, and not to be seen
class MapLoader;  // from outside the library
}  // namespace minibpf

#pragma GCC visibility push(default)

namespace minibpf {

/// A map in the kernel. Keys and values are bytes here; the overloads with text go by the map's BTF.
class Map {
public:
    /// Takes over a map that has been created after `spec`, which is one of `object`; both outlive it.
    Map(KernelGate& gate, const ObjectSpec& object, const MapSpec& spec, std::uint32_t max_entries, Fd fd)
        : gate_(&gate), object_(&object), spec_(&spec), max_entries_(max_entries), fd_(std::move(fd)) {}

    const std::string& name() const noexcept { return spec_->name; }     ///< as the source has it
    const MapSpec& spec() const noexcept { return *spec_; }              ///< what it was made after
    std::uint32_t max_entries() const noexcept { return max_entries_; }  ///< as created: perf arrays get the CPU count
    int fd() const noexcept { return fd_.get(); }                        ///< borrowed

    /// BPF_MAP_UPDATE_ELEM. Throws Error with the kernel's errno; Blame::usage when key or value has the wrong size.
    void update(ByteView key, ByteView value, std::uint64_t flags = BPF_ANY, const Reason& reason = {});
    /// The same with C initialisers: update("0", "Hey root!"); a per-CPU map gets the value for every CPU. Throws Error
    /// (Blame::usage) when one does not fit its type.
    void update(std::string_view key, std::string_view value);

    /// Key and value of an element written as text, one CPU's value; the check that update() makes before its call.
    std::pair<Bytes, Bytes> parse_element(std::string_view key, std::string_view value) const;
    Bytes parse_key(std::string_view text) const;  ///< a key alone, likewise

    /// The value of a key; nothing when the map has none. Per-CPU maps: one value after another, padded to 8 bytes.
    std::optional<Bytes> lookup(ByteView key) const;
    bool remove(ByteView key);  ///< false when there was none

    /// The key after `key`, in the kernel's order; the first one for an empty `key`; nothing after the last.
    std::optional<Bytes> next_key(ByteView key) const;

    /// Whether it was found pinned by an earlier load, with whatever is in it.
    bool was_pinned() const noexcept { return was_pinned_; }

    /// struct_ops: what an update of key 0 registers with the kernel, the programs' descriptors in it. Empty for
    /// others.
    ByteView struct_ops_value() const noexcept { return struct_ops_value_; }

    /// The elements' memory, shared with the programs: data sections, and arrays with BPF_F_MMAPABLE (Linux 5.5);
    /// mapped when first asked for, to be read only if the programs cannot write it either. Throws Error.
    std::span<std::byte> memory();
    /// The same where it is mapped already, as an arena always is; else empty.
    ByteView mapped() const noexcept { return memory_.bytes(); }

    std::string key_text(ByteView key) const;      ///< typed by BTF, else an integer or hex
    std::string value_text(ByteView value) const;  ///< per-CPU maps: `{cpu0 = 1, cpu1 = 0}`
    bool is_per_cpu() const noexcept;              ///< whether each CPU has values of its own
    /// What lookup() gave, taken apart: each CPU's value, or the one that there is in maps that are not per-CPU.
    std::vector<ByteView> values_by_cpu(ByteView value) const;

private:
    friend class Loader;
    friend class MapLoader;
    std::size_t value_bytes() const;
    std::size_t slot_count() const;  ///< 1; per-CPU maps: how many CPUs there can be

    KernelGate* gate_;
    const ObjectSpec* object_;
    const MapSpec* spec_;
    std::uint32_t max_entries_;
    Fd fd_;
    Mapping memory_;  ///< what programs and user space share: arenas from the start, others once asked for
    Bytes struct_ops_value_;
    bool was_pinned_ = false;
    mutable std::size_t slot_count_ = 0;  ///< 0: not asked for yet
};

/// A program that the verifier has accepted. It runs only once it is attached.
class Program {
public:
    /// Takes over a program that has been loaded after `spec`, which outlives it.
    Program(const ProgramSpec& spec, Fd fd) : spec_(&spec), fd_(std::move(fd)) {}

    const std::string& name() const noexcept { return spec_->name; }  ///< its function's
    const ProgramSpec& spec() const noexcept { return *spec_; }       ///< what it was made after
    int fd() const noexcept { return fd_.get(); }                     ///< borrowed

private:
    const ProgramSpec* spec_;
    Fd fd_;
};

/// A program that was left out of a load that went on without it (LoadOptions::keep_going).
struct FailedProgram {
    std::string name;
    Error error;
};

/// A loaded object. It dies in reverse: programs, then maps, then BTF.
class Object {
public:
    Object(Object&&) = default;
    Object& operator=(Object&&) = delete;
    ~Object();

    const ObjectSpec& spec() const noexcept { return *spec_; }                   ///< what it was made after
    std::vector<Map>& maps() noexcept { return maps_; }                          ///< those that were created or found
    std::vector<Program>& programs() noexcept { return programs_; }              ///< those that were loaded
    const std::vector<Program>& programs() const noexcept { return programs_; }  ///< those that were loaded
    /// Those that were left out: LoadOptions::keep_going.
    const std::vector<FailedProgram>& failed_programs() const noexcept { return failed_; }

    Map* find_map(std::string_view name) noexcept;          ///< null: there is none of that name
    Program* find_program(std::string_view name) noexcept;  ///< null: there is none of that name
    Map& require_map(std::string_view name);                ///< throws Error with the nearest name that exists
    Program& require_program(std::string_view name);  ///< the same; says so when the program was left out of the load

    /// A global variable in the memory that the programs see: `object.variable<std::uint64_t>("counter")`, and of a
    /// constant `object.variable<const std::uint32_t>("limit")`. It is there as long as the object is. Others write it
    /// meanwhile, so use std::atomic_ref where that matters. Throws Error: no such variable, another size, a section
    /// that no loaded program refers to and that therefore has no map, or a kernel before 5.5.
    template <class T>
    T& variable(std::string_view name) {
        return as_variable<T>(name, variable_bytes(name, !std::is_const_v<T>));
    }
    /// The same without its type.
    std::span<std::byte> variable_bytes(std::string_view name, bool for_writing = false);
    /// Its value now, as text of its type.
    std::string variable_text(std::string_view name);

private:
    friend class Loader;
    Object() = default;

    std::unique_ptr<ObjectSpec> spec_;  // on the heap: maps and programs point into it
    Fd btf_;
    std::vector<FailedProgram> failed_;
    std::vector<Map> maps_;
    std::vector<Program> programs_;
};

}  // namespace minibpf

#pragma GCC visibility pop
