// Candidates and what becomes of them: all that fit must say the same, those that do not fit are forgotten.
#include <libminibpf/relocate/core_resolve.hpp>

#include <optional>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/value.hpp>

namespace minibpf::core {

using btf::Kind;
using btf::Type;

namespace {

bool is_known(CoreKind kind) noexcept {
    return kind <= CoreKind::type_matches;
}

/// A candidate that has what was asked for.
struct Match {
    CoreCandidate candidate;
    std::uint64_t bit_offset = 0;
    Value value;
};

[[noreturn]] void throw_ambiguous(const Match& first, const Match& second) {
    const auto text = [](const Match& match) {
        return fmt::format("{} (type {}) says {}", btf::type_text(*match.candidate.btf, match.candidate.type),
                           match.candidate.type, match.value.number);
    };
    throw_malformed(
        fmt::format("the kernel has two types of that name which disagree: {}, {}", text(first), text(second)),
        "a local flavour (struct name___mine) with a member that only one of them has tells them apart");
}

// Loads zero-extend: that is right for pointers of a 32-bit kernel, and for unsigned integers that have grown or
// shrunk.
bool can_resize(const TypeRef& local, const TypeRef& target) {
    const Type from = local.btf->type(local.id);
    const Type to = target.btf->type(target.id);
    if (from.kind == Kind::ptr && to.kind == Kind::ptr) return true;
    const auto is_signed_int = [](const btf::Btf& btf, const Type& type) {
        const btf::IntEncoding encoding = btf.int_encoding(type);
        return encoding.is_signed && !encoding.is_char && !encoding.is_bool;  // libbpf: the encoding is BTF_INT_SIGNED
    };
    return from.kind == Kind::int_ && to.kind == Kind::int_ && !is_signed_int(*local.btf, from) &&
           !is_signed_int(*target.btf, to);
}

// Of several candidates the one in which the access came farthest tells best what is missing.
void note_miss(Resolution& resolution, const Found& found) {
    if (found.step < resolution.missed_step) return;
    resolution.miss = found.miss;
    resolution.missed_step = found.step;
}

}  // namespace

std::size_t Resolver::QuestionHash::operator()(const Question& question) const {
    std::uint64_t sum = std::uint64_t{question.type} << 8 | static_cast<std::uint32_t>(question.kind);
    for (const char c : question.access) sum = sum * 31 + static_cast<unsigned char>(c);
    return sum * 0x9e3779b97f4a7c15 >> 20;
}

const Resolution& Resolver::resolve(const CoreRelocation& relocation) {
    const Question question{.type = relocation.type, .kind = relocation.kind, .access = relocation.access};
    const auto known = answers_.find(question);
    if (known != answers_.end()) return known->second;
    return answers_.emplace(question, answer(relocation)).first->second;
}

Resolution Resolver::answer(const CoreRelocation& relocation) {
    if (!is_known(relocation.kind)) {
        throw_malformed("a relocation of a kind that this loader does not know",
                        "a newer compiler wrote it: an older one, or a newer loader, gets on");
    }
    if (!object_.btf) throw_malformed("the object has CO-RE relocations, but no BTF");
    const btf::Btf& local_btf = *object_.btf;
    const Access local = read_access(local_btf, relocation);
    if (relocation.kind == CoreKind::type_id_local) {
        const Value id = value_of(relocation.kind, local);
        return {.before = id, .after = id};
    }
    return search(relocation.kind, local);
}

Resolution Resolver::search(CoreKind kind, const Access& local) {
    Resolution resolution{.miss = CoreMiss::type, .before = value_of(kind, local)};
    std::vector<CoreCandidate>& all = candidates(local.root);
    std::vector<CoreCandidate> fitting;
    std::optional<Match> first;
    for (const CoreCandidate& candidate : all) {
        const Found found = find_access(kind, local, {candidate.btf, candidate.type});
        if (found.miss != CoreMiss::nothing) {
            note_miss(resolution, found);
            continue;
        }
        const Match match{candidate, found.access.bit_offset, value_of(kind, found.access)};
        if (!first) first = match;
        if (match.bit_offset != first->bit_offset || match.value.number != first->value.number) {
            throw_ambiguous(*first, match);
        }
        fitting.push_back(candidate);
    }
    if (first) {
        // As in libbpf: from now on this local type stands for none of the others. So the order of the relocations can
        // decide whether a later one is ambiguous.
        all = std::move(fitting);
        resolution.miss = CoreMiss::nothing;
        resolution.after = first->value;
        resolution.cannot_resize =
            resolution.before.bytes != resolution.after.bytes &&
            !can_resize({local.btf, resolution.before.type}, {first->candidate.btf, resolution.after.type});
    } else if (has_value_if_missing(kind)) {
        resolution.miss = CoreMiss::nothing;  // `after` is 0: no
    }
    return resolution;
}

std::vector<CoreCandidate>& Resolver::candidates(btf::TypeId local) {
    const auto known = candidates_.find(local);
    if (known != candidates_.end()) return known->second;
    const Type type = object_.btf->type(local);
    if (local == 0 || type.name.empty()) {
        throw_malformed("a type without a name cannot be found in the kernel",
                        "give the struct, union or enum a name, the kernel's");
    }
    std::vector<CoreCandidate> found = targets_.candidates(btf::essential_name(type.name), type.kind);
    std::erase_if(found, [&](const CoreCandidate& candidate) {
        return !kinds_are_compatible(type.kind, candidate.btf->type(candidate.type).kind);
    });
    return candidates_.emplace(local, std::move(found)).first->second;
}

}  // namespace minibpf::core
