// Bytes to text: a value as C's initialiser would write it.
//
// The types come from a file and may be hostile: a struct that contains itself, arrays of arrays of nothing. Depth, the
// text written and the work done are therefore bounded; past a bound the text says `...`.
#include <libminibpf/btf/value.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/literals.hpp>
#include <libminibpf/btf/scalars.hpp>

namespace minibpf::btf {

namespace {

constexpr int deepest = 32;                    // structs and arrays within one another
constexpr std::size_t longest_text = 1 << 20;  // bytes
constexpr std::size_t most_work = 1 << 24;     // members and enumerators looked at, runs of bytes compared
constexpr std::size_t zeros_worth_counting = 10;

// gdb prints runs of equal elements in this way too.
std::size_t zeros_at_end(ByteView bytes) noexcept {
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::byte b) { return b != std::byte{0}; });
    return static_cast<std::size_t>(last - bytes.rbegin());
}

class ValuePrinter {
public:
    explicit ValuePrinter(const Btf& btf) : btf_(btf) {}

    std::string print(TypeId id, ByteView bytes) {
        value(id, bytes, 0);
        return std::move(text_);
    }

private:
    void value(TypeId id, ByteView bytes, int depth) {
        const Type type = btf_.type(value_type(btf_, id));
        if (!spend(1 + type.vlen + bytes.size() / 64) || depth > deepest) {
            text_ += "...";
            return;
        }
        switch (type.kind) {
            case Kind::struct_:
            case Kind::union_: return record(type, bytes, depth);
            case Kind::array: return array(type, bytes, depth);
            case Kind::datasec: return section(type, bytes, depth);
            default: break;
        }
        const std::optional<std::uint64_t> size = btf_.size_of(type.id);
        if (!size) {
            text_ += fmt::format("<no value: {}>", kind_name(type.kind));
        } else if (bytes.size() < *size) {
            text_ += "<truncated>";
        } else {
            text_ += scalar_text(btf_, type, bytes.first(*size));
        }
    }

    void record(const Type& type, ByteView bytes, int depth) {
        text_ += '{';
        bool first = true;
        for (const Member& member : btf_.members(type)) {
            const Field field = field_of(btf_, member);
            if (member.name.empty() && field.bit_size != 0) continue;  // padding: `int : 3;`
            if (!first) text_ += ", ";
            first = false;
            if (exhausted()) {
                text_ += "...";
                break;
            }
            if (!member.name.empty()) text_ += fmt::format(".{} = ", member.name);
            this->field(field, bytes.first(std::min<std::size_t>(bytes.size(), type.size())), depth);
        }
        text_ += '}';
    }

    // The value of a data section's map: `{counter = 3, greeting = "Hello"}`.
    void section(const Type& type, ByteView bytes, int depth) {
        text_ += '{';
        bool first = true;
        for (const SectionVar& var : btf_.section_vars(type)) {
            if (!first) text_ += ", ";
            first = false;
            if (exhausted()) {
                text_ += "...";
                break;
            }
            text_ += fmt::format("{} = ", btf_.type(var.type).name);
            const ByteView rest = bytes.subspan(std::min<std::size_t>(var.offset, bytes.size()));
            value(var.type, rest.first(std::min<std::size_t>(var.size, rest.size())), depth + 1);
        }
        text_ += '}';
    }

    void field(const Field& field, ByteView record, int depth) {
        if (field.bit_size != 0) {
            if (!spend(1 + btf_.type(value_type(btf_, field.type)).vlen)) {
                text_ += "...";
            } else if (!has_bits(record, field.bit_offset, field.bit_size)) {
                text_ += "<truncated>";
            } else {
                text_ += bit_field_text(btf_, field, read_bits(record, field.bit_offset, field.bit_size));
            }
            return;
        }
        const std::size_t offset = std::min<std::size_t>(field.bit_offset / 8, record.size());
        ByteView bytes = record.subspan(offset);
        if (const auto size = btf_.size_of(field.type))
            bytes = bytes.first(std::min<std::uint64_t>(*size, bytes.size()));
        value(field.type, bytes, depth + 1);
    }

    void array(const Type& type, ByteView bytes, int depth) {
        const ArrayInfo info = btf_.array(type);
        const std::uint64_t element = btf_.size_of(info.element).value_or(0);
        if (is_char(btf_, info.element)) {
            const bool truncated = bytes.size() < info.count;
            text_ += string_literal(bytes.first(std::min<std::size_t>(bytes.size(), info.count)));
            if (truncated) text_ += "<truncated>";
            return;
        }
        text_ += '{';
        if (element != 0) elements(info, element, bytes, depth);
        text_ += '}';
    }

    void elements(const ArrayInfo& info, std::uint64_t element, ByteView bytes, int depth) {
        const std::uint64_t present = std::min<std::uint64_t>(info.count, bytes.size() / element);
        const std::uint64_t zeros = present < info.count ? 0 : zeros_at_end(bytes.first(present * element)) / element;
        const std::uint64_t shown = zeros < zeros_worth_counting ? present : present - zeros;
        for (std::uint64_t i = 0; i < shown; ++i) {
            if (i != 0) text_ += ", ";
            if (exhausted()) {
                text_ += "...";
                return;
            }
            value(info.element, bytes.subspan(i * element, element), depth + 1);
        }
        if (shown == info.count) return;
        if (shown != 0) text_ += ", ";
        if (present < info.count) {
            text_ += "<truncated>";
        } else {
            value(info.element, bytes.subspan(shown * element, element), depth + 1);
            text_ += fmt::format(" <repeats {} times>", zeros);
        }
    }

    bool exhausted() const noexcept { return text_.size() >= longest_text || work_ >= most_work; }

    bool spend(std::size_t work) noexcept {
        if (exhausted()) return false;
        work_ += work;
        return true;
    }

    const Btf& btf_;
    std::string text_;
    std::size_t work_ = 0;
};

}  // namespace

std::string format_value(const Btf& btf, TypeId type, ByteView bytes) {
    return ValuePrinter(btf).print(type, bytes);
}

}  // namespace minibpf::btf
