// Puts BTF together type by type, for tests: what the compiler would write, and what no compiler would.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <tests/catch.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/btf.hpp>

namespace minibpf::test {

class BtfBuilder {
public:
    using TypeId = btf::TypeId;
    using Kind = btf::Kind;

    struct Member {
        std::string_view name;
        TypeId type = 0;
        std::uint32_t bit_offset = 0;
        std::uint32_t bit_size = 0;  // 0: not a bit-field
    };
    struct Enumerator {
        std::string_view name;
        std::int64_t value = 0;
    };
    struct Param {
        std::string_view name;
        TypeId type = 0;
    };
    struct Var {
        TypeId type = 0;
        std::uint32_t offset = 0, size = 0;
    };

    /// Any type at all, right or wrong; answers its id.
    TypeId add(Kind kind, std::string_view name, std::uint32_t vlen, bool kind_flag, std::uint32_t size_or_type,
               const std::vector<std::uint32_t>& payload = {}) {
        types_.push_back(string(name));
        types_.push_back(std::uint32_t{kind_flag} << 31 | static_cast<std::uint32_t>(kind) << 24 | vlen);
        types_.push_back(size_or_type);
        types_.insert(types_.end(), payload.begin(), payload.end());
        return ++last_id_;
    }

    TypeId integer(std::string_view name, std::uint32_t size, std::uint32_t encoding = 0) {
        return add(Kind::int_, name, 0, false, size, {encoding << 24 | size * 8});
    }
    TypeId floating(std::string_view name, std::uint32_t size) { return add(Kind::float_, name, 0, false, size); }
    TypeId pointer(TypeId target) { return add(Kind::ptr, "", 0, false, target); }
    TypeId type_def(std::string_view name, TypeId target) { return add(Kind::typedef_, name, 0, false, target); }
    TypeId array(TypeId element, std::uint32_t count, TypeId index = 1) {
        return add(Kind::array, "", 0, false, 0, {element, index, count});
    }

    TypeId record(Kind kind, std::string_view name, std::uint32_t size, std::initializer_list<Member> members) {
        bool bit_fields = false;
        for (const Member& member : members) bit_fields |= member.bit_size != 0;
        std::vector<std::uint32_t> payload;
        for (const Member& member : members) {
            payload.insert(payload.end(),
                           {string(member.name), member.type, member.bit_size << 24 | member.bit_offset});
        }
        return add(kind, name, static_cast<std::uint32_t>(members.size()), bit_fields, size, payload);
    }
    TypeId structure(std::string_view name, std::uint32_t size, std::initializer_list<Member> members) {
        return record(Kind::struct_, name, size, members);
    }

    TypeId enumeration(std::string_view name, std::uint32_t size, bool is_signed,
                       std::initializer_list<Enumerator> list) {
        std::vector<std::uint32_t> payload;
        for (const Enumerator& enumerator : list) {
            payload.insert(payload.end(), {string(enumerator.name), static_cast<std::uint32_t>(enumerator.value)});
        }
        return add(Kind::enum_, name, static_cast<std::uint32_t>(list.size()), is_signed, size, payload);
    }
    TypeId enumeration64(std::string_view name, bool is_signed, std::initializer_list<Enumerator> list) {
        std::vector<std::uint32_t> payload;
        for (const Enumerator& enumerator : list) {
            const auto value = static_cast<std::uint64_t>(enumerator.value);
            payload.insert(payload.end(), {string(enumerator.name), static_cast<std::uint32_t>(value),
                                           static_cast<std::uint32_t>(value >> 32)});
        }
        return add(Kind::enum64, name, static_cast<std::uint32_t>(list.size()), is_signed, 8, payload);
    }

    TypeId prototype(TypeId result, std::initializer_list<Param> params) {
        std::vector<std::uint32_t> payload;
        for (const Param& param : params) payload.insert(payload.end(), {string(param.name), param.type});
        return add(Kind::func_proto, "", static_cast<std::uint32_t>(params.size()), false, result, payload);
    }
    TypeId function(std::string_view name, TypeId proto, std::uint32_t linkage = BTF_FUNC_GLOBAL) {
        return add(Kind::func, name, linkage, false, proto);
    }
    TypeId variable(std::string_view name, TypeId type, std::uint32_t linkage = BTF_VAR_GLOBAL_ALLOCATED) {
        return add(Kind::var, name, 0, false, type, {linkage});
    }
    TypeId section(std::string_view name, std::uint32_t size, std::initializer_list<Var> vars) {
        std::vector<std::uint32_t> payload;
        for (const Var& var : vars) payload.insert(payload.end(), {var.type, var.offset, var.size});
        return add(Kind::datasec, name, static_cast<std::uint32_t>(vars.size()), false, size, payload);
    }

    /// The offset of the text in the string section.
    std::uint32_t string(std::string_view text) {
        if (text.empty()) return 0;
        const auto offset = static_cast<std::uint32_t>(strings_.size());
        strings_.append(text);
        strings_ += '\0';
        return offset;
    }

    Bytes bytes() const {
        btf_header header{.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(btf_header)};
        header.type_len = header.str_off = static_cast<std::uint32_t>(types_.size() * sizeof(std::uint32_t));
        header.str_len = static_cast<std::uint32_t>(strings_.size());
        Bytes all;
        const auto append = [&](ByteView part) { all.insert(all.end(), part.begin(), part.end()); };
        append(bytes_of(header));
        append(std::as_bytes(std::span(types_)));
        append(bytes_of(std::string_view(strings_)));
        return all;
    }

    btf::Btf build() const { return btf::Btf::parse(bytes(), "test"); }

private:
    std::vector<std::uint32_t> types_;
    std::string strings_ = std::string(1, '\0');
    TypeId last_id_ = 0;
};

/// The error that the function throws; fails the test when it throws none.
template <class Function>
ErrorDetail error_of(Function&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error.detail();
    }
    FAIL("no error was thrown");
    return {};
}

inline Bytes bytes(std::initializer_list<int> values) {
    Bytes all;
    for (int value : values) all.push_back(static_cast<std::byte>(value));
    return all;
}

}  // namespace minibpf::test
