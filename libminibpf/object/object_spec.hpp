// A BPF object as a blueprint: everything that its `.o` says, checked, named and independent of the running kernel.
//
// The same file gives the same ObjectSpec on every machine. Loading (load/) turns a MapSpec into a Map, a ProgramSpec
// into a Program; until then everything in here is plain data that a caller may change: a map's size, a variable's
// value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <linux/bpf.h>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/btf/btf.hpp>
#include <libminibpf/object/hook.hpp>
#include <libminibpf/object/variable.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// How the object came by a map.
enum class MapOrigin {
    btf_definition,     ///< a struct of __uint/__type members in section ".maps"
    legacy_definition,  ///< struct bpf_map_def in section "maps"
    data_section,       ///< .rodata, .data, .bss: an array map with one value, the section
    kconfig,            ///< extern variables in .kconfig, which the loader fills from the kernel's configuration
    struct_ops,         ///< a variable in .struct_ops: a table of functions for the kernel to call
};

/// A reference from an instruction to a map: ld_imm64 that becomes the map's fd (BPF_PSEUDO_MAP_FD).
struct MapReference {
    std::size_t map = 0;  ///< index in ObjectSpec::maps
};
/// A reference to a byte of a data section: ld_imm64 that becomes an address (BPF_PSEUDO_MAP_VALUE).
struct DataReference {
    std::size_t map = 0;
    std::uint32_t offset = 0;  ///< in the map's value, bytes
};
/// A call of a function of the object, or (in an ld_imm64) its address as a callback.
struct FunctionReference {
    std::size_t function = 0;  ///< index in ObjectSpec::functions
};
/// A reference to something that the kernel has: a ksym's address, a call of a kfunc.
struct ExternReference {
    std::size_t index = 0;  ///< in ObjectSpec::externs
};

/// A reference that no program can be loaded with. The others do not mind, so it is an error only for those that have
/// it.
struct UnknownReference {
    std::string problem;  ///< "function 'f', instruction 3: symbol 'x' is not defined ..."
};

/// What the definition puts into a map: `.values = { [2] = &inner }` or `{ [0] = (void *)&program }`.
struct MapSlot {
    std::uint32_t index = 0;  ///< the key; for struct_ops the member's offset, bytes
    std::variant<MapReference, FunctionReference> target;
};

/// A map that the object defines, or that one of its sections becomes.
struct MapSpec {
    std::string name;         ///< as the C source has it: "config", ".rodata"
    std::string kernel_name;  ///< what the kernel is told: at most 15 characters: "config", "hello.rodata"
    MapOrigin origin = MapOrigin::btf_definition;
    bpf_map_type type = BPF_MAP_TYPE_UNSPEC;
    std::uint32_t key_size = 0;     ///< bytes
    std::uint32_t value_size = 0;   ///< bytes
    std::uint32_t max_entries = 0;  ///< elements; ring buffers: bytes
    std::uint32_t map_flags = 0;    ///< BPF_F_*
    std::uint32_t numa_node = 0;
    std::uint64_t map_extra = 0;
    std::string pin_name;  ///< path under the bpffs: "config", "tc/globals/config"; empty: not pinned
    btf::TypeId btf_key_type_id = 0;
    btf::TypeId btf_value_type_id = 0;
    /// Data sections: the contents, value_size bytes. Empty stands for zeros: .bss takes no room here before one of its
    /// variables is set, for its size costs a file nothing. A value_size that a caller has made larger, for an array at
    /// the section's end, is made up by zeros. An arena's variables. Empty for other maps.
    Bytes initial;
    bool read_only = false;      ///< .rodata: frozen once filled, so that the verifier may rely on the values
    bool optional = false;       ///< in "?.struct_ops": only created when asked for
    std::vector<MapSpec> inner;  ///< maps of maps: one, the shape that the maps in it have
    std::vector<MapSlot> slots;
    std::uint32_t map_ifindex = 0;  ///< the network interface whose card has the map; 0: the kernel has it
};

/// An instruction that refers to something, and to what.
struct InsnRelocation {
    std::uint32_t insn_index = 0;  ///< in its function
    std::variant<MapReference, DataReference, FunctionReference, ExternReference, UnknownReference> target;
    std::string symbol;  ///< what the relocation names: "config", ".rodata", "print_it"
};

/// What a CO-RE relocation asks about the running kernel's types: enum bpf_core_relo_kind, include/uapi/linux/bpf.h.
enum class CoreKind : std::uint32_t {
    field_byte_offset = 0,
    field_byte_size = 1,
    field_exists = 2,
    field_signed = 3,
    field_lshift_u64 = 4,
    field_rshift_u64 = 5,
    type_id_local = 6,
    type_id_target = 7,
    type_exists = 8,
    type_size = 9,
    enumval_exists = 10,
    enumval_value = 11,
    type_matches = 12,
};

/// An instruction whose number depends on the running kernel's types (struct bpf_core_relo in .BTF.ext).
struct CoreRelocation {
    std::uint32_t insn_index = 0;  ///< in its function
    CoreKind kind = CoreKind::field_byte_offset;
    btf::TypeId type = 0;  ///< of the object's BTF: where the access begins
    std::string access;    ///< "0:1:2": array element 0, member 1, its member 2; for enumerators the index
};

/// A function as it was compiled: an entry program or a subprogram that programs call.
struct FunctionSpec {
    std::string name;
    std::string section;
    std::uint64_t section_offset = 0;  ///< bytes
    bool is_global = false;            ///< not STB_LOCAL: the verifier checks a global subprogram by itself
    bool is_hidden = false;            ///< STV_HIDDEN: global among the files that were linked, static for the kernel
    std::vector<bpf_insn> insns;
    std::vector<InsnRelocation> relocations;  ///< sorted by insn_index
    // From .BTF.ext; the first word of each record is rewritten from the section's byte offset to the index of the
    // instruction in this function. Empty when the object has none.
    std::uint32_t func_info_rec_size = 0;
    Bytes func_info;
    std::uint32_t line_info_rec_size = 0;
    Bytes line_info;
    std::vector<CoreRelocation> core_relocations;  ///< sorted by insn_index
    /// What bpf_throw() calls when the function is a program's entry: index in ObjectSpec::functions (Linux 6.7). Its
    /// declaration tag "exception_callback:NAME" says so.
    std::optional<std::size_t> exception_callback;
};

/// An entry point: what becomes a program in the kernel.
struct ProgramSpec {
    std::string name;
    std::string section;
    ProgramKind kind;
    std::size_t function = 0;  ///< index in ObjectSpec::functions
    /// The network interface whose card is to run the program (xdp:eth0,offload); 0: the kernel runs it. The caller's
    /// to set, for the maps of the program as well.
    std::uint32_t prog_ifindex = 0;
};

/// A global variable in a data section.
struct VariableSpec {
    std::string name;
    std::size_t map = 0;       ///< index in ObjectSpec::maps
    std::uint32_t offset = 0;  ///< bytes
    std::uint32_t size = 0;    ///< bytes
    btf::TypeId type = 0;      ///< 0 without BTF
};

/// What kind of thing the kernel has to have.
enum class ExternKind {
    kconfig,        ///< a variable with the value of a kernel option: CONFIG_HZ
    ksym_address,   ///< `extern const void name __ksym`: the address of a kernel symbol
    ksym_variable,  ///< a typed variable of the kernel or of a module
    kfunc,          ///< a function of the kernel or of a module
};

/// How a kernel option is written into its variable.
enum class KconfigType { boolean, character, integer, string, tristate };

/// Something that the object uses and the kernel has to have.
struct ExternSpec {
    std::string name;
    ExternKind kind = ExternKind::ksym_address;
    bool is_weak = false;  ///< may be missing: then it is 0
    btf::TypeId type = 0;  ///< kconfig, ksym_variable: the variable's; kfunc: the FUNC
    // kconfig only: where and how the value lies in the map .kconfig
    KconfigType value_type = KconfigType::integer;
    bool is_signed = false;
    std::uint32_t size = 0;  ///< bytes
    std::uint32_t offset = 0;
};

/// All that an object file says. Plain data, which a caller may change before the load.
struct ObjectSpec {
    std::string name;       ///< the file's name without directory and endings: "hello" for progs/hello.bpf.o
    std::string file_name;  ///< for errors
    /// Compiled for machines of the other byte order. All numbers here are in this machine's nevertheless, for looking
    /// at; but the program counts on the other one, and load() refuses it.
    bool foreign_endian = false;
    bool has_license = false;
    std::string license;  ///< "" when there is no license section
    std::uint32_t kern_version = 0;
    std::optional<btf::Btf> btf;
    std::vector<FunctionSpec> functions;
    /// In the order of sections, then of offsets. In an object that has only .text, and in a section of an unknown
    /// name, the global functions which nothing calls are programs too. Their kind.type is BPF_PROG_TYPE_UNSPEC, as it
    /// is in a section of an unknown name, and the caller must say what they are.
    std::vector<ProgramSpec> programs;
    std::vector<MapSpec> maps;  ///< definitions in their order, then data sections
    std::vector<VariableSpec> variables;
    std::vector<ExternSpec> externs;
    std::vector<std::string> warnings;  ///< old spellings, a missing license: to be shown, not fatal

    /// By its name; null when there is none.
    ///@{
    const MapSpec* find_map(std::string_view map_name) const noexcept;
    MapSpec* find_map(std::string_view map_name) noexcept;
    const ProgramSpec* find_program(std::string_view program_name) const noexcept;
    const VariableSpec* find_variable(std::string_view variable_name) const noexcept;
    ///@}
    /// The same for a name that a person gave: throw Error (Blame::object) with the nearest name that exists.
    ///@{
    MapSpec& require_map(std::string_view map_name);
    const ProgramSpec& require_program(std::string_view program_name) const;
    ProgramSpec& require_program(std::string_view program_name);
    const VariableSpec& require_variable(std::string_view variable_name) const;
    ///@}
    /// Whether a definition puts this function's program into a table of tail calls.
    bool is_in_table(std::size_t function) const noexcept;
    /// Throws Error when the object was compiled for machines of the other byte order.
    void require_native_endian() const;

    /// Sets a global variable before the object is loaded. `text` is a C initialiser (btf/value.hpp).
    void set_variable(std::string_view variable_name, std::string_view text);
    /// The variable itself, to be read and written before the object is loaded, constants too:
    /// `spec.variable<std::uint32_t>("limit") = 300`. It is there as long as the spec is.
    /// Throws Error (Blame::usage) when T has another size.
    template <class T>
    T& variable(std::string_view variable_name) {
        return as_variable<T>(variable_name, variable_bytes(variable_name));
    }
    /// The same without its type.
    std::span<std::byte> variable_bytes(std::string_view variable_name);
};

/// The name as the kernel takes it: letters, digits, '_' and '.' (others become '_'), 15 of them (bpf_obj_name_cpy()).
std::string kernel_object_name(std::string_view name);

/// Bytes of an ELF object to its spec. `file_name` gives the object its name and errors their place.
/// Throws Error (Blame::object) naming the section, symbol, relocation or offset at fault.
ObjectSpec parse_object(ByteView elf, std::string_view file_name);

/// Raw instructions (llvm-objcopy --dump-section) to an object of one program, at most 1,000,000 instructions
/// (BPF_COMPLEXITY_LIMIT_INSNS), which the caller gives its type, hook and license.
ObjectSpec parse_raw_instructions(ByteView insns, std::string_view file_name, const ProgramKind& kind,
                                  std::string_view license);

}  // namespace minibpf

#pragma GCC visibility pop
