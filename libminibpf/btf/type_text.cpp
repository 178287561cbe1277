// Types as C writes them. C's declarators grow from the name outwards, so a type is walked from the outside in while
// the declarator grows around what is there already:
//
//     PTR -> ARRAY[4] -> CONST -> INT      ""  ->  "*"  ->  "(*)[4]"  ->  "const int (*)[4]"
//
// Hostile types may loop or multiply; depth and the length of the text are bounded, past a bound it says `...`.
#include <libminibpf/btf/value.hpp>

#include <fmt/format.h>

#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

constexpr int deepest_type = 16;  // functions as parameters of functions, anonymous structs in one another
constexpr std::size_t longest_definition = 1 << 18;
constexpr std::size_t longest_declarator = 1 << 12;

std::string_view keyword(const Type& type) noexcept {
    switch (type.kind) {
        case Kind::struct_: return "struct ";
        case Kind::union_: return "union ";
        case Kind::enum_:
        case Kind::enum64: return "enum ";
        case Kind::fwd: return type.kind_flag ? "union " : "struct ";
        default: return "";
    }
}

std::string_view qualifier(Kind kind) noexcept {
    switch (kind) {
        case Kind::const_: return "const ";
        case Kind::volatile_: return "volatile ";
        case Kind::restrict_: return "restrict ";
        default: return "";  // TYPE_TAG: no part of C
    }
}

class TypeWriter {
public:
    explicit TypeWriter(const Btf& btf) : btf_(btf) {}

    // With `expand`, an anonymous struct, union or enum is written out, its members indented below `indent`.
    std::string declaration(TypeId id, std::string declarator, int depth, bool expand = false, int indent = 0) {
        std::string qualifiers;
        for (int step = 0; step < longest_chain; ++step) {
            const Type type = btf_.type(id);
            if (depth > deepest_type || declarator.size() > longest_declarator) break;
            if (qualifiers.size() < 64) qualifiers += qualifier(type.kind);
            switch (type.kind) {
                case Kind::ptr: declarator = pointer_to(type.target(), qualifiers, declarator); break;
                case Kind::array: declarator += array_suffix(type); break;
                case Kind::func_proto: declarator += parameters(type, depth); break;
                case Kind::const_:
                case Kind::volatile_:
                case Kind::restrict_:
                case Kind::type_tag: break;
                case Kind::var:
                case Kind::func: declarator = type.name; break;
                default: return join(qualifiers + base(type, depth, expand, indent), declarator);
            }
            if (type.kind == Kind::ptr || type.kind == Kind::func_proto) qualifiers.clear();
            id = type.kind == Kind::array ? btf_.array(type).element : type.target();
        }
        return join("...", declarator);
    }

    std::string definition(const Type& type, int depth, int indent) {
        std::string text = fmt::format("{}{}{}{{\n", keyword(type), type.name, type.name.empty() ? "" : " ");
        if (type.kind == Kind::enum_ || type.kind == Kind::enum64) {
            enumerators(type, indent + 1, text);
        } else {
            members(type, depth, indent + 1, text);
        }
        return text + std::string(margin(indent), ' ') + '}';
    }

private:
    static std::size_t margin(int indent) { return static_cast<std::size_t>(indent) * 4; }

    static std::string join(std::string base, const std::string& declarator) {
        if (!declarator.empty() && declarator[0] != '[') base += ' ';
        return base + declarator;
    }

    // `*const p`; in brackets where what it points to goes on behind the name.
    std::string pointer_to(TypeId target, const std::string& qualifiers, const std::string& declarator) const {
        std::string text = "*" + qualifiers + declarator;
        if (declarator.empty() && text.back() == ' ') text.pop_back();
        for (int step = 0; step < longest_chain && is_qualifier(btf_.type(target).kind); ++step)
            target = btf_.type(target).target();
        const Kind kind = btf_.type(target).kind;
        return kind == Kind::array || kind == Kind::func_proto ? "(" + text + ")" : text;
    }

    static bool is_qualifier(Kind kind) noexcept { return is_modifier(kind) && kind != Kind::typedef_; }

    std::string array_suffix(const Type& type) const { return fmt::format("[{}]", btf_.array(type).count); }

    std::string parameters(const Type& proto, int depth) {
        std::string text = "(";
        for (const Param& param : btf_.params(proto)) {
            if (text.size() > 1) text += ", ";
            if (!spend(8 + param.name.size())) return text + "...)";
            text += param.type == 0 ? "..." : declaration(param.type, std::string(param.name), depth + 1);
        }
        return text + (text.size() == 1 ? "void)" : ")");
    }

    std::string base(const Type& type, int depth, bool expand, int indent) {
        if (!spend(type.name.size())) return "...";
        const bool has_body = type.kind == Kind::struct_ || type.kind == Kind::union_ || type.kind == Kind::enum_ ||
                              type.kind == Kind::enum64;
        if (!has_body || !type.name.empty()) return fmt::format("{}{}", keyword(type), type.name);
        return expand ? definition(type, depth, indent) : fmt::format("{}{{...}}", keyword(type));
    }

    void members(const Type& type, int depth, int indent, std::string& text) {
        for (const Member& member : btf_.members(type)) {
            text += std::string(margin(indent), ' ');
            if (depth >= deepest_type || !spend(48 + member.name.size())) {
                text += "...\n";
                return;
            }
            text += declaration(member.type, std::string(member.name), depth + 1, true, indent);
            if (member.bit_size != 0) text += fmt::format(" : {}", member.bit_size);
            text += ";\n";
        }
    }

    void enumerators(const Type& type, int indent, std::string& text) {
        for (const Enumerator& enumerator : btf_.enumerators(type)) {
            if (!spend(32 + enumerator.name.size())) {
                text += "...\n";
                return;
            }
            const std::string value = type.kind_flag ? fmt::format("{}", static_cast<std::int64_t>(enumerator.value))
                                                     : fmt::format("{}", enumerator.value);
            text += fmt::format("{:{}}{} = {},\n", "", margin(indent), enumerator.name, value);
        }
    }

    // Counted before it is written: a name may be as long as the file, and be used ten thousand times.
    bool spend(std::size_t text) noexcept {
        if (spent_ > longest_definition) return false;
        spent_ += text;
        return true;
    }

    const Btf& btf_;
    std::size_t spent_ = 0;
};

}  // namespace

std::string type_text(const Btf& btf, TypeId type) {
    const Type named = btf.type(type);
    if (named.kind == Kind::datasec) return fmt::format("section {}", named.name);
    return TypeWriter(btf).declaration(type, "", 0);
}

std::string definition_text(const Btf& btf, TypeId id) {
    const Type type = btf.type(id);
    TypeWriter writer(btf);
    switch (type.kind) {
        case Kind::struct_:
        case Kind::union_:
        case Kind::enum_:
        case Kind::enum64: return writer.definition(type, 0, 0) + ';';
        case Kind::typedef_:
            return "typedef " + writer.declaration(type.target(), std::string(type.name), 0, true) + ';';
        default: return type_text(btf, id) + ';';
    }
}

}  // namespace minibpf::btf
