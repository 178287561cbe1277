// Text to bytes: C's initialisers, read by recursive descent along the type.
//
//     value:   literal | name of an enumerator | '{' [ item { ',' item } [ ',' ] ] '}'
//     item:    [ '.' member '=' | '[' index ']' '=' ] value
//
// Two liberties beside C: a struct with one member needs no braces, and (unlike C) braces are never left out elsewhere.
#include <libminibpf/btf/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/literals.hpp>
#include <libminibpf/btf/scalars.hpp>

namespace minibpf::btf {

namespace {

constexpr int deepest_value = 32;
constexpr std::uint64_t largest_value = 64 << 20;  // bytes; so that a hostile type cannot ask for exabytes

using ByteSpan = std::span<std::byte>;

// The member of that name, looked for in anonymous structs and unions too, as C does. `seen` keeps types that contain
// themselves or one another from being searched twice.
std::optional<Field> find_member(const Btf& btf, const Type& record, std::string_view name, std::set<TypeId>& seen) {
    if (!seen.insert(record.id).second || seen.size() > 1000) return std::nullopt;
    const std::vector<Member> members = btf.members(record);
    for (const Member& member : members) {
        if (!name.empty() && member.name == name) return field_of(btf, member);
    }
    for (const Member& member : members) {
        const Type inner = btf.stripped(member.type);
        if (!member.name.empty() || (inner.kind != Kind::struct_ && inner.kind != Kind::union_)) continue;
        if (std::optional<Field> field = find_member(btf, inner, name, seen)) {
            field->bit_offset += member.bit_offset;
            return field;
        }
    }
    return std::nullopt;
}

class ValueReader {
public:
    ValueReader(const Btf& btf, TypeId root, std::string_view text) : btf_(btf), root_(root), text_(text) {}

    Bytes read() {
        const std::optional<std::uint64_t> size = btf_.size_of(root_);
        if (!size) fail("the type has no values");
        if (*size > largest_value)
            fail(fmt::format("a value of {} bytes is too large, at most {}", *size, largest_value));
        Bytes bytes(*size);
        value(root_, bytes, 0);
        if (!rest().empty()) fail(fmt::format("unexpected {} after the value", excerpt(rest())));
        return bytes;
    }

private:
    // --- by kind

    void value(TypeId id, ByteSpan target, int depth) {
        if (depth > deepest_value) fail("too many levels of types");
        const Type type = btf_.type(value_type(btf_, id));
        std::ranges::fill(target, std::byte{0});  // what an earlier item of the same place left
        switch (type.kind) {
            case Kind::struct_:
            case Kind::union_: return record(type, target, depth);
            case Kind::array: return array(type, target, depth);
            case Kind::float_: return floating(type, target);
            case Kind::int_:
            case Kind::ptr:
            case Kind::enum_:
            case Kind::enum64: break;
            default: fail("the type has no values");
        }
        const auto bit_size = static_cast<std::uint32_t>(std::min<std::size_t>(target.size() * 8, 1024));
        store(integer(type, bit_size), target);
    }

    // Two's complement in as many bytes as the type has, be they 16.
    static void store(const Integer& number, ByteSpan target) {
        if (number.negative && number.magnitude != 0) std::ranges::fill(target, std::byte{0xff});
        const std::size_t size = std::min<std::size_t>(target.size(), 8);
        const bool little = std::endian::native == std::endian::little;
        write_bits(little ? target.first(size) : target.last(size), 0, static_cast<std::uint32_t>(size * 8),
                   number.bits());
    }

    void record(const Type& type, ByteSpan target, int depth) {
        const std::vector<Member> members = btf_.members(type);
        if (!take('{')) {
            if (members.size() != 1) fail(fmt::format("expected {{...}}, found {}", found()), members_hint(members));
            return member(field_of(btf_, members[0]), members[0].name, target, depth);
        }
        std::size_t next = 0;  // the member that a value without name goes to
        for (std::size_t items = 0; !take('}'); ++items) {
            if (type.kind == Kind::union_ && items == 1) fail("a union takes one value");
            if (take('.')) {
                next = designated_member(type, members, target, depth);
            } else {
                while (next < members.size() && is_padding(members[next])) ++next;
                if (next == after_anonymous)
                    fail("name the member: the one before lies in an anonymous struct or union");
                if (next >= members.size()) fail(fmt::format("too many values, it has {} members", members.size()));
                member(field_of(btf_, members[next]), members[next].name, target, depth);
                ++next;
            }
            separator('}');
        }
    }

    static bool is_padding(const Member& member) { return member.name.empty() && member.bit_size != 0; }

    // `.name = value`, behind the dot; answers which member is the next.
    std::size_t designated_member(const Type& type, const std::vector<Member>& members, ByteSpan target, int depth) {
        const std::string_view name = word();
        std::set<TypeId> seen;
        const std::optional<Field> field = find_member(btf_, type, name, seen);
        if (!field)
            fail(fmt::format("{} has no member '{}'", type_text(btf_, type.id), name), nearest_hint(name, members));
        expect('=');
        member(*field, name, target, depth);
        const auto outer = std::ranges::find(members, name, &Member::name);
        return outer == members.end() ? after_anonymous : static_cast<std::size_t>(outer - members.begin()) + 1;
    }

    void member(const Field& field, std::string_view name, ByteSpan record, int depth) {
        const std::size_t path_size = path_.size();
        path_ += fmt::format(".{}", name.empty() ? "(anonymous)" : name);
        const std::optional<std::uint64_t> size = btf_.size_of(field.type);
        const std::uint64_t bits = field.bit_size != 0 ? field.bit_size : size.value_or(0) * 8;
        if (!size || *size > record.size() || !has_bits(record, field.bit_offset, bits)) {
            fail("the type information is wrong: the member lies outside its struct");
        }
        if (field.bit_size != 0) {
            const Type type = btf_.type(value_type(btf_, field.type));
            write_bits(record, field.bit_offset, field.bit_size, integer(type, field.bit_size).bits());
        } else {
            value(field.type, record.subspan(field.bit_offset / 8, *size), depth + 1);
        }
        path_.resize(path_size);
    }

    void array(const Type& type, ByteSpan target, int depth) {
        const ArrayInfo info = btf_.array(type);
        const bool text = is_char(btf_, info.element);
        if (text && peek() == '"') return string(type, info, target);
        if (!take('{')) {
            const char* hint =
                text ? "text goes in double quotes, which the shell removes unless they are quoted too" : "";
            fail(fmt::format("expected {}, found {}", text ? "\"...\" or {...}" : "{...}", found()), hint);
        }
        const std::uint64_t element = btf_.size_of(info.element).value_or(0);
        std::uint64_t index = 0;
        while (!take('}')) {
            if (take('[')) index = array_designator();
            if (index >= info.count)
                fail(fmt::format("no element [{}], {} has {}", index, type_text(btf_, type.id), info.count));
            const std::size_t path_size = path_.size();
            path_ += fmt::format("[{}]", index);
            value(info.element, target.subspan(index * element, element), depth + 1);
            path_.resize(path_size);
            ++index;
            separator('}');
        }
    }

    // `[index] =`, behind the bracket.
    std::uint64_t array_designator() {
        const Integer index = number();
        if (index.negative) fail("an index is not negative");
        expect(']');
        expect('=');
        return index.magnitude;
    }

    // As in C, the string may fill the array so that its NUL has no room.
    void string(const Type& type, const ArrayInfo& info, ByteSpan target) {
        Literal<std::string> literal = read_string(rest());
        if (!literal.fault.empty()) fail(literal.fault);
        at_ += literal.length;
        if (literal.value.size() > info.count) {
            fail(fmt::format("the string has {} bytes, {} holds {}", literal.value.size(), type_text(btf_, type.id),
                             info.count));
        }
        std::ranges::copy(bytes_of(literal.value), target.begin());
    }

    void floating(const Type& type, ByteSpan target) {
        const std::string_view token = rest().substr(0, std::min(rest().find_first_of(" \t\n,}"), rest().size()));
        double number = 0;
        const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
        if (token.empty() || error == std::errc::invalid_argument || end != token.data() + token.size()) {
            fail(fmt::format("expected a number, found {}", found()));
        }
        const bool single = target.size() == sizeof(float);
        const bool too_large =
            single && std::isfinite(number) && std::abs(number) > double{std::numeric_limits<float>::max()};
        if (error != std::errc() || too_large) fail(fmt::format("{} does not fit {}", token, type_text(btf_, type.id)));
        at_ += token.size();
        if (single) {
            std::ranges::copy(bytes_of(static_cast<float>(number)), target.begin());
        } else if (target.size() == sizeof(double)) {
            std::ranges::copy(bytes_of(number), target.begin());
        } else {
            fail(fmt::format("a {} of {} bytes cannot be written as text", type_text(btf_, type.id), target.size()));
        }
    }

    // --- integers of all kinds: INT, ENUM, ENUM64, PTR and their bit-fields

    Integer integer(const Type& type, std::uint32_t bit_size) {
        const char first = peek();
        if (is_word(first) && !(first >= '0' && first <= '9')) return named_integer(type, bit_size);
        const std::size_t begin = at_;
        const Integer value = number();
        check_range(type, bit_size, value, text_.substr(begin, at_ - begin));
        return value;
    }

    Integer named_integer(const Type& type, std::uint32_t bit_size) {
        const std::size_t begin = at_;
        const std::string_view name = word();
        Integer value;
        if (type.kind == Kind::enum_ || type.kind == Kind::enum64) {
            const std::vector<Enumerator> enumerators = btf_.enumerators(type);
            const auto enumerator = std::ranges::find(enumerators, name, &Enumerator::name);
            if (enumerator == enumerators.end()) {
                at_ = begin;
                fail(fmt::format("{} has no enumerator '{}'", type_text(btf_, type.id), name),
                     nearest_hint(name, enumerators));
            }
            value.negative = type.kind_flag && static_cast<std::int64_t>(enumerator->value) < 0;
            value.magnitude = value.negative ? 0 - enumerator->value : enumerator->value;
        } else if (type.kind == Kind::int_ && (name == "true" || name == "false")) {
            value.magnitude = name == "true" ? 1 : 0;
        } else if (type.kind != Kind::ptr || name != "NULL") {
            at_ = begin;
            fail(fmt::format("expected a number, found {}", found()));
        }
        check_range(type, bit_size, value, name);
        return value;
    }

    void check_range(const Type& type, std::uint32_t bit_size, const Integer& value, std::string_view written) {
        const bool bit_field = type.kind != Kind::ptr && bit_size < type.size() * 8;
        bool is_signed = type.kind_flag, is_unsigned = !type.kind_flag;
        if (type.kind == Kind::int_) {
            const IntEncoding encoding = btf_.int_encoding(type);
            if (encoding.is_bool) bit_size = 1;
            // char is signed or not as the compiler's options say; 'a' to '\377' and -1 are all fine.
            is_signed = (encoding.is_signed && !encoding.is_bool) || is_char(btf_, type.id);
            is_unsigned = !encoding.is_signed || is_char(btf_, type.id);
        } else if (type.kind == Kind::enum_) {
            is_signed = is_unsigned = true;  // clang before 15 does not say which
        }
        if ((is_signed && value.fits_signed(bit_size)) || (is_unsigned && value.fits_unsigned(bit_size))) return;
        const std::string width = bit_field ? fmt::format(" of {} bits", bit_size) : "";
        fail(fmt::format("{} does not fit {}{}: {}", written, type_text(btf_, type.id), width,
                         range_text(is_signed, is_unsigned, bit_size)));
    }

    static std::string range_text(bool is_signed, bool is_unsigned, std::uint32_t bit_size) {
        const std::uint64_t largest = bit_size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bit_size) - 1;
        const std::string least =
            is_signed && bit_size != 0 ? fmt::format("{}", -static_cast<std::int64_t>(largest / 2) - 1) : "0";
        return fmt::format("{} to {}", least, is_unsigned ? largest : largest / 2);
    }

    Integer number() {
        const Literal<Integer> literal = read_integer(rest());
        if (literal.fault == "no number") fail(fmt::format("expected a number, found {}", found()));
        if (!literal.fault.empty()) fail(literal.fault);
        at_ += literal.length;
        return literal.value;
    }

    // --- the text

    std::string_view rest() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
        return text_.substr(at_);
    }

    char peek() { return rest().empty() ? '\0' : rest()[0]; }

    bool take(char c) {
        if (rest().empty() || peek() != c) return false;
        ++at_;
        return true;
    }

    void expect(char c) {
        if (!take(c)) fail(fmt::format("expected {}, found {}", c, found()));
    }

    // A comma, unless the list ends here.
    void separator(char end) {
        if (!take(',') && peek() != end) fail(fmt::format("expected , or {}, found {}", end, found()));
    }

    std::string_view word() {
        const std::string_view text = rest();
        const auto end = std::ranges::find_if_not(text, is_word);
        const auto size = static_cast<std::size_t>(end - text.begin());
        at_ += size;
        return text.substr(0, size);
    }

    std::string found() { return rest().empty() ? "the end of the text" : excerpt(rest()); }

    static std::string excerpt(std::string_view text) {
        constexpr std::size_t longest = 60;
        return text.size() <= longest ? fmt::format("'{}'", text) : fmt::format("'{}...'", text.substr(0, longest));
    }

    // --- errors

    template <class Named>
    static std::string nearest_hint(std::string_view name, const std::vector<Named>& candidates) {
        std::vector<std::string_view> names;
        for (const Named& candidate : candidates) {
            if (!candidate.name.empty()) names.push_back(candidate.name);
        }
        const std::string best = nearest(name, names);
        return best.empty() ? std::string() : fmt::format("did you mean '{}'?", best);
    }

    static std::string members_hint(const std::vector<Member>& members) {
        std::string names;
        for (const Member& member : members) {
            if (names.size() > 200) return fmt::format("its members are {}, ...", names);
            if (!member.name.empty()) names += fmt::format("{}{}", names.empty() ? "" : ", ", member.name);
        }
        return names.empty() ? std::string() : fmt::format("its members are {}", names);
    }

    [[noreturn]] void fail(std::string what, std::string hint = {}) const {
        std::string place;
        if (!path_.empty())
            place = path_[0] == '.' ? fmt::format(", member {}", path_.substr(1)) : fmt::format(", element {}", path_);
        throw Error({.doing = fmt::format("value {} for {}{}: {}", excerpt(text_), type_text(btf_, root_), place, what),
                     .hint = std::move(hint),
                     .blame = Blame::usage});
    }

    static constexpr std::size_t after_anonymous = std::numeric_limits<std::size_t>::max();

    const Btf& btf_;
    TypeId root_;
    std::string_view text_;
    std::size_t at_ = 0;  // in text_
    std::string path_;    // of the value being read: ".d.command", "[3].pid"
};

}  // namespace

Bytes parse_value(const Btf& btf, TypeId type, std::string_view text) {
    return ValueReader(btf, type, text).read();
}

}  // namespace minibpf::btf
