// CO-RE: compile once, run everywhere. The compiler notes of each access to a kernel type which member it means; here
// the notes are read against the types of the kernel that is to run the program, and the numbers in the instructions
// are written anew.
//
//     local type (in the object)           target type (in the kernel)
//     struct task_struct { int pid; }      struct task_struct { ...; pid_t pid; ... }   pid at byte 1256
//                  |                                                     |
//     relocation: insn 4, "0:0", field_byte_offset                       |
//     insn 4:  r1 = *(u32 *)(r6 + 0)     becomes      r1 = *(u32 *)(r6 + 1256)
//
// What the kernel does not have is no error yet: a program may ask first (field_exists) and then go another way. So the
// instruction becomes one that no kernel accepts, and the verifier complains if a program can get there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/object/object_spec.hpp>
#include <libminibpf/relocate/link.hpp>

namespace minibpf {

/// A type of the kernel that a local type may stand for.
struct CoreCandidate {
    const btf::Btf* btf = nullptr;  ///< vmlinux's or a module's; outlives the relocation
    btf::TypeId type = 0;
};

/// Where the kernel's types come from. The loader opens the kernel's BTF only when it is first asked; a test answers
/// from BTF of its own.
class CoreTargets {
public:
    virtual ~CoreTargets() = default;

    /// Every type of that kind (ENUM and ENUM64 are one) whose essential name (without `___flavour`) is `name`, in
    /// vmlinux; if there is none, in the modules.
    virtual std::vector<CoreCandidate> candidates(std::string_view name, btf::Kind kind) = 0;
};

/// What the kernel lacks, where an instruction had to be poisoned.
enum class CoreMiss : std::uint8_t {
    nothing,
    type,         ///< there is none of that name and kind, or it is another one behind its pointers
    member,       ///< the struct has none of that name
    member_type,  ///< the member has become something else: a struct where an integer was
    element,      ///< the array is shorter, or is none
    enumerator,   ///< the enum has none of that name
    member_size,  ///< an instruction loads or stores the member, and cannot be rewritten to its size in the kernel
};

/// What was done to one instruction of a program.
struct CoreChange {
    std::uint32_t insn_index = 0;  ///< in the program
    std::size_t function = 0;      ///< index in ObjectSpec::functions
    std::size_t relocation = 0;    ///< index in FunctionSpec::core_relocations
    std::uint8_t slots = 1;        ///< 2: a ld_imm64
    CoreMiss miss = CoreMiss::nothing;
    std::uint8_t missed_step = 0;                     ///< of the access, 0 the root: the one that the miss is about
    std::uint32_t bytes_before = 0, bytes_after = 0;  ///< of a load or store that was made wider or narrower; else 0
    std::uint64_t before = 0, after = 0;  ///< the number in the instruction; signed ones are extended to 64 bits

    bool is_poisoned() const noexcept { return miss != CoreMiss::nothing; }
};

/// The immediate of a poisoned instruction, 0xbad2310 ("bad relo"): `call unknown#195896080`. libbpf's number, and its
/// instruction: a program's tag is a hash of all its instructions, also of those that the verifier never reaches.
constexpr std::int32_t core_poison = 195896080;

namespace core {
class Resolver;
}

/// Applies the CO-RE relocations of programs of one object. What was found for a type and an access is remembered, for
/// programs ask for the same again and again.
class CoreRelocator {
public:
    /// Borrows both. Asks `targets` for nothing before the first relocation that needs the kernel's types.
    CoreRelocator(const ObjectSpec& object, CoreTargets& targets);
    ~CoreRelocator();
    CoreRelocator(const CoreRelocator&) = delete;
    CoreRelocator(CoreRelocator&&) = delete;
    CoreRelocator& operator=(const CoreRelocator&) = delete;
    CoreRelocator& operator=(CoreRelocator&&) = delete;

    /// Rewrites the program's instructions; answers what was done, by function as they are placed, then by instruction.
    /// Throws Error (Blame::object) naming function, instruction, relocation and local type: for a malformed
    /// relocation, an instruction that holds another number than the local type says, two types of the kernel that
    /// disagree.
    std::vector<CoreChange> relocate(LinkedProgram& linked);

private:
    const ObjectSpec& object_;
    CoreTargets& targets_;
    std::unique_ptr<core::Resolver> resolver_;
};

/// "field_byte_offset": the name in CoreKind; "kind 99" for none of them.
std::string core_kind_text(CoreKind kind);

/// What a relocation asks about, in C: "struct task_struct.mm.pgd (0:5:3)", "PIDTYPE_TGID of enum pid_type (1)",
/// "struct task_struct". Of a malformed one, as much of it as makes sense.
std::string core_access_text(const ObjectSpec& object, const CoreRelocation& relocation);

/// What was done to an instruction and why: "struct task_struct.pid (0:3): offset 8 -> 1256",
/// "struct task_struct___old.state (0:0): no member 'state' in this kernel".
std::string core_change_text(const ObjectSpec& object, const CoreChange& change);

/// For the verifier's "invalid func unknown#195896080" at an instruction: the change that put it there (either slot of
/// a ld_imm64), or null. `changes` is what relocate() answered for that program.
const CoreChange* find_poisoned(std::span<const CoreChange> changes, std::uint32_t insn_index) noexcept;

}  // namespace minibpf
