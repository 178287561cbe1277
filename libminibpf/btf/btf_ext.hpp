// .BTF.ext: what ties instructions to types, to source lines and to CO-RE accesses (Documentation/bpf/btf.rst, section
// 3).
//
//     header | func_info  : rec_size | section name, count, records... | section name, count, records... |
//            | line_info  : rec_size | ...
//            | core_relo  : rec_size | ...   (absent in old headers)
//
// The records of a section are kept raw (their size is in the table, newer compilers may make them longer); the first
// word of each is the byte offset of an instruction in the ELF section.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

struct ExtSection {
    std::string_view section_name;  ///< the ELF section that the records speak of
    ByteView records;               ///< count * record_size bytes
};

struct ExtTable {
    std::uint32_t record_size = 0;  ///< bytes; 0: the table is absent
    std::vector<ExtSection> sections;
};

struct BtfExt {
    ExtTable func_info;  ///< records: bpf_func_info { insn_off, type_id }
    ExtTable line_info;  ///< records: bpf_line_info { insn_off, file_name_off, line_off, line_col }
    ExtTable core_relo;  ///< records: bpf_core_relo { insn_off, type_id, access_str_off, kind }

    /// Borrows `raw`; section names point into `btf`. Throws Error naming the table and offset at fault.
    static BtfExt parse(ByteView raw, const Btf& btf, std::string_view where);
};

}  // namespace minibpf::btf
