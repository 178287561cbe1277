// Reading .BTF.ext: three tables of the same form, each grouped by the ELF section that its records speak of.
//
//     rec_size | sec_name_off | num_info | num_info records | sec_name_off | num_info | ...
#include <libminibpf/btf/btf_ext.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

// struct btf_ext_header: no part of the UAPI, because the kernel never sees it (libbpf's btf.h has a copy).
struct ExtHeader {
    std::uint16_t magic;
    std::uint8_t version, flags;
    std::uint32_t hdr_len;
    // Offsets count from the end of the header.
    std::uint32_t func_info_off, func_info_len;
    std::uint32_t line_info_off, line_info_len;
    std::uint32_t core_relo_off, core_relo_len;  // clang 10 and newer
};

constexpr std::size_t header_without_core_relo = offsetof(ExtHeader, core_relo_off);

// struct btf_ext_info_sec
struct SectionHeader {
    std::uint32_t sec_name_off, num_info;
};

struct Place {
    const char* table;
    std::size_t offset, size;
    std::uint32_t least_record_size;
};

// Why the header is no good; empty when it is.
std::string header_fault(ByteView raw, const ExtHeader& header) {
    if (header.magic == foreign_magic) {
        return fmt::format(".BTF.ext is of the other byte order ({}-endian)",
                           std::endian::native == std::endian::little ? "big" : "little");
    }
    if (header.magic != BTF_MAGIC) {
        return fmt::format("no .BTF.ext: it begins with {:#06x} instead of {:#06x}", header.magic, BTF_MAGIC);
    }
    if (header.version != BTF_VERSION) {
        return fmt::format(".BTF.ext version {}, known is {}", header.version, BTF_VERSION);
    }
    if (header.flags != 0) return fmt::format("unknown .BTF.ext flags {:#x}", header.flags);
    if (header.hdr_len < header_without_core_relo || header.hdr_len > raw.size()) {
        return fmt::format("the .BTF.ext header claims {} bytes, the input has {} and the least is {}", header.hdr_len,
                           raw.size(), header_without_core_relo);
    }
    for (std::size_t i = sizeof(ExtHeader); i < header.hdr_len; ++i) {
        if (raw[i] != std::byte{0}) {
            return fmt::format("the .BTF.ext header has a field at offset {} that is newer than this loader", i);
        }
    }
    return {};
}

ExtHeader read_ext_header(ByteView raw, std::string_view where) {
    if (raw.size() < header_without_core_relo) {
        throw_malformed(fmt::format("{}: {} bytes, too short for the {} of the .BTF.ext header", where, raw.size(),
                                    header_without_core_relo));
    }
    ExtHeader header{};
    std::memcpy(&header, raw.data(), std::min(raw.size(), sizeof header));
    if (std::string fault = header_fault(raw, header); !fault.empty())
        throw_malformed(fmt::format("{}: {}", where, fault));
    if (header.hdr_len < sizeof header) header.core_relo_off = header.core_relo_len = 0;
    return header;
}

class TableReader {
public:
    TableReader(ByteView raw, const Btf& btf, std::string_view where, const Place& place)
        : btf_(btf), where_(where), place_(place) {
        const std::optional<ByteView> table = slice(raw, place.offset, place.size);
        if (!table || place.offset % 4 != 0) {
            throw_malformed(fmt::format("{}: the {} table ({} bytes at {}) is misplaced in {} bytes", where,
                                        place.table, place.size, place.offset, raw.size()));
        }
        table_ = *table;
    }

    ExtTable read() {
        ExtTable table;
        if (table_.empty()) return table;
        table.record_size = next<std::uint32_t>("record size");
        if (table.record_size < place_.least_record_size || table.record_size % 4 != 0) {
            fail(fmt::format("records of {} bytes, they have at least {} and a multiple of 4", table.record_size,
                             place_.least_record_size));
        }
        while (offset_ < table_.size()) table.sections.push_back(read_section(table.record_size));
        return table;
    }

private:
    ExtSection read_section(std::uint32_t record_size) {
        const auto section = next<SectionHeader>("section header");
        const std::optional<std::string_view> name = section_name(section.sec_name_off);
        if (!name) fail(fmt::format("the section's name at {} lies outside the strings", section.sec_name_off));
        if (section.num_info == 0) fail(fmt::format("section {} without records", *name));
        const std::uint64_t size = std::uint64_t{section.num_info} * record_size;
        const std::optional<ByteView> records = slice(table_, offset_, size);
        if (!records) {
            fail(fmt::format("{} records of {} bytes for section {} reach past the table's end", section.num_info,
                             record_size, *name));
        }
        offset_ += size;
        return {.section_name = *name, .records = *records};
    }

    std::optional<std::string_view> section_name(std::uint32_t offset) const {
        try {
            return btf_.string(offset);
        } catch (const Error&) {
            return std::nullopt;
        }
    }

    template <class T>
    T next(const char* what) {
        const std::optional<T> value = read_at<T>(table_, offset_);
        if (!value) fail(fmt::format("it ends within a {}", what));
        offset_ += sizeof(T);
        return *value;
    }

    [[noreturn]] void fail(const std::string& what) const {
        throw_malformed(
            fmt::format("{}: {} table, at offset {}: {}", where_, place_.table, place_.offset + offset_, what));
    }

    const Btf& btf_;
    std::string_view where_;
    Place place_;
    ByteView table_;
    std::size_t offset_ = 0;  // in table_
};

}  // namespace

BtfExt BtfExt::parse(ByteView raw, const Btf& btf, std::string_view where) {
    const ExtHeader header = read_ext_header(raw, where);
    const std::size_t start = header.hdr_len;
    const auto read = [&](const char* table, std::uint32_t offset, std::uint32_t size,
                          std::uint32_t least_record_size) {
        if (size == 0) return ExtTable{};
        return TableReader(raw, btf, where, {table, start + offset, size, least_record_size}).read();
    };
    return {.func_info = read("func_info", header.func_info_off, header.func_info_len, 8),
            .line_info = read("line_info", header.line_info_off, header.line_info_len, 16),
            .core_relo = read("core_relo", header.core_relo_off, header.core_relo_len, 16)};
}

}  // namespace minibpf::btf
