// Externs: what an object uses and the kernel has to have. They are symbols without a section; BTF says what they are.
//
//     extern int CONFIG_HZ __kconfig;                     DATASEC .kconfig   a kernel option, written into a map
//     extern const void __per_cpu_start __ksym;           DATASEC .ksyms     the address of a kernel symbol
//     extern const struct rq runqueues __ksym;            DATASEC .ksyms     a kernel variable with its type
//     extern void bpf_rcu_read_lock(void) __ksym;         DATASEC .ksyms     a kernel function that programs may call
//
// The variables of .kconfig are laid out here, as an array map of one element that the loader fills. The order of all
// is libbpf's, so that the same object gives the same map and the same instructions.
//
// The kernel takes neither extern variables nor functions in a DATASEC. So in the BTF that it is given, the variables
// become ordinary ones and the functions an int named dummy_ksym, which is what libbpf tells it too.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include <elf.h>

namespace minibpf::parsing {

namespace {

constexpr std::uint32_t int_bytes = 4;

[[noreturn]] void fail_kconfig(const ExternSpec& external) {
    throw_malformed(
        fmt::format("extern '{}' (.kconfig): a kernel option cannot be written into such a type", external.name),
        "declare it bool, char, an integer, enum libbpf_tristate, or an array of char");
}

/// The type and the size of a .kconfig variable, from its C type.
void read_kconfig_type(const btf::Btf& btf, ExternSpec& external) {
    const btf::Type type = btf.stripped(external.type);
    external.size = static_cast<std::uint32_t>(btf.size_of(type.id).value_or(0));
    switch (type.kind) {
        case btf::Kind::int_: {
            const btf::IntEncoding encoding = btf.int_encoding(type);
            external.is_signed = encoding.is_signed;
            if (encoding.is_bool && type.size() == 1) {
                external.value_type = KconfigType::boolean;
            } else if (type.size() == 1) {
                external.value_type = KconfigType::character;
            } else if (type.size() == 2 || type.size() == 4 || type.size() == 8) {
                external.value_type = KconfigType::integer;
            } else {
                fail_kconfig(external);
            }
            return;
        }
        case btf::Kind::enum_:
            if (type.size() != int_bytes || type.name != "libbpf_tristate") fail_kconfig(external);
            external.value_type = KconfigType::tristate;
            return;
        case btf::Kind::enum64:
            if (type.name != "libbpf_tristate" || (type.size() != 8 && type.size() != int_bytes))
                fail_kconfig(external);
            external.value_type = KconfigType::tristate;
            return;
        case btf::Kind::array: {
            const btf::ArrayInfo array = btf.array(type);
            const btf::Type element = btf.stripped(array.element);
            if (array.count == 0 || element.kind != btf::Kind::int_ || element.size() != 1) fail_kconfig(external);
            external.value_type = KconfigType::string;
            return;
        }
        default: fail_kconfig(external);
    }
}

std::uint32_t alignment_of(const ExternSpec& external) noexcept {
    return external.value_type == KconfigType::string ? 1 : external.size;
}

/// What the DATASECs .kconfig and .ksyms declare, by name.
struct Declaration {
    std::string_view name;
    btf::TypeId type = 0;
    bool is_kconfig = false;
};

std::vector<Declaration> declarations(const Parsing& parsing) {
    std::vector<Declaration> declared;
    for (const Datasec& datasec : parsing.datasecs) {
        const bool is_kconfig = datasec.name == ".kconfig";
        if (!is_kconfig && datasec.name != ".ksyms") continue;
        const btf::Btf& btf = *parsing.spec.btf;
        for (const btf::SectionVar& variable : btf.section_vars(btf.type(datasec.id))) {
            declared.push_back({.name = btf.type(variable.type).name, .type = variable.type, .is_kconfig = is_kconfig});
        }
    }
    std::ranges::stable_sort(declared, {}, &Declaration::name);
    return declared;
}

ExternSpec make_extern(const btf::Btf& btf, const elf::Symbol& symbol, const Declaration& declaration) {
    ExternSpec external{.name = std::string(symbol.name), .is_weak = symbol.bind == STB_WEAK};
    const btf::Type declared = btf.type(declaration.type);
    if (declared.kind == btf::Kind::func) {
        if (declaration.is_kconfig) fail("extern '{}' (.kconfig) is a function", symbol.name);
        external.kind = ExternKind::kfunc;
        external.type = declared.id;
        return external;
    }
    if (declared.kind != btf::Kind::var) {
        fail("extern '{}': BTF type {} is {}, neither a variable nor a function", symbol.name, declared.id,
             btf::kind_name(declared.kind));
    }
    external.type = declared.target();
    if (declaration.is_kconfig) {
        external.kind = ExternKind::kconfig;
        read_kconfig_type(btf, external);
    } else {
        const bool has_type = btf.stripped(external.type).kind != btf::Kind::void_;
        external.kind = has_type ? ExternKind::ksym_variable : ExternKind::ksym_address;
    }
    return external;
}

struct FoundExtern {
    ExternSpec external;
    std::uint32_t symbol = 0;
};

/// libbpf's order: the .kconfig variables, the largest alignment first, then the symbols of the kernel by name.
/// Programs carry it: in the numbers of calls to functions that the kernel lacks, and of the modules that they call
/// into.
void sort_as_libbpf(std::vector<FoundExtern>& found) {
    const auto rank = [](const ExternSpec& external) {
        const bool is_kconfig = external.kind == ExternKind::kconfig;
        return std::tuple(!is_kconfig, is_kconfig ? -std::int64_t{alignment_of(external)} : 0,
                          is_kconfig ? external.size : 0, std::string_view(external.name));
    };
    std::ranges::sort(found, {}, [&](const FoundExtern& one) { return rank(one.external); });
}

/// Gives the .kconfig variables their offsets, and answers how many bytes they take together.
std::uint32_t lay_out_kconfig(std::vector<ExternSpec>& externs) {
    std::uint64_t end = 0;
    constexpr std::uint64_t most_bytes = 0x7fffffff;  // array_map_alloc_check(): INT_MAX
    for (ExternSpec& external : externs) {
        if (external.kind != ExternKind::kconfig) continue;
        const std::uint64_t alignment = alignment_of(external);
        end = (end + alignment - 1) / alignment * alignment;
        external.offset = static_cast<std::uint32_t>(end);
        end += external.size;
        if (end > most_bytes) fail("extern '{}' (.kconfig): {} bytes are too many", external.name, external.size);
    }
    return static_cast<std::uint32_t>(end);
}

std::optional<std::size_t> add_kconfig_map(Parsing& parsing, std::uint32_t size) {
    if (size == 0) return std::nullopt;
    const Datasec* datasec = parsing.find_datasec(".kconfig");
    MapSpec map{.name = ".kconfig",
                .kernel_name = data_map_kernel_name(parsing.spec.name, ".kconfig"),
                .origin = MapOrigin::kconfig,
                .type = BPF_MAP_TYPE_ARRAY,
                .key_size = 4,
                .value_size = size,
                .max_entries = 1,
                .map_flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
                .btf_value_type_id = datasec == nullptr ? 0 : datasec->id,
                .read_only = true};
    parsing.spec.maps.push_back(std::move(map));
    parsing.map_places.push_back({.whole_section = true});  // of section 0: no symbol lies there
    return parsing.spec.maps.size() - 1;
}

// --- the BTF that the kernel is given

btf::TypeId find_int(btf::Btf& btf) {
    for (btf::TypeId id = 1; id <= btf.last_id(); ++id) {
        const btf::Type type = btf.type(id);
        if (type.kind == btf::Kind::int_ && type.size() == int_bytes && btf.int_encoding(type).bits == 32) return id;
    }
    const std::uint32_t encoding = BTF_INT_SIGNED << 24 | 32;
    return btf.add_type(btf.add_string("int"), btf::Kind::int_, 0, int_bytes, bytes_of(encoding));
}

void make_allocated(btf::Btf& btf, btf::TypeId var) {
    const std::uint32_t linkage = BTF_VAR_GLOBAL_ALLOCATED;
    std::memcpy(btf.payload(var).data(), &linkage, sizeof linkage);
}

void set_section_var(btf::Btf& btf, btf::TypeId datasec, std::uint32_t index, const btf_var_secinfo& entry) {
    std::memcpy(btf.payload(datasec).data() + index * sizeof entry, &entry, sizeof entry);
}

void complete_kconfig(Parsing& parsing, btf::TypeId datasec, std::uint32_t size) {
    btf::Btf& btf = *parsing.spec.btf;
    const auto vars = btf.section_vars(btf.type(datasec));
    for (std::uint32_t i = 0; i < vars.size(); ++i) {
        const btf::Type var = btf.type(vars[i].type);
        if (var.kind != btf::Kind::var) continue;
        const auto external = std::ranges::find(parsing.spec.externs, var.name, &ExternSpec::name);
        if (external == parsing.spec.externs.end()) continue;
        make_allocated(btf, var.id);
        set_section_var(btf, datasec, i, {.type = var.id, .offset = external->offset, .size = external->size});
    }
    btf.set_datasec_size(datasec, size);
    btf.sort_section_vars(datasec);
}

// A function's parameters need names too (btf_func_check()), which clang gives to definitions only.
void complete_function(btf::Btf& btf, const btf::Type& function, std::uint32_t parameter_name) {
    btf.set_kind(function.id, btf::Kind::func, BTF_FUNC_GLOBAL);
    const btf::Type prototype = btf.type(function.target());
    if (prototype.kind != btf::Kind::func_proto) return;
    const std::span<std::byte> params = btf.payload(prototype.id);
    for (std::size_t at = 0; at + sizeof(btf_param) <= params.size(); at += sizeof(btf_param)) {
        btf_param param;
        std::memcpy(&param, params.data() + at, sizeof param);
        if (param.type != 0 && param.name_off == 0) param.name_off = parameter_name;
        std::memcpy(params.data() + at, &param, sizeof param);
    }
}

void complete_ksyms(btf::Btf& btf, btf::TypeId datasec) {
    const auto vars = btf.section_vars(btf.type(datasec));
    const btf::TypeId int_type = find_int(btf);
    btf::TypeId dummy = 0;
    std::uint32_t dummy_name = 0;
    std::uint32_t offset = 0;
    for (std::uint32_t i = 0; i < vars.size(); ++i, offset += int_bytes) {
        const btf::Type declared = btf.type(vars[i].type);
        btf::TypeId entry = declared.id;
        if (declared.kind == btf::Kind::func) {
            if (dummy == 0) {
                dummy_name = btf.add_string("dummy_ksym");
                const std::uint32_t linkage = BTF_VAR_GLOBAL_ALLOCATED;
                dummy = btf.add_type(dummy_name, btf::Kind::var, 0, int_type, bytes_of(linkage));
            }
            complete_function(btf, declared, dummy_name);
            entry = dummy;
        } else if (declared.kind == btf::Kind::var) {
            make_allocated(btf, declared.id);
            btf.set_size_or_type(declared.id, int_type);
        }
        set_section_var(btf, datasec, i, {.type = entry, .offset = offset, .size = int_bytes});
    }
    btf.set_datasec_size(datasec, offset);
}

}  // namespace

void read_externs(Parsing& parsing) {
    if (!parsing.spec.btf) return;
    const std::vector<Declaration> declared = declarations(parsing);
    if (declared.empty()) return;
    ObjectSpec& spec = parsing.spec;
    std::vector<FoundExtern> externs;
    for (const elf::Symbol& symbol : parsing.elf.symbols()) {
        if (symbol.section != SHN_UNDEF || symbol.name.empty() || symbol.bind == STB_LOCAL) continue;
        const auto found = std::ranges::lower_bound(declared, symbol.name, {}, &Declaration::name);
        if (found == declared.end() || found->name != symbol.name) continue;
        parsing.spend(symbol.name.size());
        externs.push_back({.external = make_extern(*spec.btf, symbol, *found), .symbol = symbol.index});
    }
    sort_as_libbpf(externs);
    for (FoundExtern& found : externs) spec.externs.push_back(std::move(found.external));
    const std::uint32_t kconfig_size = lay_out_kconfig(spec.externs);
    const auto kconfig = add_kconfig_map(parsing, kconfig_size);
    for (std::size_t i = 0; i < spec.externs.size(); ++i) {
        ExternSymbol symbol{.symbol = externs[i].symbol, .target = ExternReference{i}};
        if (spec.externs[i].kind == ExternKind::kconfig) {
            symbol.target = DataReference{.map = *kconfig, .offset = spec.externs[i].offset};
        }
        parsing.extern_symbols.push_back(symbol);
    }
    std::ranges::sort(parsing.extern_symbols, {}, &ExternSymbol::symbol);
    for (const Datasec& datasec : parsing.datasecs) {
        if (datasec.name == ".kconfig") complete_kconfig(parsing, datasec.id, kconfig_size);
        if (datasec.name == ".ksyms") complete_ksyms(*spec.btf, datasec.id);
    }
}

}  // namespace minibpf::parsing
