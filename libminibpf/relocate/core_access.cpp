// Reading an access against the object's BTF, and finding it again in the kernel's.
#include <libminibpf/relocate/core_access.hpp>

#include <charconv>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/value.hpp>

namespace minibpf::core {

using btf::Btf;
using btf::Kind;
using btf::Member;
using btf::Type;
using btf::TypeId;

namespace {

constexpr std::size_t longest_access = 64;  // BPF_CORE_SPEC_MAX_LEN, of libbpf and of the kernel

// "0:1:2" to {0, 1, 2}
std::vector<std::uint32_t> parse_indices(std::string_view text) {
    std::vector<std::uint32_t> indices;
    indices.reserve(8);
    const char* at = text.data();
    const char* end = at + text.size();
    for (;; ++at) {
        std::uint32_t index = 0;
        const auto [next, error] = std::from_chars(at, end, index);
        if (error != std::errc() || index > INT32_MAX || (next != end && *next != ':')) {
            throw_malformed(fmt::format("access '{}' is not a list of indices like 0:1:2", text));
        }
        if (indices.size() == longest_access) {
            throw_malformed(fmt::format("access '{}' goes through more than {} members", text, longest_access));
        }
        indices.push_back(index);
        if (next == end) return indices;
        at = next;
    }
}

// A flexible array has no number of elements: it is the last member of its struct, and goes on as far as it likes.
bool is_flexible(const Btf& btf, const Step& array, std::uint32_t count) {
    return count == 0 && !array.name.empty() && array.index + 1 == btf.type(array.within).vlen;
}

class AccessBuilder {
public:
    explicit AccessBuilder(Access& access) : access_(access) {}

    void enter_element(const Type& type, std::uint32_t index) {
        const auto size = size_of(*access_.btf, type);
        std::uint64_t bits = 0;
        if (!size || __builtin_mul_overflow(*size, std::uint64_t{8} * index, &bits)) {
            throw_malformed(fmt::format("{} has no size that could be counted in",
                                        size ? "an array" : btf::type_text(*access_.btf, type.id)));
        }
        access_.steps.push_back({.index = index, .type = type.id});
        advance(bits);
    }

    void enter_member(const Type& composite, std::uint32_t index, const Member& member) {
        if (!member.name.empty()) {
            access_.steps.push_back({.within = composite.id,
                                     .index = index,
                                     .name = member.name,
                                     .type = member.type,
                                     .bit_size = member.bit_size});
        }
        advance(member.bit_offset);
    }

private:
    void advance(std::uint64_t bits) {
        constexpr std::uint64_t farthest = std::uint64_t{INT32_MAX} * 8;  // the immediate of an instruction, in bits
        if (bits > farthest || access_.bit_offset + bits > farthest) {
            throw_malformed(fmt::format("{} lies more than 2 GiB into the type", access_text(access_)));
        }
        access_.bit_offset += bits;
    }

    Access& access_;
};

void read_enumerator(Access& access, const Type& type, std::span<const std::uint32_t> indices) {
    if (!is_enum(type.kind) || indices.size() != 1 || indices[0] >= type.vlen) {
        throw_malformed(fmt::format("there is no such enumerator: the type is of kind {} and has {}",
                                    btf::kind_name(type.kind), type.vlen));
    }
    access.steps.push_back(
        {.within = type.id, .index = indices[0], .name = access.btf->enumerator(type, indices[0]).name});
}

// One index on from `type`; answers the type there, modifiers stripped.
Type read_step(Access& access, const Type& type, std::uint32_t index) {
    const Btf& btf = *access.btf;
    AccessBuilder builder(access);
    if (is_composite(type.kind)) {
        if (index >= type.vlen) {
            throw_malformed(
                fmt::format("{} has {} members, and not a number {}", access_text(access), type.vlen, index));
        }
        const Member member = btf.member(type, index);
        builder.enter_member(type, index, member);
        return btf.stripped(member.type);
    }
    if (type.kind != Kind::array) {
        throw_malformed(
            fmt::format("{} is of kind {}, which has nothing inside", access_text(access), btf::kind_name(type.kind)));
    }
    const btf::ArrayInfo array = btf.array(type);
    if (index >= array.count && !is_flexible(btf, access.steps.back(), array.count)) {
        throw_malformed(
            fmt::format("{} has {} elements, and not a number {}", access_text(access), array.count, index));
    }
    const Type element = btf.stripped(array.element);
    builder.enter_element(element, index);
    return element;
}

class Search {
public:
    Search(const Access& local, TypeRef target) : local_(local), btf_(*target.btf) {
        found_.access.btf = target.btf;
        found_.access.root = target.id;
    }

    Found enumerator() {
        const Step& wanted = local_.steps.front();
        const Type type = btf_.stripped(found_.access.root);
        const std::string_view name = btf::essential_name(wanted.name);
        if (!is_enum(type.kind)) return miss(CoreMiss::type, 0);
        for (std::uint32_t i = btf_.find_entry(type, 0, name); i < type.vlen; i = btf_.find_entry(type, i + 1, name)) {
            const std::string_view candidate = btf_.enumerator(type, i).name;
            if (btf::essential_name(candidate) != name) continue;
            found_.access.steps.push_back({.within = type.id, .index = i, .name = candidate});
            return std::move(found_);
        }
        return miss(CoreMiss::enumerator, 0);
    }

    Found field() {
        found_.access.steps.reserve(local_.steps.size());
        Type type = btf_.stripped(found_.access.root);
        AccessBuilder(found_.access).enter_element(type, local_.steps.front().index);
        for (std::size_t i = 1; i < local_.steps.size(); ++i) {
            const Step& wanted = local_.steps[i];
            const CoreMiss missed = wanted.name.empty() ? element(type, wanted) : member(type, wanted, 0);
            if (missed != CoreMiss::nothing) return miss(missed, i);
            if (i + 1 < local_.steps.size()) type = btf_.stripped(found_.access.steps.back().type);
        }
        return std::move(found_);
    }

private:
    Found miss(CoreMiss what, std::size_t step) {
        found_.miss = what;
        found_.step = static_cast<std::uint8_t>(step);
        return std::move(found_);
    }

    CoreMiss element(const Type& type, const Step& wanted) {
        if (type.kind != Kind::array) return CoreMiss::element;
        const btf::ArrayInfo array = btf_.array(type);
        const bool inside = wanted.index < array.count || is_flexible(btf_, found_.access.steps.back(), array.count);
        if (!inside) return CoreMiss::element;
        AccessBuilder(found_.access).enter_element(btf_.stripped(array.element), wanted.index);
        return CoreMiss::nothing;
    }

    // Members of anonymous structs and unions count as members of the struct around them.
    CoreMiss member(const Type& type, const Step& wanted, std::size_t depth) {
        if (depth == longest_access) throw_malformed("a type of the kernel has structs without names 64 deep");
        CoreMiss missed = CoreMiss::member;
        if (!is_composite(type.kind)) return missed;
        for (std::uint32_t i = next(type, 0, wanted); i < type.vlen; i = next(type, i + 1, wanted)) {
            const Member candidate = btf_.member(type, i);
            if (!candidate.name.empty() && candidate.name != wanted.name) continue;
            if (!candidate.name.empty()) return take(type, i, candidate, wanted);
            const CoreMiss missed_inside = member(btf_.stripped(candidate.type), wanted, depth + 1);
            if (missed_inside == CoreMiss::nothing) {
                AccessBuilder(found_.access).enter_member(type, i, candidate);
                return CoreMiss::nothing;
            }
            if (missed_inside == CoreMiss::member_type) missed = missed_inside;
        }
        return missed;
    }

    std::uint32_t next(const Type& type, std::uint32_t from, const Step& wanted) {
        const std::uint32_t at = btf_.find_entry(type, from, wanted.name);
        limit_.spend(at - from + 1);
        return at;
    }

    CoreMiss take(const Type& type, std::uint32_t index, const Member& candidate, const Step& wanted) {
        if (!fields_are_compatible({local_.btf, wanted.type}, {&btf_, candidate.type})) return CoreMiss::member_type;
        AccessBuilder(found_.access).enter_member(type, index, candidate);
        return CoreMiss::nothing;
    }

    const Access& local_;
    const Btf& btf_;
    Found found_;
    WorkLimit limit_;
};

}  // namespace

Access read_access(const Btf& local, const CoreRelocation& relocation) {
    Access access{.btf = &local, .root = relocation.type};
    if (is_about_type(relocation.kind)) {
        if (relocation.access != "0")
            throw_malformed(fmt::format("access '{}' to a type as a whole must be '0'", relocation.access));
        return access;
    }
    const std::vector<std::uint32_t> indices = parse_indices(relocation.access);
    Type type = local.stripped(relocation.type);
    if (is_about_enumerator(relocation.kind)) {
        read_enumerator(access, type, indices);
        return access;
    }
    access.steps.reserve(indices.size());
    AccessBuilder(access).enter_element(type, indices[0]);
    for (std::size_t i = 1; i < indices.size(); ++i) type = read_step(access, type, indices[i]);
    return access;
}

Found find_access(CoreKind kind, const Access& local, TypeRef target) {
    if (is_about_field(kind)) return Search(local, target).field();
    if (is_about_enumerator(kind)) return Search(local, target).enumerator();
    const TypeRef type{local.btf, local.root};
    const bool same = kind == CoreKind::type_matches ? types_match(type, target) : types_are_compatible(type, target);
    return {.miss = same ? CoreMiss::nothing : CoreMiss::type, .access = {.btf = target.btf, .root = target.id}};
}

std::string access_text(const Access& access) {
    std::string text = btf::type_text(*access.btf, access.root);
    if (access.steps.empty()) return text;
    if (!access.steps[0].name.empty()) return fmt::format("{} of {}", access.steps[0].name, text);
    if (access.steps[0].index != 0) text += fmt::format("[{}]", access.steps[0].index);
    for (std::size_t i = 1; i < access.steps.size(); ++i) {
        const Step& step = access.steps[i];
        text += step.name.empty() ? fmt::format("[{}]", step.index) : fmt::format(".{}", step.name);
    }
    return text;
}

}  // namespace minibpf::core
