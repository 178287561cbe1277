// struct_ops: a table of functions that the kernel calls, for instance a TCP congestion control. The table is a
// variable whose members name programs:
//
//     SEC("struct_ops/init") void BPF_PROG(dctcp_init, struct sock *sk) { ... }
//
//     SEC(".struct_ops")                     or ".struct_ops.link", to be attached by a link (Linux 6.4)
//     struct tcp_congestion_ops dctcp = {    the map dctcp, of type BPF_MAP_TYPE_STRUCT_OPS
//         .init = (void *)dctcp_init,        a relocation record at the member's offset
//         .name = "bpf_dctcp",
//     };
//
// Where the members lie in the running kernel's struct is found when the object is loaded (load/struct_ops.cpp).
#include <libminibpf/object/parsing.hpp>

#include <libminibpf/object/uapi.hpp>

namespace minibpf::parsing {

namespace {

struct StructOpsSection {
    bool matches = false;
    bool has_link = false;
    bool optional = false;
};

StructOpsSection struct_ops_section(std::string_view name) noexcept {
    const bool optional = name.starts_with('?');
    if (optional) name.remove_prefix(1);
    const bool has_link = name == ".struct_ops.link";
    return {.matches = has_link || name == ".struct_ops", .has_link = has_link, .optional = optional};
}

void read_section(Parsing& parsing, const elf::Section& section, const StructOpsSection& kind) {
    const Datasec* datasec = parsing.find_datasec(section.name);
    if (datasec == nullptr) {
        throw_malformed(fmt::format("section '{}': the object has no BTF to say what is in it", section.name),
                        "compile with clang -g, and strip with llvm-strip -g");
    }
    const btf::Btf& btf = *parsing.spec.btf;
    for (const btf::SectionVar& variable : btf.section_vars(btf.type(datasec->id))) {
        const btf::Type var = btf.type(variable.type);
        if (var.kind != btf::Kind::var) continue;
        const btf::Type type = btf.stripped(var.target());
        if (type.kind != btf::Kind::struct_ || type.name.empty()) {
            fail("section '{}': variable '{}' is {}, not a struct with a name", section.name, var.name,
                 btf::kind_name(type.kind));
        }
        const auto contents = slice(section.data, variable.offset, type.size());
        if (!contents) {
            fail("section '{}': variable '{}' ({} bytes at offset {}) reaches outside it ({} bytes)", section.name,
                 var.name, type.size(), variable.offset, section.data.size());
        }
        parsing.spend(contents->size());
        parsing.spec.maps.push_back({.name = parsing.copy(var.name),
                                     .kernel_name = kernel_object_name(var.name),
                                     .origin = MapOrigin::struct_ops,
                                     .type = BPF_MAP_TYPE_STRUCT_OPS,
                                     .key_size = 4,
                                     .value_size = type.size(),
                                     .max_entries = 1,
                                     .map_flags = kind.has_link ? uapi::BPF_F_LINK : 0,
                                     .btf_value_type_id = type.id,
                                     .initial = Bytes(contents->begin(), contents->end()),
                                     .optional = kind.optional});
        parsing.map_places.push_back(
            {.place = {.section = section.index, .offset = variable.offset}, .size = type.size()});
    }
}

}  // namespace

void read_struct_ops(Parsing& parsing) {
    for (const elf::Section& section : parsing.elf.sections()) {
        const StructOpsSection kind = struct_ops_section(section.name);
        if (kind.matches && section.size > 0) read_section(parsing, section, kind);
    }
}

}  // namespace minibpf::parsing
