// From a question about the kernel's types to its answer. The same question has one answer throughout an object, so a
// hundred programs that read task_struct's pid ask the kernel's BTF once.
//
//     (type, access, kind) -> read_access -> candidates -> find_access in each -> value_of both -> Resolution
//                                            task_struct, task_struct___2, ...
//
// Internal to relocate/.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <libminibpf/object/object_spec.hpp>
#include <libminibpf/relocate/core.hpp>
#include <libminibpf/relocate/core_value.hpp>

namespace minibpf::core {

/// What an instruction has to hold instead of what it holds.
struct Resolution {
    CoreMiss miss = CoreMiss::nothing;  ///< else the instruction is to be poisoned
    std::uint8_t missed_step = 0;
    /// A load or store of the member cannot be rewritten to its size in the kernel; computing its address is fine.
    bool cannot_resize = false;
    Value before, after;
};

class Resolver {
public:
    Resolver(const ObjectSpec& object, CoreTargets& targets) : object_(object), targets_(targets) {}

    /// Stays valid as long as the resolver. Throws Error, without the names that the caller knows.
    const Resolution& resolve(const CoreRelocation& relocation);

private:
    /// Names the access by the object's own string.
    struct Question {
        btf::TypeId type = 0;
        CoreKind kind = CoreKind::field_byte_offset;
        std::string_view access;
        bool operator==(const Question&) const = default;
    };
    struct QuestionHash {
        // Not noexcept: then libstdc++ keeps the hashes beside the entries, and computes none while it searches.
        std::size_t operator()(const Question& question) const;
    };

    Resolution answer(const CoreRelocation& relocation);
    Resolution search(CoreKind kind, const Access& local);
    std::vector<CoreCandidate>& candidates(btf::TypeId local);

    const ObjectSpec& object_;
    CoreTargets& targets_;
    std::unordered_map<Question, Resolution, QuestionHash> answers_;
    std::unordered_map<btf::TypeId, std::vector<CoreCandidate>> candidates_;  ///< by local type
};

}  // namespace minibpf::core
