// A small constant propagation over straight runs of instructions: enough to see what r1 holds at `call
// bpf_trace_printk`.
//
// Registers hold a number, an address on the stack or an address in a data section; stack bytes hold what was stored
// when that was a constant. At every place that a jump leads to all is forgotten: a wrong guess would hide lines.
#include <libminibpf/object/printk_formats.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <variant>

#include <libminibpf/insn/disassembler.hpp>

namespace minibpf {

namespace {

constexpr int trace_printk = 6;  // helper numbers, include/uapi/linux/bpf.h
constexpr int trace_vprintk = 177;

struct StackAddress {
    std::int64_t offset = 0;  ///< from r10, negative
};
using Value = std::variant<std::monostate, std::int64_t, StackAddress, DataReference>;

class Tracker {
public:
    Tracker(const ObjectSpec& object, const FunctionSpec& function) : object_(object), function_(function) {
        for (const InsnRelocation& relocation : function.relocations) relocations_[relocation.insn_index] = &relocation;
        find_jump_targets();
        forget_all();
    }

    void collect(PrintkFormats& found) {
        for (std::size_t i = 0; i < function_.insns.size(); i += slot_count(function_.insns[i])) {
            if (jump_targets_.contains(i)) forget_all();
            const bpf_insn& insn = function_.insns[i];
            if (insn.code == (BPF_JMP | BPF_CALL) && insn.src_reg == 0 &&
                (insn.imm == trace_printk || insn.imm == trace_vprintk)) {
                note_call(found);
            }
            step(i, insn);
        }
    }

private:
    void forget_all() {
        registers_.fill(std::monostate{});
        registers_[BPF_REG_10] = StackAddress{};
        stack_.clear();
    }

    void find_jump_targets() {
        for (std::size_t i = 0; i < function_.insns.size(); i += slot_count(function_.insns[i])) {
            const bpf_insn& insn = function_.insns[i];
            const auto jump_class = BPF_CLASS(insn.code);
            if (jump_class != BPF_JMP && jump_class != BPF_JMP32) continue;
            if (BPF_OP(insn.code) == BPF_CALL || BPF_OP(insn.code) == BPF_EXIT) continue;
            const bool is_long = insn.code == (BPF_JMP32 | BPF_JA);  // gotol: the distance is in imm
            jump_targets_.insert(i + 1 + static_cast<std::size_t>(is_long ? insn.imm : insn.off));
        }
    }

    void step(std::size_t index, const bpf_insn& insn) {
        switch (BPF_CLASS(insn.code)) {
            case BPF_ALU64: registers_[insn.dst_reg % registers_.size()] = after_alu(insn); break;
            case BPF_ALU: registers_[insn.dst_reg % registers_.size()] = after_alu32(insn); break;
            case BPF_LD: registers_[insn.dst_reg % registers_.size()] = after_load_constant(index, insn); break;
            case BPF_LDX: registers_[insn.dst_reg % registers_.size()] = std::monostate{}; break;
            case BPF_ST: store(insn, Value(std::int64_t{insn.imm})); break;
            case BPF_STX: store_register(insn); break;
            default: after_jump(insn);
        }
    }

    Value after_alu(const bpf_insn& insn) const {
        const Value& before = registers_[insn.dst_reg % registers_.size()];
        const Value operand =
            BPF_SRC(insn.code) == BPF_K ? Value(std::int64_t{insn.imm}) : registers_[insn.src_reg % registers_.size()];
        if (BPF_OP(insn.code) == BPF_MOV && insn.off == 0) return operand;
        const auto* number = std::get_if<std::int64_t>(&operand);
        if (BPF_OP(insn.code) != BPF_ADD || number == nullptr) return {};
        if (const auto* address = std::get_if<StackAddress>(&before)) return moved(*address, *number);
        if (const auto* data = std::get_if<DataReference>(&before)) {
            return DataReference{.map = data->map, .offset = data->offset + static_cast<std::uint32_t>(*number)};
        }
        return {};
    }

    // The stack has 512 bytes (MAX_BPF_STACK); an address outside it is the verifier's business.
    static Value moved(const StackAddress& address, std::int64_t distance) {
        constexpr std::int64_t stack_size = 512;
        if (distance < -stack_size || distance > stack_size) return {};
        const std::int64_t offset = address.offset + distance;
        return offset < -stack_size || offset > 0 ? Value() : Value(StackAddress{offset});
    }

    Value after_alu32(const bpf_insn& insn) const {
        if (BPF_OP(insn.code) != BPF_MOV || BPF_SRC(insn.code) != BPF_K) return {};
        return std::int64_t{static_cast<std::uint32_t>(insn.imm)};
    }

    Value after_load_constant(std::size_t index, const bpf_insn& insn) const {
        if (slot_count(insn) != 2 || index + 1 >= function_.insns.size()) return {};
        const auto relocation = relocations_.find(static_cast<std::uint32_t>(index));
        if (relocation != relocations_.end()) {
            const auto* data = std::get_if<DataReference>(&relocation->second->target);
            return data == nullptr ? Value() : Value(*data);
        }
        const auto low = static_cast<std::uint32_t>(insn.imm);
        const auto high = static_cast<std::uint32_t>(function_.insns[index + 1].imm);
        return static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
    }

    void store(const bpf_insn& insn, const Value& value) {
        constexpr std::array sizes = {4, 2, 1, 8};  // BPF_W, BPF_H, BPF_B, BPF_DW
        const int size = sizes[BPF_SIZE(insn.code) >> 3];
        const auto* address = std::get_if<StackAddress>(&registers_[insn.dst_reg % registers_.size()]);
        if (address == nullptr) return;
        const auto* number = std::get_if<std::int64_t>(&value);
        for (int i = 0; i < size; ++i) {
            const std::int64_t at = address->offset + insn.off + i;
            if (number == nullptr) {
                stack_.erase(at);
            } else {
                stack_[at] = static_cast<char>(static_cast<std::uint64_t>(*number) >> (8 * i));
            }
        }
    }

    // Atomics bring the old value back into the source register, compare-and-exchange into r0.
    void store_register(const bpf_insn& insn) {
        Value& source = registers_[insn.src_reg % registers_.size()];
        const bool is_atomic = BPF_MODE(insn.code) != BPF_MEM;
        store(insn, is_atomic ? Value() : source);
        if (is_atomic) source = registers_[BPF_REG_0] = std::monostate{};
    }

    void after_jump(const bpf_insn& insn) {
        if (insn.code != (BPF_JMP | BPF_CALL)) return;
        // A call may write through any pointer that it is given, but the formats' bytes are seldom handed to others.
        for (std::size_t i = BPF_REG_0; i <= BPF_REG_5; ++i) registers_[i] = std::monostate{};
    }

    void note_call(PrintkFormats& found) const {
        const std::optional<std::string> format = text_at(registers_[BPF_REG_1]);
        if (!format) {
            found.complete = false;
        } else if (std::find(found.formats.begin(), found.formats.end(), *format) == found.formats.end()) {
            found.formats.push_back(*format);
        }
    }

    std::optional<std::string> text_at(const Value& value) const {
        if (const auto* data = std::get_if<DataReference>(&value)) {
            const MapSpec& map = object_.maps.at(data->map);
            const std::optional<std::string_view> text =
                map.read_only ? string_at(map.initial, data->offset) : std::nullopt;
            return text ? std::optional<std::string>(*text) : std::nullopt;
        }
        const auto* address = std::get_if<StackAddress>(&value);
        if (address == nullptr) return std::nullopt;
        std::string text;
        for (auto byte = stack_.find(address->offset); byte != stack_.end(); byte = stack_.find(byte->first + 1)) {
            if (byte->second == '\0') return text;
            text += byte->second;
        }
        return std::nullopt;
    }

    const ObjectSpec& object_;
    const FunctionSpec& function_;
    std::map<std::uint32_t, const InsnRelocation*> relocations_;
    std::set<std::size_t> jump_targets_;
    std::array<Value, 11> registers_;
    std::map<std::int64_t, char> stack_;
};

// A conversion: % flags width .precision length letter; %p may be followed by letters (%pI4, %pK).
std::size_t conversion_length(std::string_view format, std::size_t at) {
    std::size_t end = at + 1;
    while (end < format.size() && std::string_view("-+ #0123456789.*lhzjt").find(format[end]) != std::string_view::npos)
        ++end;
    if (end == format.size()) return end - at;
    const bool pointer = format[end++] == 'p';
    while (pointer && end < format.size() && std::isalnum(static_cast<unsigned char>(format[end])) != 0) ++end;
    return end - at;
}

// The text around the conversions: "Syscall: %d!" -> "Syscall: ", "!".
std::vector<std::string> literal_parts(std::string_view format) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < format.size();) {
        if (format[i] == '%' && i + 1 < format.size() && format[i + 1] != '%') {
            i += conversion_length(format, i);
            parts.emplace_back();
        } else {
            i += format[i] == '%' ? 2 : 1;
            parts.back() += format[i - 1];
        }
    }
    return parts;
}

}  // namespace

PrintkFormats printk_formats(const ObjectSpec& object) {
    std::vector<std::size_t> all(object.functions.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return printk_formats(object, all);
}

PrintkFormats printk_formats(const ObjectSpec& object, std::span<const std::size_t> functions) {
    PrintkFormats found;
    for (std::size_t function : functions) Tracker(object, object.functions.at(function)).collect(found);
    return found;
}

bool matches_format(std::string_view message, std::string_view format) {
    format = format.substr(0, format.find('\n'));  // the rest comes in lines of its own
    const std::vector<std::string> parts = literal_parts(format);
    if (!message.starts_with(parts.front())) return false;
    if (parts.size() == 1) return message == parts.front();
    message.remove_prefix(parts.front().size());
    for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
        const std::size_t found = message.find(parts[i]);
        if (found == std::string_view::npos) return false;
        message.remove_prefix(found + parts[i].size());
    }
    return message.ends_with(parts.back());
}

}  // namespace minibpf
