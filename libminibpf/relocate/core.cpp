// The last step before a program's instructions are final: functions come in as they were placed, and each relocation
// of each function is resolved (core_resolve.cpp) and written into its instruction (core_patch.cpp).
#include <libminibpf/relocate/core.hpp>

#include <array>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/value.hpp>
#include <libminibpf/relocate/core_patch.hpp>
#include <libminibpf/relocate/core_resolve.hpp>

namespace minibpf {

namespace {

struct KindWords {
    std::string_view name;     // in CoreKind
    std::string_view measure;  // what the number is
};

constexpr std::array<KindWords, 13> kind_words = {{
    {"field_byte_offset", "offset"},
    {"field_byte_size", "size"},
    {"field_exists", "exists"},
    {"field_signed", "signed"},
    {"field_lshift_u64", "left shift"},
    {"field_rshift_u64", "right shift"},
    {"type_id_local", "local type id"},
    {"type_id_target", "type id"},
    {"type_exists", "exists"},
    {"type_size", "size"},
    {"enumval_exists", "exists"},
    {"enumval_value", "value"},
    {"type_matches", "matches"},
}};

const KindWords* words_of(CoreKind kind) noexcept {
    const auto i = static_cast<std::size_t>(kind);
    return i < kind_words.size() ? &kind_words[i] : nullptr;
}

// "struct task_struct" for struct task_struct___mine: what was looked for.
std::string kernel_type_text(const btf::Btf& btf, btf::TypeId type) {
    const std::string text = btf::type_text(btf, type);
    return std::string(btf::essential_name(text));
}

std::string miss_text(const ObjectSpec& object, const CoreChange& change, const CoreRelocation& relocation) {
    const core::Access access = core::read_access(*object.btf, relocation);
    const core::Step step = change.missed_step < access.steps.size() ? access.steps[change.missed_step] : core::Step{};
    switch (change.miss) {
        case CoreMiss::nothing: return "";
        case CoreMiss::type: return fmt::format("no {} in this kernel", kernel_type_text(*object.btf, relocation.type));
        case CoreMiss::member: return fmt::format("no member '{}' in this kernel", step.name);
        case CoreMiss::member_type: return fmt::format("member '{}' is of another type in this kernel", step.name);
        case CoreMiss::element: return fmt::format("no element {} in this kernel", step.index);
        case CoreMiss::enumerator: return "no such enumerator in this kernel";
        case CoreMiss::member_size: break;
    }
    return fmt::format(
        "{} bytes in this kernel, and the instruction accesses {}: that is right for unsigned integers only",
        change.bytes_after, change.bytes_before);
}

std::string place_text(const ObjectSpec& object, const FunctionSpec& function, const CoreRelocation& relocation) {
    return fmt::format("function '{}', instruction {}: CO-RE relocation {} of {}", function.name, relocation.insn_index,
                       core_kind_text(relocation.kind), core_access_text(object, relocation));
}

}  // namespace

CoreRelocator::CoreRelocator(const ObjectSpec& object, CoreTargets& targets) : object_(object), targets_(targets) {}

CoreRelocator::~CoreRelocator() = default;

std::vector<CoreChange> CoreRelocator::relocate(LinkedProgram& linked) {
    std::size_t count = 0;
    for (const PlacedFunction& placed : linked.functions) {
        count += object_.functions[placed.function].core_relocations.size();
    }
    std::vector<CoreChange> changes;
    if (count == 0) return changes;
    if (!resolver_) resolver_ = std::make_unique<core::Resolver>(object_, targets_);
    changes.reserve(count);
    for (const PlacedFunction& placed : linked.functions) {
        const FunctionSpec& function = object_.functions[placed.function];
        const auto insns = std::span(linked.insns).subspan(placed.insn_index, function.insns.size());
        for (std::size_t i = 0; i < function.core_relocations.size(); ++i) {
            const CoreRelocation& relocation = function.core_relocations[i];
            try {
                changes.push_back(core::patch(insns, relocation.insn_index, resolver_->resolve(relocation)));
            } catch (const Error& error) {
                throw error.within(place_text(object_, function, relocation));
            }
            changes.back().insn_index = placed.insn_index + relocation.insn_index;
            changes.back().function = placed.function;
            changes.back().relocation = i;
        }
    }
    return changes;
}

std::string core_kind_text(CoreKind kind) {
    const KindWords* words = words_of(kind);
    return words != nullptr ? std::string(words->name) : fmt::format("kind {}", static_cast<std::uint32_t>(kind));
}

std::string core_access_text(const ObjectSpec& object, const CoreRelocation& relocation) {
    std::string text = fmt::format("type {}", relocation.type);
    try {
        if (object.btf) text = btf::type_text(*object.btf, relocation.type);
        if (object.btf) text = core::access_text(core::read_access(*object.btf, relocation));
    } catch (const Error&) {
        // as far as it went
    }
    return core::is_about_type(relocation.kind) ? text : fmt::format("{} ({})", text, relocation.access);
}

std::string core_change_text(const ObjectSpec& object, const CoreChange& change) {
    const CoreRelocation& relocation = object.functions.at(change.function).core_relocations.at(change.relocation);
    const std::string access = core_access_text(object, relocation);
    if (change.is_poisoned()) return fmt::format("{}: {}", access, miss_text(object, change, relocation));
    const KindWords* words = words_of(relocation.kind);
    std::string text = fmt::format("{}: {} {} -> {}", access, words != nullptr ? words->measure : "number",
                                   static_cast<std::int64_t>(change.before), static_cast<std::int64_t>(change.after));
    if (change.bytes_before != 0) text += fmt::format(", {} -> {} bytes", change.bytes_before, change.bytes_after);
    return text;
}

const CoreChange* find_poisoned(std::span<const CoreChange> changes, std::uint32_t insn_index) noexcept {
    for (const CoreChange& change : changes) {
        const bool is_there = insn_index >= change.insn_index && insn_index < change.insn_index + change.slots;
        if (is_there && change.is_poisoned()) return &change;
    }
    return nullptr;
}

}  // namespace minibpf
