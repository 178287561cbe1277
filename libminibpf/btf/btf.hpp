// BTF, the BPF Type Format: C's types in a compact table (Documentation/bpf/btf.rst, include/uapi/linux/btf.h).
//
//      header | type section                          | string section
//             | type 1 | type 2 | ... (variable size) | "\0int\0config\0..."
//
// A type has no number of its own: it is the n-th in the table, counted from 1; 0 is void. Btf keeps the raw bytes and
// where the types begin, and hands out views. Nothing is copied into objects, for kernel BTF holds 100,000 types and
// more.
//
// A kernel module has *split* BTF: its types are counted on from the last one of vmlinux, its string offsets from the
// end of vmlinux's strings, and it refers to vmlinux's types by their numbers.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <linux/btf.h>

#include <libminibpf/base/bytes.hpp>

#pragma GCC visibility push(default)

namespace minibpf::btf {

using TypeId = std::uint32_t;  ///< 0 is void

/// BTF_KIND_*, complete up to the newest kernel whatever <linux/btf.h> is installed.
enum class Kind : std::uint8_t {
    void_ = 0,
    int_ = 1,
    ptr,
    array,
    struct_,
    union_,
    enum_,
    fwd,
    typedef_,
    volatile_,
    const_,
    restrict_,
    func,
    func_proto,
    var,
    datasec,
    float_,
    decl_tag,
    type_tag,
    enum64,
};

constexpr std::size_t kind_count = 20;  ///< how many there are

/// "INT", "STRUCT": the kernel's name without BTF_KIND_.
std::string_view kind_name(Kind kind) noexcept;

/// Of a STRUCT or UNION.
struct Member {
    std::string_view name;
    TypeId type = 0;
    std::uint32_t bit_offset = 0;
    std::uint32_t bit_size = 0;  ///< 0: not a bit-field
};

/// Of an ENUM or ENUM64.
struct Enumerator {
    std::string_view name;
    std::uint64_t value = 0;  ///< sign-extended when the enum is signed
};

/// Of a FUNC_PROTO; a last one without name and type is "...".
struct Param {
    std::string_view name;
    TypeId type = 0;
};

/// Of a DATASEC.
struct SectionVar {
    TypeId type = 0;           ///< of a VAR (or FUNC, for ksyms)
    std::uint32_t offset = 0;  ///< in the section, bytes
    std::uint32_t size = 0;    ///< bytes
};

/// The name without its flavour: "task_struct" for "task_struct___v2". CO-RE takes both for the same type.
std::string_view essential_name(std::string_view name) noexcept;

/// A view of one type; valid as long as its Btf.
struct Type {
    TypeId id = 0;
    Kind kind = Kind::void_;
    std::string_view name;
    std::uint32_t vlen = 0;          ///< members, enumerators, parameters, section variables; FUNC: linkage
    bool kind_flag = false;          ///< bit-field members; signed enum; union forward
    std::uint32_t size_or_type = 0;  ///< the kind decides: bytes, or a TypeId

    std::uint32_t size() const noexcept { return size_or_type; }  ///< INT, ENUM, STRUCT, UNION, DATASEC, FLOAT, ENUM64
    TypeId target() const noexcept { return size_or_type; }       ///< PTR, TYPEDEF, CONST, ..., FUNC, VAR, DECL_TAG
    ByteView payload;                                             ///< what follows `struct btf_type`
};

/// What an INT is.
struct IntEncoding {
    bool is_signed = false, is_char = false, is_bool = false;
    std::uint32_t bit_offset = 0, bits = 0;
};

/// What an ARRAY is of.
struct ArrayInfo {
    TypeId element = 0, index = 0;
    std::uint32_t count = 0;
};

/// A name that somebody is about to look for. One walk through a kernel's types finds all that are announced; others
/// are found as well, at the price of another walk.
struct ExpectedName {
    Kind kind = Kind::struct_;
    std::string name;  ///< without a flavour
};

class NameIndex;
class ExpectedTypes;
struct Layout;

/// A table of types, with views of each.
class Btf {
public:
    /// Checks header, type table, names and references; throws Error naming the type or offset at fault.
    /// `where` names the input in errors: "hello.bpf.o, section .BTF". Split BTF needs its `base`, which it borrows.
    static Btf parse(Bytes raw, std::string_view where, const Btf* base = nullptr);

    /// For the BTF that the running kernel has made of itself: finds where types begin and which have the expected
    /// names, in one pass and without looking into them. What a bad reference or name offset would break is seen when
    /// it is used: every access stays within the bytes, and throws Error. Borrows `raw` and `base`.
    static Btf index(ByteView raw, std::string_view where, const Btf* base = nullptr,
                     std::span<const ExpectedName> expected = {});

    /// All of it, as the kernel wants it.
    ByteView raw() const noexcept { return borrowed_.data() != nullptr ? borrowed_ : ByteView(owned_); }
    TypeId first_id() const noexcept { return first_id_; }  ///< 1, or for split BTF the one after the base's last
    TypeId last_id() const noexcept { return first_id_ + type_count_ - 1; }  ///< of the last type
    const Btf* base() const noexcept { return base_; }                       ///< of split BTF; else null

    Type type(TypeId id) const;                           ///< throws Error when there is no such type
    std::string_view string(std::uint32_t offset) const;  ///< throws Error when it lies outside the strings
    /// Parts of type(id), for less.
    ///@{
    std::string_view name(TypeId id) const { return id == 0 ? "void" : string(head(id).name_off); }
    Kind kind(TypeId id) const { return id == 0 ? Kind::void_ : static_cast<Kind>(head(id).info >> 24 & 0x7f); }
    TypeId target(TypeId id) const { return id == 0 ? 0 : head(id).type; }
    ///@}
    /// Where to begin looking for the types of a kind: none is below, and there are none when it is beyond last_id().
    TypeId first_of(Kind kind) const noexcept { return first_of_kind_[static_cast<std::size_t>(kind)]; }

    /// The payloads: the kind must be the right one, and i < type.vlen.
    ///@{
    Member member(const Type& type, std::uint32_t i) const;
    std::vector<Member> members(const Type& type) const;
    Enumerator enumerator(const Type& type, std::uint32_t i) const;
    std::vector<Enumerator> enumerators(const Type& type) const;
    std::vector<Param> params(const Type& type) const;
    SectionVar section_var(const Type& type, std::uint32_t i) const;
    std::vector<SectionVar> section_vars(const Type& type) const;
    IntEncoding int_encoding(const Type& type) const;
    ArrayInfo array(const Type& type) const;
    ///@}
    /// Of a VAR: BTF_VAR_STATIC, _GLOBAL_ALLOCATED, _GLOBAL_EXTERN.
    std::uint32_t var_linkage(TypeId id) const {
        std::uint32_t linkage;
        std::memcpy(&linkage, record_at(id) + sizeof(btf_type), sizeof linkage);
        return linkage;
    }
    /// The first member (of a STRUCT or UNION) or enumerator, from number `from` on, whose name begins with `prefix` or
    /// is empty; vlen when there is none. A dozen instructions for each that it passes: CO-RE looks for one member of a
    /// task_struct's 250.
    std::uint32_t find_entry(const Type& type, std::uint32_t from, std::string_view prefix) const;

    /// The first type of that kind and name, the base's first.
    std::optional<TypeId> find(Kind kind, std::string_view name) const;
    /// Every type of that kind, without those of the base, whose name is `name` when a flavour (`___` and what follows)
    /// is taken off it. ENUM and ENUM64 are one kind here.
    std::vector<TypeId> find_essential(Kind kind, std::string_view name) const;
    /// A type by the name a person writes: "struct data_t", "data_t" (struct, union, enum or typedef), "int".
    std::optional<TypeId> find_named(std::string_view name) const;

    /// The type behind typedefs and qualifiers (const, volatile, restrict, type tags); void for a hostile (looping)
    /// chain.
    Type stripped(TypeId id) const { return type(strip_modifiers(id)); }
    TypeId strip_modifiers(TypeId id) const;  ///< its id alone
    /// Bytes that a value of the type takes; nothing for void, functions, incomplete and hostile (looping) types.
    std::optional<std::uint64_t> size_of(TypeId id) const;

    /// Gives a DATASEC its section's size and its variables the offsets that the symbol table knows: clang leaves both
    /// 0 in a `.o`, and the kernel refuses such BTF. `offset_of(name)` answers a variable's offset in the section, if
    /// known.
    template <class OffsetOf>
    void fix_datasec(TypeId datasec, std::uint32_t section_size, OffsetOf&& offset_of);
    /// The two parts of it.
    ///@{
    void set_datasec_size(TypeId datasec, std::uint32_t size);
    void set_section_var_offset(TypeId datasec, std::uint32_t var_index, std::uint32_t offset);
    ///@}
    void sort_section_vars(TypeId datasec);  ///< by offset, as the kernel wants them

    /// Rewriting types in place, for what a kernel does not know or the compiler left open (btf_edit.cpp). Not for
    /// borrowed BTF.
    ///@{
    void set_kind(TypeId id, Kind kind, std::uint32_t vlen, bool kind_flag = false);  ///< of as many bytes as before
    std::uint32_t name_offset(TypeId id) const;  ///< where its name is, so that another type can have the same one
    void set_name(TypeId id, std::uint32_t name_offset);
    void set_size_or_type(TypeId id, std::uint32_t value);
    std::span<std::byte> payload(TypeId id);
    std::uint32_t add_string(std::string_view text);  ///< its offset
    TypeId add_type(std::uint32_t name_offset, Kind kind, std::uint32_t vlen, std::uint32_t size_or_type,
                    ByteView payload);
    ///@}

private:
    Btf() = default;

    void set_layout(const Layout& layout, const Btf* base);
    std::size_t record_offset(TypeId id) const {  ///< of its btf_type in raw()
        return stride_shift_ == 0 ? types_offset_ + offsets_[id - first_id_] : record_offset_in_stride(id);
    }
    std::size_t record_offset_in_stride(TypeId id) const;
    const std::byte* record_at(TypeId id) const {  // of any type but void
        if (id < first_id_) return base_->record_at(id);
        check_id(id);
        return raw().data() + record_offset(id);
    }
    btf_type head(TypeId id) const {
        btf_type head;
        std::memcpy(&head, record_at(id), sizeof head);
        return head;
    }
    void check_id(TypeId id) const {
        if (id > last_id()) throw_no_type(id);
    }
    [[noreturn]] void throw_no_type(TypeId id) const;
    [[noreturn]] void throw_no_string(std::uint32_t offset) const;
    ByteView strings() const noexcept { return raw().subspan(strings_offset_, strings_size_); }
    const NameIndex& names(bool functions) const;
    std::shared_ptr<const NameIndex> names_of(bool functions) const;
    std::byte* record(TypeId id);

    // Offsets rather than views, so that a copied Btf stands by itself.
    Bytes owned_;
    ByteView borrowed_;  ///< of index(); else empty
    const Btf* base_ = nullptr;
    TypeId first_id_ = 1;
    std::uint32_t type_count_ = 0;
    std::size_t types_offset_ = 0, types_size_ = 0;
    std::size_t strings_offset_ = 0, strings_size_ = 0;
    std::uint32_t strings_base_ = 0;                  ///< split BTF: the size of the base's strings
    std::array<TypeId, kind_count> first_of_kind_{};  ///< zeros, that is "anywhere", for what index() has looked at
    /// Where every 2^stride_shift_-th type begins, in the type section. parse() notes all of them; index() one in 8,
    /// for a kernel's 126,000 offsets would take more memory than all the rest of the loader.
    std::vector<std::uint32_t> offsets_;
    std::uint32_t stride_shift_ = 0;
    std::shared_ptr<const ExpectedTypes> expected_;
    mutable std::shared_ptr<const NameIndex> names_, function_names_;  ///< made when an unexpected name is asked for
};

template <class OffsetOf>
void Btf::fix_datasec(TypeId datasec, std::uint32_t section_size, OffsetOf&& offset_of) {
    set_datasec_size(datasec, section_size);
    const std::vector<SectionVar> vars = section_vars(type(datasec));
    for (std::uint32_t i = 0; i < vars.size(); ++i) {
        if (std::optional<std::uint32_t> offset = offset_of(type(vars[i].type).name))
            set_section_var_offset(datasec, i, *offset);
    }
    sort_section_vars(datasec);
}

}  // namespace minibpf::btf

#pragma GCC visibility pop
