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

private:
    bool contains(std::size_t i, std::uint64_t offset) const {
        const FunctionSpec& function = functions_[i];
        return offset >= function.section_offset &&
               (offset - function.section_offset) / insn_size < function.insns.size();
    }

    const std::vector<FunctionSpec>& functions_;
    std::size_t first_ = 0;    ///< of the section entered
    std::size_t current_ = 0;  ///< found last
};

/// Calls `take(function, record, insn_index)` for every record of the table that is about a function of the object.
template <class Take>
void for_each_record(Parsing& parsing, const btf::ExtTable& table, std::string_view table_name, Take take) {
    FunctionFinder finder(parsing.spec);
    for (const btf::ExtSection& section : table.sections) {
        if (!finder.enter_section(section.section_name)) continue;
        for (std::size_t at = 0; at + table.record_size <= section.records.size(); at += table.record_size) {
            const ByteView record = section.records.subspan(at, table.record_size);
            const std::uint32_t offset = read_at<std::uint32_t>(record, 0).value_or(0);
            if (offset % insn_size != 0) {
                fail("section .BTF.ext, {}: offset {} of section '{}' is not the beginning of an instruction",
                     table_name, offset, section.section_name);
            }
            const auto function = finder.find(offset);
            if (!function) continue;
            FunctionSpec& spec = parsing.spec.functions[*function];
            take(spec, record, static_cast<std::uint32_t>((offset - spec.section_offset) / insn_size));
        }
    }
}

void append_record(Bytes& records, ByteView record, std::uint32_t insn_index) {
    const std::size_t at = records.size();
    constexpr std::size_t usual = 16;  // lines in a function
    if (records.capacity() - at < record.size()) records.reserve(std::max(2 * at, usual * record.size()));
    records.insert(records.end(), record.begin(), record.end());
    std::memcpy(records.data() + at, &insn_index, sizeof(insn_index));
}

// struct bpf_core_relo: insn_off, type_id, access_str_off, kind
CoreRelocation core_relocation(Parsing& parsing, ByteView record, std::uint32_t insn_index) {
    const auto word = [&](std::size_t i) { return read_at<std::uint32_t>(record, i * 4).value_or(0); };
    return {.insn_index = insn_index,
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
    for_each_record(parsing, ext.func_info, "func_info",
                    [&](FunctionSpec& function, ByteView record, std::uint32_t insn_index) {
                        function.func_info_rec_size = ext.func_info.record_size;
                        append_record(function.func_info, record, insn_index);
                    });
    for_each_record(parsing, ext.line_info, "line_info",
                    [&](FunctionSpec& function, ByteView record, std::uint32_t insn_index) {
                        function.line_info_rec_size = ext.line_info.record_size;
                        append_record(function.line_info, record, insn_index);
                    });
    for_each_record(parsing, ext.core_relo, "core_relo",
                    [&](FunctionSpec& function, ByteView record, std::uint32_t insn_index) {
                        function.core_relocations.push_back(core_relocation(parsing, record, insn_index));
                    });
    for (FunctionSpec& function : parsing.spec.functions) {
        check_func_info(function);
        std::ranges::stable_sort(function.core_relocations, {}, &CoreRelocation::insn_index);
    }
}

}  // namespace minibpf::parsing
