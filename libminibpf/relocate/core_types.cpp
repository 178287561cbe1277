// Comparing types, step by step as libbpf does (bpf_core_fields_are_compat(), __bpf_core_types_are_compat(),
// __bpf_core_types_match() in relo_core.c): a program that asks whether a type exists must get the same answer from
// every loader.
#include <libminibpf/relocate/core_types.hpp>

#include <libminibpf/base/error.hpp>

namespace minibpf::core {

using btf::Btf;
using btf::Kind;
using btf::Member;
using btf::Param;
using btf::Type;
using btf::TypeId;

namespace {

constexpr int deepest = 32;  // libbpf's, for pointers to pointers to ... as for functions in parameters of functions

[[noreturn]] void throw_too_deep(const Type& local) {
    throw_malformed("the types go deeper than 32 into one another at local type " + std::to_string(local.id),
                    "a loop in the BTF? compile the object anew");
}

bool same_essential_name(std::string_view local, std::string_view target) noexcept {
    if (local.empty() || target.empty()) return local.empty() && target.empty();
    return local.front() == target.front() && btf::essential_name(local) == btf::essential_name(target);
}

// Integers that begin within a byte are how bit-fields were described before Linux 5.0; nothing can be said of them.
bool is_whole_int(const Btf& btf, const Type& type) {
    return btf.int_encoding(type).bit_offset == 0;
}

class Comparison {
public:
    Comparison(const Btf& local, const Btf& target) : local_(local), target_(target) {}

    bool are_compatible(TypeId local_id, TypeId target_id, int levels) {
        if (!kinds_are_compatible(local_.type(local_id).kind, target_.type(target_id).kind)) return false;
        for (int step = 0; step < deepest; ++step) {
            limit_.spend();
            const Type local = local_.stripped(local_id);
            const Type target = target_.stripped(target_id);
            if (!kinds_are_compatible(local.kind, target.kind)) return false;
            switch (local.kind) {
                case Kind::void_:
                case Kind::struct_:
                case Kind::union_:
                case Kind::enum_:
                case Kind::enum64:
                case Kind::fwd: return true;
                case Kind::int_: return is_whole_int(local_, local) && is_whole_int(target_, target);
                case Kind::ptr:
                case Kind::array: break;
                case Kind::func_proto:
                    if (!params_are_compatible(local, target, levels)) return false;
                    break;
                default: return false;  // FLOAT too: libbpf finds no `double` in a kernel
            }
            local_id = inner(local_, local);
            target_id = inner(target_, target);
        }
        throw_too_deep(local_.type(local_id));
    }

    bool match(TypeId local_id, TypeId target_id, bool behind_pointer, int levels) {
        if (levels <= 0) throw_too_deep(local_.type(local_id));
        for (int step = 0; step < deepest; ++step) {
            limit_.spend();
            const Type local = local_.stripped(local_id);
            const Type target = target_.stripped(target_id);
            if (!same_essential_name(local.name, target.name)) return false;
            switch (local.kind) {
                case Kind::struct_:
                case Kind::union_:
                case Kind::fwd:
                    if (behind_pointer) return is_same_tag(local, target);
                    if (local.kind != target.kind) return false;
                    if (local.kind == Kind::fwd) return local.kind_flag == target.kind_flag;
                    return members_match(local, target, levels);
                case Kind::enum_:
                case Kind::enum64: return is_enum(target.kind) && enumerators_match(local, target);
                default: break;
            }
            if (local.kind != target.kind) return false;
            switch (local.kind) {
                case Kind::void_: return true;
                case Kind::int_:
                    return local.size() == target.size() &&
                           local_.int_encoding(local).is_signed == target_.int_encoding(target).is_signed;
                case Kind::ptr: behind_pointer = true; break;
                case Kind::array:
                    if (local_.array(local).count != target_.array(target).count) return false;
                    break;
                case Kind::func_proto:
                    if (!params_match(local, target, behind_pointer, levels)) return false;
                    break;
                default: return false;
            }
            local_id = inner(local_, local);
            target_id = inner(target_, target);
        }
        throw_too_deep(local_.type(local_id));
    }

private:
    // What a pointer points to, an array consists of, a function returns.
    static TypeId inner(const Btf& btf, const Type& type) {
        return type.kind == Kind::array ? btf.array(type).element : type.target();
    }

    bool params_are_compatible(const Type& local, const Type& target, int levels) {
        if (local.vlen != target.vlen) return false;
        const std::vector<Param> local_params = local_.params(local);
        const std::vector<Param> target_params = target_.params(target);
        for (std::size_t i = 0; i < local_params.size(); ++i) {
            if (levels <= 0) throw_too_deep(local);
            if (!are_compatible(local_.strip_modifiers(local_params[i].type),
                                target_.strip_modifiers(target_params[i].type), levels - 1)) {
                return false;
            }
        }
        return true;
    }

    bool params_match(const Type& local, const Type& target, bool behind_pointer, int levels) {
        if (local.vlen != target.vlen) return false;
        const std::vector<Param> local_params = local_.params(local);
        const std::vector<Param> target_params = target_.params(target);
        for (std::size_t i = 0; i < local_params.size(); ++i) {
            if (!match(local_params[i].type, target_params[i].type, behind_pointer, levels - 1)) return false;
        }
        return true;
    }

    // A struct that is only pointed to may be a declaration on the one side and a definition on the other.
    static bool is_same_tag(const Type& local, const Type& target) noexcept {
        const auto is_union = [](const Type& type) {
            return type.kind == Kind::union_ || (type.kind == Kind::fwd && type.kind_flag);
        };
        const bool has_tag = is_composite(target.kind) || target.kind == Kind::fwd;
        return has_tag && is_union(local) == is_union(target);
    }

    bool members_match(const Type& local, const Type& target, int levels) {
        if (local.vlen > target.vlen) return false;
        limit_.spend(target.vlen);
        const std::vector<Member> target_members = target_.members(target);
        for (const Member& wanted : local_.members(local)) {
            const bool found = any_of(target_members, [&](const Member& member) {
                return same_essential_name(wanted.name, member.name) &&
                       match(wanted.type, member.type, false, levels - 1);
            });
            if (!found) return false;
        }
        return true;
    }

    // By name: what value an enumerator has in this kernel is what the program wants to learn.
    bool enumerators_match(const Type& local, const Type& target) {
        if (local.size() != target.size() || local.vlen > target.vlen) return false;
        limit_.spend(target.vlen);
        const std::vector<btf::Enumerator> target_enumerators = target_.enumerators(target);
        for (const btf::Enumerator& wanted : local_.enumerators(local)) {
            const bool found = any_of(target_enumerators, [&](const btf::Enumerator& enumerator) {
                return same_essential_name(wanted.name, enumerator.name);
            });
            if (!found) return false;
        }
        return true;
    }

    template <class List, class Test>
    bool any_of(const List& list, Test test) {
        for (const auto& entry : list) {
            limit_.spend();
            if (test(entry)) return true;
        }
        return false;
    }

    const Btf& local_;
    const Btf& target_;
    WorkLimit limit_;
};

}  // namespace

std::optional<std::uint64_t> size_of(const Btf& btf, const Type& type) {
    if (is_composite(type.kind) || type.kind == Kind::int_ || is_enum(type.kind)) return type.size();
    return btf.size_of(type.id);
}

bool fields_are_compatible(TypeRef local_ref, TypeRef target_ref) {
    for (int step = 0; step < deepest; ++step) {
        const Type local = local_ref.btf->stripped(local_ref.id);
        const Type target = target_ref.btf->stripped(target_ref.id);
        if (is_composite(local.kind) && is_composite(target.kind)) return true;
        if (!kinds_are_compatible(local.kind, target.kind)) return false;
        switch (local.kind) {
            case Kind::ptr:
            case Kind::float_: return true;
            case Kind::fwd:
            case Kind::enum_:
            case Kind::enum64:
                return local.name.empty() || target.name.empty() || same_essential_name(local.name, target.name);
            case Kind::int_: return is_whole_int(*local_ref.btf, local) && is_whole_int(*target_ref.btf, target);
            case Kind::array: break;
            default: return false;
        }
        local_ref.id = local_ref.btf->array(local).element;
        target_ref.id = target_ref.btf->array(target).element;
    }
    return false;  // arrays of arrays of ... 32 deep: a loop
}

bool types_are_compatible(TypeRef local, TypeRef target) {
    return Comparison(*local.btf, *target.btf).are_compatible(local.id, target.id, deepest);
}

bool types_match(TypeRef local, TypeRef target) {
    return Comparison(*local.btf, *target.btf).match(local.id, target.id, false, deepest);
}

void WorkLimit::spend(std::uint32_t steps) {
    if (steps > left_) {
        throw_malformed("the types are nested in one another so often that comparing them would not end");
    }
    left_ -= steps;
}

}  // namespace minibpf::core
