// BTF, .BTF.ext and values from hostile input, of either byte order: whatever the bytes, the end is an Error or a
// result. What is made of BTF (fixed up, simplified for older kernels) must be BTF again.
//
//     input:  size of the BTF (u16) | BTF | size of the .BTF.ext (u16) | .BTF.ext | text of a value, and its bytes
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/btf_ext.hpp>
#include <libminibpf/btf/byte_order.hpp>
#include <libminibpf/btf/simplify.hpp>
#include <libminibpf/btf/value.hpp>

using namespace minibpf;
using namespace minibpf::btf;

namespace {

// The part that its own size precedes; what follows stays in `input`.
ByteView take_part(ByteView& input) {
    const auto size = std::min<std::size_t>(read_at<std::uint16_t>(input, 0).value_or(0),
                                            input.size() - std::min<std::size_t>(2, input.size()));
    const ByteView part = slice(input, 2, size).value_or(ByteView());
    input = input.subspan(std::min(input.size(), 2 + size));
    return part;
}

template <class Function>
void errors_are_fine(Function&& function) {
    try {
        function();
    } catch (const Error&) {
    }
}

void read_payload(const Btf& btf, const Type& type) {
    switch (type.kind) {
        case Kind::struct_:
        case Kind::union_: btf.members(type); break;
        case Kind::enum_:
        case Kind::enum64: btf.enumerators(type); break;
        case Kind::func_proto: btf.params(type); break;
        case Kind::datasec: btf.section_vars(type); break;
        case Kind::int_: btf.int_encoding(type); break;
        case Kind::array: btf.array(type); break;
        case Kind::var: btf.var_linkage(type.id); break;
        default: break;
    }
}

void use(const Btf& btf, TypeId id, ByteView rest) {
    const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
    read_payload(btf, btf.type(id));
    btf.size_of(id);
    btf.find_named(btf.type(id).name);
    type_text(btf, id);
    definition_text(btf, id);
    errors_are_fine([&] { format_value(btf, id, rest); });
    errors_are_fine([&] { native_value(btf, id, rest); });
    errors_are_fine([&] { format_value(btf, id, parse_value(btf, id, text)); });
}

void fix_up(Btf& btf) {
    for (TypeId id = 1; id <= btf.last_id(); ++id) {
        if (btf.type(id).kind != Kind::datasec) continue;
        btf.fix_datasec(id, 64, [](std::string_view name) { return std::optional<std::uint32_t>(name.size()); });
    }
    Btf::parse(Bytes(btf.raw().begin(), btf.raw().end()), "after the fix-ups");  // still BTF: no Error is fine here
}

void simplify(Btf btf) {
    for (const Simplification& step : simplifications()) {
        step.apply(btf);
        Btf::parse(Bytes(btf.raw().begin(), btf.raw().end()), step.what);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView rest(reinterpret_cast<const std::byte*>(data), size);
    const ByteView raw = take_part(rest);
    const ByteView ext = take_part(rest);
    const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
    errors_are_fine([&] { parse_untyped_value(size % 17, text); });
    hexdump(rest.first(std::min<std::size_t>(rest.size(), 64)));

    std::optional<Btf> btf;
    errors_are_fine([&] { btf = Btf::parse(Bytes(raw.begin(), raw.end()), "input"); });
    if (!btf) errors_are_fine([&] { btf = Btf::parse(swap_btf(raw), "input of the other byte order"); });
    if (!btf) return 0;
    errors_are_fine([&] { BtfExt::parse(ext, *btf, "input"); });
    errors_are_fine([&] { BtfExt::parse(swap_btf_ext(ext), *btf, "input of the other byte order"); });
    const TypeId last = std::min<TypeId>(btf->last_id(), 64);
    for (TypeId id = 0; id <= last; ++id) use(*btf, id, rest);
    fix_up(*btf);
    simplify(std::move(*btf));
    return 0;
}
