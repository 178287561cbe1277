// A BPF object file to an ObjectSpec: the order of the steps, and the small sections (license, version). Each larger
// part has a file of its own, named after it; parsing.hpp lists them.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <cstring>

#include <libminibpf/insn/disassembler.hpp>

namespace minibpf {

namespace parsing {

const Datasec* Parsing::find_datasec(std::string_view name) const noexcept {
    for (const Datasec& datasec : datasecs) {
        if (datasec.name == name) return &datasec;
    }
    return nullptr;
}

std::optional<std::size_t> Parsing::function_at(Place place) const noexcept {
    const auto found = std::lower_bound(function_places.begin(), function_places.end(), place);
    if (found == function_places.end() || *found != place) return std::nullopt;
    return static_cast<std::size_t>(found - function_places.begin());
}

void Parsing::fail_copies() {
    fail("so many things in it share long names or contents that they would take more than {} times its size",
         most_copies);
}

}  // namespace parsing

namespace {

using parsing::fail;
using parsing::Parsing;

// "progs/hello.bpf.o" is the object "hello".
std::string object_name(std::string_view file_name) {
    const std::size_t slash = file_name.rfind('/');
    if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
    return std::string(file_name.substr(0, file_name.find('.')));
}

// char LICENSE[] SEC("license") = "GPL": the verifier asks for it when a program calls GPL-only helpers.
void read_license(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section("license");
    if (section == nullptr) return;
    const std::string_view text(reinterpret_cast<const char*>(section->data.data()), section->data.size());
    parsing.spec.has_license = true;
    parsing.spec.license = text.substr(0, text.find('\0'));
}

// __u32 version SEC("version") = LINUX_VERSION_CODE: kernels before 5.0 wanted it of kprobe programs.
void read_version(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section("version");
    if (section == nullptr) return;
    const auto version = read_at<std::uint32_t>(section->data, 0);
    if (!version) fail("section 'version': {} bytes instead of a 4-byte number", section->size);
    parsing.spec.kern_version = *version;
}

void warn_of_missing_license(ObjectSpec& spec) {
    if (spec.has_license || spec.programs.empty()) return;
    spec.warnings.push_back(
        "no section 'license': helpers that the kernel keeps for GPL programs, bpf_trace_printk among them, will be "
        "refused; "
        "add: char LICENSE[] SEC(\"license\") = \"GPL\";");
}

void read_everything(Parsing& parsing) {
    parsing.spec.maps.reserve(parsing.elf.sections().size());  // about right: most maps are data sections
    parsing.map_places.reserve(parsing.elf.sections().size());
    parsing.spec.variables.reserve(parsing.elf.symbols().size());
    convert_tables(parsing);
    read_license(parsing);
    read_version(parsing);
    read_object_btf(parsing);
    convert_variables(parsing);
    read_legacy_maps(parsing);
    read_btf_maps(parsing);
    read_data_sections(parsing);
    read_externs(parsing);
    read_struct_ops(parsing);
    read_functions(parsing);
    read_programs(parsing);
    read_relocations(parsing);
    read_map_slots(parsing);
    settle_programs(parsing);
    read_btf_ext(parsing);
    parsing::read_exception_callbacks(parsing.spec);
    parsing::make_hidden_functions_static(parsing.spec);
    warn_of_missing_license(parsing.spec);
}

}  // namespace

ObjectSpec parse_object(ByteView bytes, std::string_view file_name) {
    elf::ElfFile elf = elf::ElfFile::parse(bytes, file_name);
    ObjectSpec spec;
    spec.name = object_name(file_name);
    spec.file_name = file_name;
    spec.foreign_endian = !elf.is_native_endian();
    constexpr std::size_t small_file = 64 * 1024;
    Parsing parsing{.elf = elf, .spec = spec, .copies_left = small_file + parsing::most_copies * bytes.size()};
    try {
        read_everything(parsing);
    } catch (const Error& error) {
        throw error.within(std::string(file_name));
    }
    return spec;
}

ObjectSpec parse_raw_instructions(ByteView bytes, std::string_view file_name, const ProgramKind& kind,
                                  std::string_view license) {
    constexpr std::size_t most_insns = 1'000'000;  // BPF_COMPLEXITY_LIMIT_INSNS
    if (bytes.empty()) fail("{}: it is empty", file_name);
    if (bytes.size() % sizeof(bpf_insn) != 0) {
        fail("{}: {} bytes is no multiple of an instruction's {}", file_name, bytes.size(), sizeof(bpf_insn));
    }
    const std::size_t count = bytes.size() / sizeof(bpf_insn);
    if (count > most_insns) fail("{}: {} instructions; the kernel takes at most {}", file_name, count, most_insns);

    ObjectSpec spec;
    spec.name = object_name(file_name);
    spec.file_name = file_name;
    spec.has_license = !license.empty();
    spec.license = license;
    FunctionSpec function{.name = spec.name, .is_global = true};
    function.insns.resize(count);
    std::memcpy(function.insns.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < count; i += slot_count(function.insns[i])) {
        if (i + slot_count(function.insns[i]) > count) {
            fail("{}: it ends in the middle of instruction {}", file_name, i);
        }
    }
    spec.programs.push_back({.name = function.name, .section = {}, .kind = kind, .function = 0});
    spec.functions.push_back(std::move(function));
    return spec;
}

}  // namespace minibpf
