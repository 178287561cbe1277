// Any bytes as a BPF object: an ObjectSpec or an Error. What comes out is looked at: each instruction is disassembled,
// and each reference must be to something that exists.
#include <libminibpf/base/error.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <libminibpf/object/object_spec.hpp>
#include <libminibpf/object/uapi.hpp>

#include <cstdlib>

using namespace minibpf;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// An arena's variables lie in its pages and not in a value; a spec does not say how far their section reaches.
bool lies_in(const MapSpec& map, std::uint64_t offset, std::uint64_t size) {
    return std::uint32_t{map.type} == uapi::BPF_MAP_TYPE_ARENA || offset + size <= map.value_size;
}

void look_at(const ObjectSpec& object, const InsnRelocation& relocation) {
    if (const auto* map = std::get_if<MapReference>(&relocation.target)) require(map->map < object.maps.size());
    if (const auto* function = std::get_if<FunctionReference>(&relocation.target)) {
        require(function->function < object.functions.size());
    }
    if (const auto* data = std::get_if<DataReference>(&relocation.target)) {
        require(data->map < object.maps.size() && lies_in(object.maps[data->map], data->offset, 1));
    }
}

void look_at(const ObjectSpec& object, const FunctionSpec& function) {
    const std::span<const bpf_insn> insns(function.insns);
    for (std::size_t i = 0; i < insns.size(); i += slot_count(insns[i])) {
        require(!disassemble(insns.subspan(i)).empty());
    }
    for (const InsnRelocation& relocation : function.relocations) {
        require(relocation.insn_index < insns.size());
        look_at(object, relocation);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    try {
        const ObjectSpec object = parse_object({reinterpret_cast<const std::byte*>(data), size}, "fuzz.o");
        for (const FunctionSpec& function : object.functions) look_at(object, function);
        for (const ProgramSpec& program : object.programs) require(program.function < object.functions.size());
        for (const VariableSpec& variable : object.variables) {
            require(variable.map < object.maps.size() &&
                    lies_in(object.maps[variable.map], variable.offset, variable.size));
        }
    } catch (const Error&) {
    }
    return 0;
}
