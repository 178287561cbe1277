// Asking the verifier why.
//
// The kernel writes the log into a buffer of ours. When it is too small, BPF_PROG_LOAD fails with ENOSPC whatever else
// was wrong, and what was written is only a part: before 6.4 the beginning, since then the end (kernel/bpf/log.c). So
// the buffer grows until the answer is another one. Each attempt verifies the program once more, which for one that was
// refused as too large (E2BIG) takes seconds and fills tens of megabytes: for those the buffer is large from the start.
#include <libminibpf/load/verifier_log.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace minibpf {

namespace {

constexpr std::size_t first_log_size = 64 * 1024;
constexpr std::size_t log_size_for_large = 256 * 1024 * 1024;
constexpr std::size_t largest_log_size = 0xffffffffu >> 2;  // bpf_verifier_log_attr_valid(): UINT_MAX >> 2

template <class Call>
LoggedAnswer enter_growing(KernelGate& gate, Call call, std::size_t first_size) {
    const char* why = "asked again with a log buffer, to learn why it was refused";
    if (call.log_level != 0) why = "the verifier checks it, and writes down what it sees";
    call.log_level = std::max(call.log_level, 1u);
    for (std::size_t size = first_size;; size = std::min(size * 16, largest_log_size)) {
        // Not zeroed: the kernel ends what it writes with NUL, and pages that it does not touch cost nothing.
        const std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(size);
        buffer[0] = '\0';
        call.log = std::span(buffer.get(), size);
        const Answer answer = gate.enter(call, why);
        if (answer.error == ENOSPC && size < largest_log_size) continue;
        const std::string_view written(buffer.get(), size);
        return {.answer = answer, .log = std::string(written.substr(0, written.find('\0')))};
    }
}

struct KnownComplaint {
    std::string_view words;  // of the verifier
    std::string_view hint;
};

constexpr std::array<KnownComplaint, 16> known_complaints = {{
    {"from non-GPL compatible program",
     "this helper is for GPL programs only: write char LICENSE[] SEC(\"license\") = \"Dual MIT/GPL\";"},
    {"invalid mem access 'map_value_or_null'",
     "check the pointer that bpf_map_lookup_elem() returned against NULL before using it"},
    {"invalid mem access 'scalar'",
     "this is a number for the verifier, not a pointer: read kernel memory with bpf_probe_read_kernel()"},
    {"R0 !read_ok", "the program ends without a return value: return 0"},
    {"invalid access to map value", "the index may lie outside the map's value: check it against the size first"},
    {"invalid access to packet", "compare with data_end before reading the packet"},
    {"pointer arithmetic on pkt_end prohibited", "data_end is for comparing with: move a copy of data instead"},
    {"expected=map_ptr", "this helper wants a map here: give it the address of a variable in SEC(\".maps\")"},
    {"invalid write to stack", "this writes beyond the local variable: give the size that it has"},
    {"invalid indirect access to stack", "this is beyond the local variable: give the size that it has"},
    {"infinite loop detected", "the verifier cannot see that the loop ends: give it a constant bound"},
    {"cannot use helper", "this helper is not for programs of this type"},
    {"invalid func unknown", "this kernel has no helper of that number"},
    {"invalid bpf_context access", "this program type may not read that part of its context"},
    {"unknown func", "this kernel, or this program type, does not have that helper"},
    {"BPF program is too large", "the verifier gave up after 1,000,000 steps: fewer or shorter loops"},
}};

}  // namespace

LoggedAnswer enter_with_log(KernelGate& gate, ProgLoad call, int refusal) {
    return enter_growing(gate, std::move(call), refusal == E2BIG ? log_size_for_large : first_log_size);
}

LoggedAnswer enter_with_log(KernelGate& gate, BtfLoad call) {
    return enter_growing(gate, call, first_log_size);
}

std::optional<UnknownCall> last_unknown_call(std::string_view log) {
    constexpr std::string_view words = "(85) call unknown#";
    const std::size_t at = log.rfind(words);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t line = log.rfind('\n', at);
    const std::size_t begin = line == std::string_view::npos ? 0 : line + 1;
    UnknownCall call;
    const auto read = [&](std::size_t from, auto& number) {
        return std::from_chars(log.data() + from, log.data() + log.size(), number).ec == std::errc();
    };
    if (!read(begin, call.insn_index) || !read(at + words.size(), call.number)) return std::nullopt;
    return call;
}

std::string verifier_hint(std::string_view log, const ObjectSpec& object) {
    // The complaint stands in the last lines; before them the log quotes the program's own source.
    constexpr std::size_t last_words = 1024;
    log.remove_prefix(log.size() - std::min(log.size(), last_words));
    for (const KnownComplaint& complaint : known_complaints) {
        if (log.find(complaint.words) == std::string_view::npos) continue;
        if (complaint.words.find("GPL") != std::string_view::npos && !object.has_license) {
            return fmt::format("{} has no section \"license\"; {}", object.file_name, complaint.hint);
        }
        return std::string(complaint.hint);
    }
    return {};
}

}  // namespace minibpf
