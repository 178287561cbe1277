// Changing an object's BTF before BPF_BTF_LOAD hands it to the kernel: what only a linker knows (the sizes of data
// sections, the offsets of variables), and kinds that an older kernel does not know.
//
// A record keeps its length when it is rewritten, so that all others stay where they are; that is why a kind can only
// be replaced by one whose entries are as long. New types and strings go to the end of their sections, and nothing that
// refers by number or offset has to change.
#include <libminibpf/btf/btf.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>

#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

template <class T>
void store(std::byte* at, const T& value) {
    std::memcpy(at, &value, sizeof value);
}

constexpr std::uint32_t info_of(Kind kind, std::uint32_t vlen, bool kind_flag) {
    return (kind_flag ? 1u << 31 : 0u) | static_cast<std::uint32_t>(kind) << 24 | vlen;
}

}  // namespace

std::byte* Btf::record(TypeId id) {
    assert(borrowed_.data() == nullptr && id >= first_id_ && id <= last_id());
    names_.reset();
    function_names_.reset();
    return owned_.data() + record_offset(id);
}

void Btf::set_datasec_size(TypeId datasec, std::uint32_t size) {
    assert(kind(datasec) == Kind::datasec);
    std::memcpy(record(datasec) + offsetof(btf_type, size), &size, sizeof size);
}

void Btf::set_section_var_offset(TypeId datasec, std::uint32_t var_index, std::uint32_t offset) {
    assert(kind(datasec) == Kind::datasec);
    std::byte* vars = record(datasec) + type_bytes;
    std::byte* var = vars + std::size_t{var_index} * sizeof(btf_var_secinfo);
    std::memcpy(var + offsetof(btf_var_secinfo, offset), &offset, sizeof offset);
}

void Btf::sort_section_vars(TypeId datasec) {
    assert(kind(datasec) == Kind::datasec);
    if (vlen_of_info(head(datasec).info) < 2) return;
    const Type section = type(datasec);
    bool is_sorted = true;
    for (std::uint32_t i = 1; i < section.vlen; ++i) {
        is_sorted = is_sorted && section_var(section, i - 1).offset <= section_var(section, i).offset;
    }
    if (is_sorted) return;
    std::vector<btf_var_secinfo> vars(section.vlen);
    std::memcpy(vars.data(), section.payload.data(), section.payload.size());
    const auto by_offset = [](const btf_var_secinfo& var) { return var.offset; };
    std::ranges::stable_sort(vars, {}, by_offset);
    std::memcpy(record(datasec) + type_bytes, vars.data(), section.payload.size());
}

void Btf::set_kind(TypeId id, Kind kind, std::uint32_t vlen, bool kind_flag) {
    assert(payload_bytes(kind, vlen) == type(id).payload.size());
    store(record(id) + offsetof(btf_type, info), info_of(kind, vlen, kind_flag));
    TypeId& first = first_of_kind_[static_cast<std::size_t>(kind)];
    first = std::min(first, id);
}

std::uint32_t Btf::name_offset(TypeId id) const {
    return id == 0 ? 0 : read_at<btf_type>(raw(), record_offset(id))->name_off;
}

void Btf::set_name(TypeId id, std::uint32_t name_offset) {
    store(record(id) + offsetof(btf_type, name_off), name_offset);
}

void Btf::set_size_or_type(TypeId id, std::uint32_t value) {
    store(record(id) + offsetof(btf_type, size), value);
}

std::span<std::byte> Btf::payload(TypeId id) {
    const std::size_t size = type(id).payload.size();
    return {record(id) + type_bytes, size};
}

// header | types | strings: both sections end where the next thing begins, so growing one moves what follows.

std::uint32_t Btf::add_string(std::string_view text) {
    const std::size_t offset = strings_size_;
    const auto end = owned_.begin() + static_cast<std::ptrdiff_t>(strings_offset_ + strings_size_);
    Bytes added(text.size() + 1);
    std::memcpy(added.data(), text.data(), text.size());
    owned_.insert(end, added.begin(), added.end());
    strings_size_ += added.size();
    store(owned_.data() + offsetof(btf_header, str_len), static_cast<std::uint32_t>(strings_size_));
    return strings_base_ + static_cast<std::uint32_t>(offset);
}

TypeId Btf::add_type(std::uint32_t name_offset, Kind kind, std::uint32_t vlen, std::uint32_t size_or_type,
                     ByteView payload) {
    assert(stride_shift_ == 0 && payload.size() == payload_bytes(kind, vlen));
    btf_type type{.name_off = name_offset, .info = info_of(kind, vlen, false), .size = size_or_type};
    Bytes added(type_bytes);
    store(added.data(), type);
    added.insert(added.end(), payload.begin(), payload.end());
    owned_.insert(owned_.begin() + static_cast<std::ptrdiff_t>(types_offset_ + types_size_), added.begin(),
                  added.end());
    offsets_.push_back(static_cast<std::uint32_t>(types_size_));
    types_size_ += added.size();
    strings_offset_ += added.size();
    ++type_count_;
    TypeId& first = first_of_kind_[static_cast<std::size_t>(kind)];
    first = std::min(first, last_id());
    names_.reset();
    btf_header header;
    std::memcpy(&header, owned_.data(), sizeof header);
    header.type_len += static_cast<std::uint32_t>(added.size());
    header.str_off += static_cast<std::uint32_t>(added.size());
    std::memcpy(owned_.data(), &header, sizeof header);
    return last_id();
}

}  // namespace minibpf::btf
