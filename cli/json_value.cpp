// Bytes to JSON as BTF describes them: what libminibpf/btf/format_value.cpp does for C's initialisers.
#include <algorithm>

#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/scalars.hpp>
#include <libminibpf/kernel/files.hpp>

#include "map_elements.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr int deepest_json = 32;                    // structs and arrays within one another
constexpr std::size_t most_json_values = 1u << 20;  // the types come from whoever loaded the map

class JsonBuilder {
public:
    explicit JsonBuilder(const btf::Btf& btf) : btf_(btf) {}

    Json value(btf::TypeId id, ByteView bytes, int depth) {
        const btf::Type type = btf_.type(btf::value_type(btf_, id));
        if (depth > deepest_json || ++values_ > most_json_values) return nullptr;
        switch (type.kind) {
            case btf::Kind::struct_:
            case btf::Kind::union_: {
                Json object = Json::object();
                put_members(object, type, bytes, depth);
                return object;
            }
            case btf::Kind::array: return array(type, bytes, depth);
            case btf::Kind::datasec: return section(type, bytes, depth);
            default: break;
        }
        const auto size = btf_.size_of(type.id);
        if (!size || bytes.size() < *size) return nullptr;
        return scalar(type, bytes.first(*size));
    }

private:
    // C finds the members of an anonymous struct in the one around it, and so does who reads the JSON.
    void put_members(Json& object, const btf::Type& type, ByteView bytes, int depth) {
        for (const btf::Member& member : btf_.members(type)) {
            const btf::Field field = btf::field_of(btf_, member);
            if (!member.name.empty()) {
                object[std::string(member.name)] = this->field(field, bytes, depth);
                continue;
            }
            const btf::Type inner = btf_.stripped(member.type);
            const bool has_members = inner.kind == btf::Kind::struct_ || inner.kind == btf::Kind::union_;
            if (has_members && depth < deepest_json)
                put_members(object, inner, from(bytes, field.bit_offset / 8), depth + 1);
        }
    }

    Json field(const btf::Field& field, ByteView record, int depth) {
        if (field.bit_size == 0) return value(field.type, from(record, field.bit_offset / 8), depth + 1);
        if (!btf::has_bits(record, field.bit_offset, field.bit_size)) return nullptr;
        const std::uint64_t bits = btf::read_bits(record, field.bit_offset, field.bit_size);
        return integer(btf_.type(btf::value_type(btf_, field.type)), bits, field.bit_size);
    }

    Json array(const btf::Type& type, ByteView bytes, int depth) {
        const btf::ArrayInfo info = btf_.array(type);
        if (btf::is_char(btf_, info.element)) {
            const std::string_view text = text_of(bytes.first(std::min<std::size_t>(bytes.size(), info.count)));
            return std::string(text.substr(0, text.find('\0')));
        }
        Json list = Json::array();
        const std::uint64_t size = btf_.size_of(info.element).value_or(0);
        for (std::uint64_t i = 0; size != 0 && i < info.count && values_ < most_json_values; ++i)
            list.push_back(value(info.element, from(bytes, i * size), depth + 1));
        return list;
    }

    Json section(const btf::Type& type, ByteView bytes, int depth) {
        Json object = Json::object();
        for (const btf::SectionVar& var : btf_.section_vars(type))
            object[std::string(btf_.type(var.type).name)] = value(var.type, from(bytes, var.offset), depth + 1);
        return object;
    }

    Json scalar(const btf::Type& type, ByteView bytes) {
        if (type.kind == btf::Kind::float_ && bytes.size() == sizeof(float)) return *read_at<float>(bytes, 0);
        if (type.kind == btf::Kind::float_ && bytes.size() == sizeof(double)) return *read_at<double>(bytes, 0);
        // Addresses, __int128 and long double are no numbers of JSON's.
        if (type.kind == btf::Kind::ptr || type.kind == btf::Kind::float_ || bytes.size() > 8)
            return btf::scalar_text(btf_, type, bytes);
        const auto bit_size = static_cast<std::uint32_t>(bytes.size() * 8);
        return integer(type, btf::read_bits(bytes, 0, bit_size), bit_size);
    }

    Json integer(const btf::Type& type, std::uint64_t bits, std::uint32_t bit_size) {
        const bool is_enum = type.kind == btf::Kind::enum_ || type.kind == btf::Kind::enum64;
        if (is_enum) {
            const std::uint64_t mask = bit_size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bit_size) - 1;
            for (const btf::Enumerator& enumerator : btf_.enumerators(type)) {
                if ((enumerator.value & mask) == bits) return std::string(enumerator.name);
            }
        }
        const bool is_int = type.kind == btf::Kind::int_;
        if (is_int && btf_.int_encoding(type).is_bool && bits <= 1) return bits != 0;
        const bool is_signed = is_enum ? type.kind_flag : is_int && btf_.int_encoding(type).is_signed;
        if (is_signed) return btf::sign_extend(bits, bit_size);
        return bits;
    }

    static ByteView from(ByteView bytes, std::uint64_t offset) {
        return bytes.subspan(std::min<std::size_t>(offset, bytes.size()));
    }

    const btf::Btf& btf_;
    std::size_t values_ = 0;
};

}  // namespace

Json json_value(const btf::Btf& btf, btf::TypeId type, ByteView bytes) {
    return JsonBuilder(btf).value(type, bytes, 0);
}

}  // namespace cli
