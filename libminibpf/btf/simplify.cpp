// What each kernel's BTF verifier (kernel/bpf/btf.c) learnt last, and what its predecessor takes instead.
//
//     in the object             an older kernel is given          how much is lost
//     kind_flag of a tag        the tag without it                that it is an attribute, not a btf_type_tag
//     DATASEC "?.struct_ops"    DATASEC "_.struct_ops"            the name
//     ENUM64 e { a, b }         UNION e of members a, b           the values
//     TYPE_TAG                  CONST                             the tag
//     DECL_TAG                  INT                               the tag
//     FLOAT                     STRUCT of that size, no members   the name
//     FUNC, global              FUNC, static                      the linkage
//     DATASEC { VAR, ... }      STRUCT of members, INT each       the variables' types
//     FUNC(FUNC_PROTO)          TYPEDEF of ENUM                   what functions are
//
// A kind can only be replaced by one whose entries are as long, and the choices are libbpf's
// (bpf_object__sanitize_btf()), so that tools see the same on an old kernel. Where libbpf's result is still refused
// there is something more: an enumerator's name for a parameter without one, an integer for a bit-field of an ENUM64.
#include <libminibpf/btf/simplify.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>

#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

enum class Dots { allowed, refused };

// btf_name_valid_identifier() of the kernels before 6.9, which asked the same of sections, but allowed them dots.
bool is_name(std::string_view name, Dots dots) {
    const auto fits = [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c == '.' && dots == Dots::allowed);
    };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::ranges::all_of(name, fits);
}

std::string as_name(std::string_view text, Dots dots) {
    std::string name(text);
    for (char& c : name) {
        if (!is_name({&c, 1}, dots) && std::isdigit(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return is_name(name, dots) ? name : "_" + name;
}

// What follows an INT that is unsigned: nothing but its bits.
constexpr std::uint32_t bits_8 = 8, bits_64 = 64;

template <class Entry>
Entry entry_of(const Btf& btf, TypeId id, std::uint32_t i) {
    return *read_at<Entry>(btf.type(id).payload, std::size_t{i} * sizeof(Entry));
}

template <class Entry>
void set_entry(Btf& btf, TypeId id, std::uint32_t i, const Entry& entry) {
    std::memcpy(btf.payload(id).data() + std::size_t{i} * sizeof(Entry), &entry, sizeof entry);
}

/// Calls `rewrite(id)` for every type of the kind, which answers whether it changed it. Types that it adds are left
/// out.
template <class Rewrite>
bool rewrite_each(Btf& btf, Kind kind, Rewrite&& rewrite) {
    bool changed = false;
    const TypeId last = btf.last_id();
    for (TypeId id = 1; id <= last; ++id) {
        if (btf.type(id).kind == kind && rewrite(id)) changed = true;
    }
    return changed;
}

// The 8 bytes by which Linux 7.1 lengthened the header, and the section that they tell of (struct btf_layout). Kernels
// want unknown header fields to be zero and the sections to leave no gap, so the rest is put together anew.
bool drop_layout(Btf& btf) {
    auto header = *read_at<btf_header>(btf.raw(), 0);
    if (header.hdr_len == sizeof header) return false;
    const Layout at = read_layout(btf.raw(), "BTF");
    header.hdr_len = sizeof header;
    header.type_off = 0;
    header.str_off = header.type_len;
    Bytes flat;
    const auto append = [&](ByteView bytes) { flat.insert(flat.end(), bytes.begin(), bytes.end()); };
    append(bytes_of(header));
    append(btf.raw().subspan(at.types_offset, at.types_size));
    append(btf.raw().subspan(at.strings_offset, at.strings_size));
    btf = Btf::parse(std::move(flat), "BTF without a layout section");
    return true;
}

// With the flag, a tag is any __attribute__((...)) instead of a btf_type_tag or btf_decl_tag.
bool clear_tag_flags(Btf& btf) {
    bool changed = false;
    for (const Kind kind : {Kind::type_tag, Kind::decl_tag}) {
        changed |= rewrite_each(btf, kind, [&](TypeId id) {
            const Type tag = btf.type(id);
            if (tag.kind_flag) btf.set_kind(id, kind, tag.vlen);
            return tag.kind_flag;
        });
    }
    return changed;
}

bool rename_sections(Btf& btf) {
    return rewrite_each(btf, Kind::datasec, [&](TypeId id) {
        const std::string_view name = btf.type(id).name;
        if (is_name(name, Dots::allowed)) return false;
        btf.set_name(id, btf.add_string(as_name(name, Dots::allowed)));
        return true;
    });
}

// A UNION cannot be a bit-field. With kind_flag, the upper 8 bits of a member's offset are its size in bits.
bool make_bit_fields_integers(Btf& btf, Kind record) {
    TypeId integer = 0;
    return rewrite_each(btf, record, [&](TypeId id) {
        bool changed = false;
        for (std::uint32_t i = 0; i < btf.type(id).vlen; ++i) {
            const Member member = btf.member(btf.type(id), i);
            if (member.bit_size == 0 || btf.stripped(member.type).kind != Kind::enum64) continue;
            if (integer == 0)
                integer = btf.add_type(btf.add_string("enum64_bits"), Kind::int_, 0, 8, bytes_of(bits_64));
            auto entry = entry_of<btf_member>(btf, id, i);
            entry.type = integer;
            set_entry(btf, id, i, entry);
            changed = true;
        }
        return changed;
    });
}

// An enumerator becomes a member at offset 0, of a type that fits into the smallest enum: name_off stays, the value's
// two words become type and offset.
bool make_enum64_unions(Btf& btf) {
    make_bit_fields_integers(btf, Kind::struct_);
    make_bit_fields_integers(btf, Kind::union_);
    TypeId placeholder = 0;
    const bool changed = rewrite_each(btf, Kind::enum64, [&](TypeId id) {
        if (placeholder == 0)
            placeholder = btf.add_type(btf.add_string("enum64_placeholder"), Kind::int_, 0, 1, bytes_of(bits_8));
        btf.set_kind(id, Kind::union_, btf.type(id).vlen);
        for (std::uint32_t i = 0; i < btf.type(id).vlen; ++i) {
            auto member = entry_of<btf_member>(btf, id, i);
            member.type = placeholder;
            member.offset = 0;
            set_entry(btf, id, i, member);
        }
        return true;
    });
    // The same kernels do not know that an enum may be signed.
    return rewrite_each(btf, Kind::enum_,
                        [&](TypeId id) {
                            const Type type = btf.type(id);
                            if (type.kind_flag) btf.set_kind(id, Kind::enum_, type.vlen);
                            return type.kind_flag;
                        }) ||
           changed;
}

bool make_type_tags_const(Btf& btf) {
    return rewrite_each(btf, Kind::type_tag, [&](TypeId id) {
        btf.set_name(id, 0);
        btf.set_kind(id, Kind::const_, 0);
        return true;
    });
}

// Of one byte, because the place that a VAR had in its section may not be larger.
void make_integer(Btf& btf, TypeId id) {
    btf.set_kind(id, Kind::int_, 0);
    btf.set_size_or_type(id, 1);
    set_entry(btf, id, 0, bits_8);
}

bool make_decl_tags_integers(Btf& btf) {
    return rewrite_each(btf, Kind::decl_tag, [&](TypeId id) {
        make_integer(btf, id);
        return true;
    });
}

// Without a name, for "float" is none that C allows a struct.
bool make_floats_structs(Btf& btf) {
    return rewrite_each(btf, Kind::float_, [&](TypeId id) {
        btf.set_name(id, 0);
        btf.set_kind(id, Kind::struct_, 0);
        return true;
    });
}

bool make_functions_static(Btf& btf) {
    return rewrite_each(btf, Kind::func, [&](TypeId id) {
        if (btf.type(id).vlen == BTF_FUNC_STATIC) return false;
        btf.set_kind(id, Kind::func, BTF_FUNC_STATIC);
        return true;
    });
}

// btf_var_secinfo { type, offset, size } becomes btf_member { name_off, type, offset in bits }.
void make_section_struct(Btf& btf, TypeId id) {
    const std::string name = as_name(btf.type(id).name, Dots::refused);
    btf.set_name(id, btf.add_string(name));
    for (std::uint32_t i = 0; i < btf.type(id).vlen; ++i) {
        const auto var = entry_of<btf_var_secinfo>(btf, id, i);
        const std::string var_name(btf.type(var.type).name);  // "function.variable" for a static one in a function
        const bool has_name = var_name.empty() || is_name(var_name, Dots::refused);
        const btf_member member{
            .name_off = has_name ? btf.name_offset(var.type) : btf.add_string(as_name(var_name, Dots::refused)),
            .type = var.type,
            .offset = var.offset * 8};
        set_entry(btf, id, i, member);
    }
    btf.set_kind(id, Kind::struct_, btf.type(id).vlen);
}

bool make_sections_structs(Btf& btf) {
    const bool has_sections = rewrite_each(btf, Kind::datasec, [&](TypeId id) {
        make_section_struct(btf, id);
        return true;
    });
    return rewrite_each(btf, Kind::var,
                        [&](TypeId id) {
                            make_integer(btf, id);
                            return true;
                        }) ||
           has_sections;
}

// btf_param { name_off, type } becomes btf_enum { name_off, val }, and an enumerator must have a name.
bool make_prototypes_enums(Btf& btf) {
    std::uint32_t name = 0;
    return rewrite_each(btf, Kind::func_proto, [&](TypeId id) {
        for (std::uint32_t i = 0; i < btf.type(id).vlen; ++i) {
            auto param = entry_of<btf_param>(btf, id, i);
            if (param.name_off != 0) continue;
            if (name == 0) name = btf.add_string("unnamed");
            param.name_off = name;
            set_entry(btf, id, i, param);
        }
        btf.set_kind(id, Kind::enum_, btf.type(id).vlen);
        btf.set_size_or_type(id, 4);
        return true;
    });
}

bool make_functions_typedefs(Btf& btf) {
    const bool has_prototypes = make_prototypes_enums(btf);
    return rewrite_each(btf, Kind::func,
                        [&](TypeId id) {
                            btf.set_kind(id, Kind::typedef_, 0);
                            return true;
                        }) ||
           has_prototypes;
}

// clang-format off
constexpr std::array<Simplification, 10> all = {{
    {.what = "the layout section, known since Linux 7.1", .apply = drop_layout},
    {.what = "TYPE_TAG and DECL_TAG with a kind_flag, known since Linux 6.15", .apply = clear_tag_flags},
    {.what = "DATASEC names with other characters than letters, digits, '_' and '.', known since Linux 6.9",
     .apply = rename_sections},
    {.what = "ENUM64 and signed ENUM, known since Linux 6.0", .apply = make_enum64_unions},
    {.what = "TYPE_TAG, known since Linux 5.17", .apply = make_type_tags_const},
    {.what = "DECL_TAG, known since Linux 5.16", .apply = make_decl_tags_integers},
    {.what = "FLOAT, known since Linux 5.13", .apply = make_floats_structs},
    {.what = "the linkage of FUNC, known since Linux 5.6", .apply = make_functions_static},
    {.what = "VAR and DATASEC, known since Linux 5.2", .apply = make_sections_structs},
    {.what = "FUNC and FUNC_PROTO, known since Linux 5.0", .apply = make_functions_typedefs, .keeps_functions = false},
}};
// clang-format on

}  // namespace

std::span<const Simplification> simplifications() noexcept {
    return all;
}

}  // namespace minibpf::btf
