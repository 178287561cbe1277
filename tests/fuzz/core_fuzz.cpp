// CO-RE with hostile types on both sides: whatever the object and the kernel say of theirs, the end is an Error or
// relocated instructions.
//
//     input:  size of the object's BTF (u16) | BTF | size of the kernel's BTF (u16) | BTF
//             | relocations of 16 bytes each: insn_index and kind (u8), length of the access (u8), instruction (u8),
//               type (u16), access (10 characters)
//
// The kernel's BTF is read once checked (as from a file) and once not (as the kernel's own).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <libminibpf/base/error.hpp>
#include <libminibpf/relocate/core.hpp>

using namespace minibpf;

namespace {

class OneKernel final : public CoreTargets {
public:
    explicit OneKernel(const btf::Btf& btf) : btf_(btf) {}

    std::vector<CoreCandidate> candidates(std::string_view name, btf::Kind kind) override {
        std::vector<CoreCandidate> found;
        for (const btf::TypeId id : btf_.find_essential(kind, name)) found.push_back({.btf = &btf_, .type = id});
        return found;
    }

private:
    const btf::Btf& btf_;
};

ByteView take_part(ByteView& input) {
    const auto size = std::min<std::size_t>(read_at<std::uint16_t>(input, 0).value_or(0),
                                            input.size() - std::min<std::size_t>(2, input.size()));
    const ByteView part = slice(input, 2, size).value_or(ByteView());
    input = input.subspan(std::min(input.size(), 2 + size));
    return part;
}

template <class Function>
void errors_are_fine(Function&& function) {
    try {
        function();
    } catch (const Error&) {
    }
}

// Four forms that take a number, and one that does not.
std::vector<bpf_insn> instruction(std::uint8_t form) {
    const auto number = static_cast<std::int16_t>(form >> 3);
    switch (form % 8) {
        case 0: return {{.code = BPF_LDX | BPF_MEM | BPF_W, .off = number}};
        case 1: return {{.code = BPF_STX | BPF_MEM | BPF_DW, .off = number}};
        case 2: return {{.code = BPF_LD | BPF_IMM | BPF_DW, .imm = number}, {}};
        case 3: return {{.code = BPF_LD | BPF_IMM | BPF_DW, .imm = number}};  // without its second slot
        case 4: return {{.code = BPF_JMP | BPF_JA}};
        default: return {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = number}};
    }
}

void add_relocation(ObjectSpec& object, ByteView record) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(record[at]); };
    FunctionSpec& function = object.functions.emplace_back();
    function.name = "main";
    function.insns = instruction(byte(3));
    const std::string_view text(reinterpret_cast<const char*>(record.data()) + 6, record.size() - 6);
    function.core_relocations.push_back({.insn_index = byte(0),
                                         .kind = static_cast<CoreKind>(byte(1)),
                                         .type = read_at<std::uint16_t>(record, 4).value_or(0),
                                         .access = std::string(text.substr(0, byte(2) % 11))});
}

void relocate_all(const ObjectSpec& object, const btf::Btf& kernel) {
    OneKernel targets(kernel);
    CoreRelocator relocator(object, targets);
    for (std::size_t i = 0; i < object.functions.size(); ++i) {
        errors_are_fine([&] {
            LinkedProgram linked = link_functions(object, {.name = "main", .function = i});
            for (const CoreChange& change : relocator.relocate(linked)) core_change_text(object, change);
        });
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t record_size = 16;
    ByteView rest(reinterpret_cast<const std::byte*>(data), size);
    const ByteView local = take_part(rest);
    const ByteView kernel = take_part(rest);
    ObjectSpec object;
    errors_are_fine([&] { object.btf = btf::Btf::parse(Bytes(local.begin(), local.end()), "object"); });
    if (!object.btf) return 0;
    for (; rest.size() >= record_size; rest = rest.subspan(record_size))
        add_relocation(object, rest.first(record_size));
    errors_are_fine([&] { relocate_all(object, btf::Btf::parse(Bytes(kernel.begin(), kernel.end()), "kernel")); });
    errors_are_fine([&] { relocate_all(object, btf::Btf::index(kernel, "kernel")); });
    return 0;
}
