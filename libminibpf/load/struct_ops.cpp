// Member by member, by name: a member that the kernel has no more may stay if the object leaves it zero.
#include <libminibpf/load/struct_ops.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/name_index.hpp>

namespace minibpf {

namespace {

struct FoundMember {
    std::uint32_t index = 0;
    btf::Member member;
};

std::optional<FoundMember> find_member(const btf::Btf& btf, const btf::Type& type, std::string_view name) {
    for (std::uint32_t i = 0; i < type.vlen; ++i) {
        const btf::Member member = btf.member(type, i);
        if (member.name == name) return FoundMember{.index = i, .member = member};
    }
    return std::nullopt;
}

class Fitter {
public:
    Fitter(KernelTypes& types, const ObjectSpec& object, const MapSpec& map) : object_(object), map_(map) {
        find_types(types);
    }

    StructOps run() {
        const btf::Type local = object_.btf->type(map_.btf_value_type_id);
        check_slots(local);
        for (std::uint32_t i = 0; i < local.vlen; ++i) fit(object_.btf->member(local, i));
        return std::move(result_);
    }

private:
    template <class... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
        throw_malformed(
            fmt::format("struct_ops map '{}': {}", map_.name, fmt::format(format, std::forward<Args>(args)...)));
    }

    void find_types(KernelTypes& types) {
        const btf::Type local = object_.btf->type(map_.btf_value_type_id);
        const std::string_view name = btf::essential_name(local.name);
        const std::string value_name = fmt::format("bpf_struct_ops_{}", name);
        const auto value = types.find(btf::Kind::struct_, value_name);
        if (!value) fail("this kernel has no struct_ops for 'struct {}' (no struct {})", name, value_name);
        kernel_ = value->btf;
        const auto table = kernel_->find(btf::Kind::struct_, name);
        const btf::Type value_type = kernel_->type(value->id);
        for (std::uint32_t i = 0; table && i < value_type.vlen; ++i) {
            const btf::Member member = kernel_->member(value_type, i);
            if (member.type != *table) continue;
            table_offset_ = member.bit_offset / 8;
            table_ = kernel_->type(*table);
            result_ = {.type_id = *table, .value_type_id = value->id, .btf_fd = value->btf_fd};
            result_.value.resize(value_type.size());
            return;
        }
        fail("the kernel's struct {} does not contain a struct {}", value_name, name);
    }

    void check_slots(const btf::Type& local) const {
        const std::vector<btf::Member> members = object_.btf->members(local);
        for (const MapSlot& slot : map_.slots) {
            const bool is_member = std::ranges::any_of(
                members, [&](const btf::Member& member) { return member.bit_offset == std::uint64_t{slot.index} * 8; });
            const auto* function = std::get_if<FunctionReference>(&slot.target);
            if (is_member || function == nullptr) continue;
            fail("'{}' is at offset {}, where struct {} has no member", object_.functions[function->function].name,
                 slot.index, local.name);
        }
    }

    void fit(const btf::Member& member) {
        const auto size = object_.btf->size_of(member.type);
        if (!size) fail("member '{}' has no size", member.name);
        const std::uint32_t offset = member.bit_offset / 8;
        const ByteView data = slice(map_.initial, offset, *size).value_or(ByteView());
        if (data.size() != *size) fail("member '{}' lies outside the variable", member.name);
        const auto slot = std::ranges::find(map_.slots, offset, &MapSlot::index);
        const bool is_zero = std::ranges::all_of(data, [](std::byte byte) { return byte == std::byte{0}; });
        const auto found = find_member(*kernel_, table_, btf::essential_name(member.name));
        if (!found) {
            if (is_zero && slot == map_.slots.end()) return;
            fail("the kernel's struct {} has no member '{}'", table_.name, member.name);
        }
        if (member.bit_size != 0 || found->member.bit_size != 0) {
            if (is_zero) return;
            fail("member '{}' is a bit-field, which cannot be set", member.name);
        }
        if (slot != map_.slots.end()) {
            add_function(*slot, *found);
        } else {
            copy(member, data, *found);
        }
    }

    void add_function(const MapSlot& slot, const FoundMember& found) {
        const btf::Type member = kernel_->stripped(found.member.type);
        if (member.kind != btf::Kind::ptr || kernel_->stripped(member.target()).kind != btf::Kind::func_proto) {
            fail("member '{}' of the kernel's struct {} is no function", found.member.name, table_.name);
        }
        result_.members.push_back({.function = std::get<FunctionReference>(slot.target).function,
                                   .member_index = found.index,
                                   .value_offset = table_offset_ + found.member.bit_offset / 8});
    }

    void copy(const btf::Member& member, ByteView data, const FoundMember& found) {
        const btf::Kind local_kind = object_.btf->type(object_.btf->strip_modifiers(member.type)).kind;
        const btf::Kind kernel_kind = kernel_->type(kernel_->strip_modifiers(found.member.type)).kind;
        const auto size = kernel_->size_of(found.member.type);
        if (local_kind != kernel_kind || size != data.size()) {
            fail("member '{}' is {} of {} bytes, but in the kernel {} of {}", member.name, btf::kind_name(local_kind),
                 data.size(), btf::kind_name(kernel_kind), size.value_or(0));
        }
        const std::uint64_t at = std::uint64_t{table_offset_} + found.member.bit_offset / 8;
        if (at > result_.value.size() || result_.value.size() - at < data.size()) {
            fail("member '{}' lies outside the kernel's struct", member.name);
        }
        std::copy(data.begin(), data.end(), result_.value.begin() + static_cast<std::ptrdiff_t>(at));
    }

    const ObjectSpec& object_;
    const MapSpec& map_;
    const btf::Btf* kernel_ = nullptr;
    btf::Type table_;
    std::uint32_t table_offset_ = 0;  // in the map's value
    StructOps result_;
};

}  // namespace

StructOps fit_struct_ops(KernelTypes& types, const ObjectSpec& object, const MapSpec& map) {
    return Fitter(types, object, map).run();
}

}  // namespace minibpf
