// .BTF.ext speaks of ELF sections; the kernel wants to hear of programs. So each record goes to the function that its
// instruction is in, and its first word, a byte offset in the section, becomes an instruction's index in the function.
//
//     func_info: a function of BTF type N begins at insn 0
//     line_info: insn i comes from this file, line and column
#include <libminibpf/btf/btf_ext.hpp>

#include <algorithm>
#include <cstring>

#include <libminibpf/object/parsing.hpp>

namespace minibpf::parsing {

namespace {

/// Finds the function of a section and offset. Sections and records come in order, so it looks first where it was last.
class FunctionFinder {
public:
    explicit FunctionFinder(const ObjectSpec& spec) : functions_(spec.functions) {}

    /// Whether the object has functions in that section; find() then searches among them.
    bool enter_section(std::string_view name) {
        for (std::size_t step = 0; step < functions_.size(); ++step) {
            const std::size_t i = (current_ + step) % functions_.size();
            if (functions_[i].section != name) continue;
            for (first_ = i; first_ > 0 && functions_[first_ - 1].section == name;) --first_;
            current_ = first_;
            return true;
        }
        return false;
    }

    /// The function's index; nothing for an offset between functions.
    std::optional<std::size_t> find(std::uint64_t offset) {
        if (contains(current_, offset)) return current_;
        const std::string_view section = functions_[first_].section;
        for (current_ = first_; current_ < functions_.size() && functions_[current_].section == section; ++current_) {
            if (contains(current_, offset)) return current_;
        }
        current_ = first_;
        return std::nullopt;
    }

    bool contains(std::size_t i, std::uint64_t offset) const {
        const FunctionSpec& function = functions_[i];
        return offset >= function.section_offset &&
               (offset - function.section_offset) / insn_size < function.insns.size();
    }

private:
    const std::vector<FunctionSpec>& functions_;
    std::size_t first_ = 0;    ///< of the section entered
    std::size_t current_ = 0;  ///< found last
};

std::uint32_t insn_offset(ByteView records, std::size_t at) noexcept {
    std::uint32_t offset;  // the first word of every record
    std::memcpy(&offset, records.data() + at, sizeof offset);
    return offset;
}

/// Calls `take(function, records)` for each run of the table's records that are about one function of the object.
template <class Take>
void for_each_run(Parsing& parsing, const btf::ExtTable& table, std::string_view table_name, Take take) {
    FunctionFinder finder(parsing.spec);
    const std::size_t record_size = table.record_size;
    for (const btf::ExtSection& section : table.sections) {
        if (!finder.enter_section(section.section_name)) continue;
        const ByteView records = section.records;
        for (std::size_t at = 0, begin = 0; at < records.size(); begin = at) {
            const auto function = finder.find(insn_offset(records, begin));
            do {
                const std::uint32_t offset = insn_offset(records, at);
                if (offset % insn_size != 0) {
                    fail("section .BTF.ext, {}: offset {} of section '{}' is not the beginning of an instruction",
                         table_name, offset, section.section_name);
                }
                at += record_size;
            } while (function && at < records.size() && finder.contains(*function, insn_offset(records, at)));
            if (function) take(parsing.spec.functions[*function], records.subspan(begin, at - begin));
        }
    }
}

std::uint32_t insn_index(const FunctionSpec& function, std::uint32_t offset) noexcept {
    return static_cast<std::uint32_t>((offset - function.section_offset) / insn_size);
}

void append_records(Bytes& records, ByteView added, std::size_t record_size, const FunctionSpec& function) {
    std::size_t at = records.size();
    records.insert(records.end(), added.begin(), added.end());
    for (; at < records.size(); at += record_size) {
        const std::uint32_t index = insn_index(function, insn_offset(records, at));
        std::memcpy(records.data() + at, &index, sizeof index);
    }
}

// struct bpf_core_relo: insn_off, type_id, access_str_off, kind
CoreRelocation core_relocation(Parsing& parsing, ByteView record, const FunctionSpec& function) {
    const auto word = [&](std::size_t i) { return read_at<std::uint32_t>(record, i * 4).value_or(0); };
    return {.insn_index = insn_index(function, word(0)),
            .kind = static_cast<CoreKind>(word(3)),
            .type = word(1),
            .access = parsing.copy(parsing.spec.btf->string(word(2)))};
}

void check_func_info(const FunctionSpec& function) {
    if (function.func_info.empty()) return;
    const auto insn_index = read_at<std::uint32_t>(function.func_info, 0);
    if (insn_index != 0) {
        fail("section .BTF.ext: func_info of function '{}' begins at its instruction {}, not at 0", function.name,
             *insn_index);
    }
}

}  // namespace

void read_btf_ext(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section(".BTF.ext");
    if (section == nullptr || !parsing.spec.btf || parsing.spec.functions.empty()) return;
    const auto ext = btf::BtfExt::parse(section->data, *parsing.spec.btf, "section .BTF.ext");
    for_each_run(parsing, ext.func_info, "func_info", [&](FunctionSpec& function, ByteView records) {
        function.func_info_rec_size = ext.func_info.record_size;
        append_records(function.func_info, records, ext.func_info.record_size, function);
    });
    for_each_run(parsing, ext.line_info, "line_info", [&](FunctionSpec& function, ByteView records) {
        function.line_info_rec_size = ext.line_info.record_size;
        append_records(function.line_info, records, ext.line_info.record_size, function);
    });
    for_each_run(parsing, ext.core_relo, "core_relo", [&](FunctionSpec& function, ByteView records) {
        const std::size_t record_size = ext.core_relo.record_size;
        function.core_relocations.reserve(function.core_relocations.size() + records.size() / record_size);
        for (std::size_t at = 0; at < records.size(); at += record_size) {
            function.core_relocations.push_back(core_relocation(parsing, records.subspan(at, record_size), function));
        }
    });
    for (FunctionSpec& function : parsing.spec.functions) {
        check_func_info(function);
        std::ranges::stable_sort(function.core_relocations, {}, &CoreRelocation::insn_index);
    }
}

}  // namespace minibpf::parsing
