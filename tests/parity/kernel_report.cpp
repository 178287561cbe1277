// The facts: of a program its type, tag, names, BTF, records, and its instructions as the verifier left them; of a map
// its shape and, where the object says what is in it, its contents.
//
// What differs from one load to the next without meaning anything (ids, addresses) is replaced or left out, each with
// its reason below.
#include <tests/parity/kernel_report.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace minibpf::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

long bpf(bpf_cmd command, bpf_attr& attr) {
    return syscall(SYS_bpf, command, &attr, sizeof attr);
}

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

template <class Info>
Info info_of(int fd, Info info = {}) {
    bpf_attr attr{};
    attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
    attr.info.info_len = sizeof info;
    attr.info.info = address_of(&info);
    if (bpf(BPF_OBJ_GET_INFO_BY_FD, attr) != 0)
        throw std::runtime_error("BPF_OBJ_GET_INFO_BY_FD: errno " + std::to_string(errno));
    return info;
}

std::optional<Bytes> lookup(int fd, const Bytes& key, std::size_t value_size) {
    Bytes value(value_size);
    bpf_attr attr{};
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = address_of(key.data());
    attr.value = address_of(value.data());
    if (bpf(BPF_MAP_LOOKUP_ELEM, attr) != 0) return std::nullopt;
    return value;
}

std::optional<Bytes> key_after(int fd, const Bytes& key, std::size_t key_size) {
    Bytes next(key_size);
    bpf_attr attr{};
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = key.empty() ? 0 : address_of(key.data());
    attr.next_key = address_of(next.data());
    if (bpf(BPF_MAP_GET_NEXT_KEY, attr) != 0) return std::nullopt;
    return next;
}

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
    std::array<char, 512> buffer;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
    va_end(arguments);
    return buffer.data();
}

std::string hex(const std::uint8_t* bytes, std::size_t size) {
    std::string digits;
    for (std::size_t i = 0; i < size; ++i) digits += text("%02x", bytes[i]);
    return digits;
}

std::string hash(const void* bytes, std::size_t size) {
    std::uint64_t fnv = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < size; ++i) fnv = (fnv ^ static_cast<const std::uint8_t*>(bytes)[i]) * 0x100000001b3;
    return text("%016llx", static_cast<unsigned long long>(fnv));
}

std::string joined(const std::set<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
    return list;
}

bool is_frozen(int fd) {
    std::ifstream fdinfo("/proc/self/fdinfo/" + std::to_string(fd));
    for (std::string line; std::getline(fdinfo, line);) {
        if (line == "frozen:\t1") return true;
    }
    return false;
}

// Where this process has mapped the arena that has the address: "7f0012000000-7f0012100000 rw-s … anon_inode:bpf-map".
std::optional<std::uint64_t> arena_at(std::uint64_t address) {
    std::ifstream mappings("/proc/self/maps");
    for (std::string line; std::getline(mappings, line);) {
        unsigned long long begin = 0, end = 0;
        if (!line.ends_with("anon_inode:bpf-map") || std::sscanf(line.c_str(), "%llx-%llx", &begin, &end) != 2)
            continue;
        if (address >= begin && address < end) return begin;
    }
    return std::nullopt;
}

// Of memory that the kernel has allocated, below its own image, whose symbols stay where they are. With page tables of
// five levels it begins at 0xff00000000000000.
bool is_kernel_memory(std::uint64_t address) {
    return address >= 0xff00000000000000 && address < 0xffffffff80000000;
}

class Report {
public:
    explicit Report(const LoadedObject& object) : object_(object) {
        for (const LoadedMap& map : object.maps) map_names_[info_of<bpf_map_info>(map.fd).id] = map.name;
        for (const LoadedProgram& program : object.programs)
            program_names_[info_of<bpf_prog_info>(program.fd).id] = program.name;
    }

    std::string text_of_all() {
        for (const LoadedProgram& program : object_.programs) add_program(program);
        for (const LoadedMap& map : object_.maps) add_map(map);
        return lines_;
    }

private:
    void add(const std::string& subject, const std::string& fact, const std::string& value) {
        lines_ += subject + ": " + fact + " = " + value + "\n";
    }
    void add(const std::string& subject, const std::string& fact, std::uint64_t value) {
        add(subject, fact, std::to_string(value));
    }

    std::string map_name(std::uint32_t id) const {
        const auto known = map_names_.find(id);
        return known == map_names_.end() ? "?" : known->second;
    }

    // --- programs

    void add_program(const LoadedProgram& program) {
        const std::string subject = "program " + program.name;
        const auto sizes = info_of<bpf_prog_info>(program.fd);

        std::vector<bpf_insn> insns(sizes.xlated_prog_len / sizeof(bpf_insn));
        std::vector<std::uint32_t> map_ids(sizes.nr_map_ids);
        Bytes functions(std::size_t{sizes.nr_func_info} * sizes.func_info_rec_size);
        Bytes lines(std::size_t{sizes.nr_line_info} * sizes.line_info_rec_size);
        bpf_prog_info wanted{};
        wanted.xlated_prog_len = sizes.xlated_prog_len;
        wanted.xlated_prog_insns = address_of(insns.data());
        wanted.nr_map_ids = sizes.nr_map_ids;
        wanted.map_ids = address_of(map_ids.data());
        wanted.nr_func_info = sizes.nr_func_info;
        wanted.func_info_rec_size = sizes.func_info_rec_size;
        wanted.func_info = address_of(functions.data());
        wanted.nr_line_info = sizes.nr_line_info;
        wanted.line_info_rec_size = sizes.line_info_rec_size;
        wanted.line_info = address_of(lines.data());
        const auto info = info_of<bpf_prog_info>(program.fd, wanted);

        add(subject, "kernel's name", std::string(info.name));
        add(subject, "type", info.type);
        add(subject, "tag", !program.has_comparable_tag ? any_tag : hex(info.tag, sizeof info.tag));
        add(subject, "GPL compatible", std::uint64_t{info.gpl_compatible});
        add(subject, "verified instructions", info.verified_insns);
        add(subject, "attach_btf_id", info.attach_btf_id);
        add(subject, "has BTF", std::string(info.btf_id != 0 ? "yes" : "no"));
        add(subject, "func_info records", info.nr_func_info);
        add(subject, "line_info records", info.nr_line_info);
        add(subject, "func_info", starts_of(functions, info.func_info_rec_size));
        add(subject, "line_info", line_numbers(lines, info.line_info_rec_size));
        add(subject, "instructions after the verifier", insns.size());

        const std::set<std::string> referred = make_comparable(insns);
        if (program.ignores_helpers) forget_helpers(insns);
        add_instructions(subject, insns);
        add(subject, "refers to", joined(referred));

        // libbpf ties .rodata to every program of the object with BPF_PROG_BIND_MAP, whether the program refers to it
        // or not (since 0.2, for the sake of bpftool's metadata). A program does not run otherwise for it.
        std::set<std::string> maps;
        for (const std::uint32_t id : map_ids) {
            const std::string name = map_name(id);
            const bool is_rodata = name.starts_with(".rodata");
            if (!is_rodata || referred.contains(name)) maps.insert(name);
        }
        add(subject, "maps", joined(maps));
    }

    void add_instructions(const std::string& subject, const std::vector<bpf_insn>& insns) {
        constexpr std::size_t per_line = 4, shown = 4096;
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(insns.data());
        for (std::size_t at = 0; at < std::min(insns.size(), shown); at += per_line) {
            const std::size_t count = std::min(per_line, insns.size() - at);
            add(subject, text("from %05zu", at), hex(bytes + at * sizeof(bpf_insn), count * sizeof(bpf_insn)));
        }
        if (insns.size() > shown)
            add(subject, "hash of the rest", hash(insns.data() + shown, (insns.size() - shown) * sizeof(bpf_insn)));
    }

    // The records begin with the instruction's offset; type ids and string offsets are the object's own.
    static std::string starts_of(const Bytes& records, std::uint32_t record_size) {
        std::string offsets;
        for (std::size_t at = 0; record_size != 0 && at < records.size(); at += record_size) {
            bpf_func_info record;
            std::memcpy(&record, records.data() + at, sizeof record);
            offsets += (at == 0 ? "" : " ") + std::to_string(record.insn_off);
        }
        return offsets;
    }

    static std::string line_numbers(const Bytes& records, std::uint32_t record_size) {
        std::vector<std::uint32_t> numbers;
        for (std::size_t at = 0; record_size != 0 && at < records.size(); at += record_size) {
            bpf_line_info record;
            std::memcpy(&record, records.data() + at, sizeof record);
            numbers.insert(numbers.end(), {record.insn_off, record.line_col});
        }
        return hash(numbers.data(), numbers.size() * sizeof(std::uint32_t));
    }

    // The tag leaves out what the kernel puts into an ld_imm64: the map, the offset in its value. Those are in the
    // instructions as the kernel shows them (bpf_insn_prepare_dump()), with ids that differ from load to load and are
    // taken out here. Returns what they name: "config" or ".rodata".
    std::set<std::string> make_comparable(std::vector<bpf_insn>& insns) const {
        std::set<std::string> referred;
        for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
            bpf_insn& insn = insns[i];
            if (insn.code != (BPF_LD | BPF_IMM | BPF_DW)) continue;
            if (insn.src_reg == BPF_PSEUDO_MAP_FD || insn.src_reg == BPF_PSEUDO_MAP_VALUE) {
                const std::string name = map_name(static_cast<std::uint32_t>(insn.imm));
                insn.imm = static_cast<std::int32_t>(std::hash<std::string>()(name));
                referred.insert(name);
            } else if (is_allocated(insn, insns[i + 1])) {
                insn.imm = insns[i + 1].imm = 0;
            } else {
                subtract_arena(insn, insns[i + 1]);
            }
            ++i;
        }
        return referred;
    }

    static void forget_helpers(std::vector<bpf_insn>& insns) {
        for (bpf_insn& insn : insns) {
            if (insn.code == (BPF_JMP | BPF_CALL) && insn.src_reg == 0) insn.imm = 0;
        }
    }

    // An address that every load has for itself, put in by the verifier: prog->aux for bpf_timer_set_callback(), or the
    // upper half of the address at which this process has mapped an arena.
    static bool is_allocated(const bpf_insn& low, const bpf_insn& high) {
        const std::uint64_t address = address_in(low, high);
        const bool is_arena = low.imm == 0 && address >= 0x500000000000 && address < 0x800000000000;
        return low.src_reg == 0 && (is_kernel_memory(address) || is_arena);
    }

    static std::uint64_t address_in(const bpf_insn& low, const bpf_insn& high) {
        return std::uint64_t{static_cast<std::uint32_t>(high.imm)} << 32 | static_cast<std::uint32_t>(low.imm);
    }

    // The address of a variable in an arena: what is left is its offset there.
    static void subtract_arena(bpf_insn& low, bpf_insn& high) {
        const std::uint64_t address = address_in(low, high);
        const std::optional<std::uint64_t> arena = low.src_reg == 0 ? arena_at(address) : std::nullopt;
        if (!arena) return;
        low.imm = static_cast<std::int32_t>(address - *arena);
        high.imm = 0;
    }

    // --- maps

    static std::string shape(const bpf_map_info& info, std::uint32_t ignored_flags = 0) {
        return text("type %u, key %u, value %u, max_entries %u, flags 0x%x, extra 0x%llx", info.type, info.key_size,
                    info.value_size, info.max_entries, info.map_flags & ~ignored_flags,
                    static_cast<unsigned long long>(info.map_extra));
    }

    void add_map(const LoadedMap& map) {
        const std::string subject = (map.is_data ? "data " : "map ") + map.name;
        const auto info = info_of<bpf_map_info>(map.fd);
        add(subject, "kernel's name", std::string(info.name));
        add(subject, "shape", shape(info, map.ignored_flags));
        add(subject, "has BTF",
            text("map %d, key %d, value %d, kernel's value %d", info.btf_id != 0, info.btf_key_type_id != 0,
                 info.btf_value_type_id != 0, info.btf_vmlinux_value_type_id != 0));
        add(subject, "frozen", std::string(is_frozen(map.fd) ? "yes" : "no"));
        if (map.is_data) add_contents(subject, map, info);
        if (info.type == BPF_MAP_TYPE_PROG_ARRAY || info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
            info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
            add_slots(subject, map.fd, info);
    }

    // Lines of 32 bytes, those of zeros left out; past 64 KB a hash of the rest.
    void add_contents(const std::string& subject, const LoadedMap& map, const bpf_map_info& info) {
        constexpr std::size_t per_line = 32, shown = 64 << 10;
        std::optional<Bytes> value = lookup(map.fd, Bytes(info.key_size), info.value_size);
        if (!value) return add(subject, "contents", std::string("cannot be read"));
        if (map.ignored_byte) value->at(*map.ignored_byte) = 0;
        forget_list_heads(*value);
        for (std::size_t at = 0; at < std::min(value->size(), shown); at += per_line) {
            const std::size_t size = std::min(per_line, value->size() - at);
            const std::uint8_t* line = value->data() + at;
            if (std::any_of(line, line + size, [](std::uint8_t byte) { return byte != 0; }))
                add(subject, text("bytes 0x%04zx", at), hex(line, size));
        }
        if (value->size() > shown) add(subject, "hash of the rest", hash(value->data() + shown, value->size() - shown));
    }

    // An empty bpf_list_head points to itself.
    static void forget_list_heads(Bytes& contents) {
        for (std::size_t at = 0; at + sizeof(std::uint64_t) <= contents.size(); at += sizeof(std::uint64_t)) {
            std::uint64_t word;
            std::memcpy(&word, contents.data() + at, sizeof word);
            if (is_kernel_memory(word)) std::memset(contents.data() + at, 0, sizeof word);
        }
    }

    // Such maps give back the id of what is in a slot.
    void add_slots(const std::string& subject, int fd, const bpf_map_info& info) {
        constexpr int most = 65536;
        std::optional<Bytes> key = key_after(fd, {}, info.key_size);
        for (int i = 0; key && i < most; ++i, key = key_after(fd, *key, info.key_size)) {
            const std::optional<Bytes> value = lookup(fd, *key, sizeof(std::uint32_t));
            if (!value) continue;
            std::uint32_t id;
            std::memcpy(&id, value->data(), sizeof id);
            add(subject, "slot " + hex(key->data(), key->size()),
                info.type == BPF_MAP_TYPE_PROG_ARRAY ? described_program(id) : described_map(id));
        }
    }

    std::string described_program(std::uint32_t id) const {
        const auto known = program_names_.find(id);
        return known == program_names_.end() ? "a program that is not the object's" : "program " + known->second;
    }

    std::string described_map(std::uint32_t id) const {
        bpf_attr attr{};
        attr.map_id = id;
        const long fd = bpf(BPF_MAP_GET_FD_BY_ID, attr);
        if (fd < 0) return "map " + map_name(id);
        const std::string shape_of_it = shape(info_of<bpf_map_info>(static_cast<int>(fd)));
        close(static_cast<int>(fd));
        return "map " + map_name(id) + ", " + shape_of_it;
    }

    const LoadedObject& object_;
    std::map<std::uint32_t, std::string> map_names_, program_names_;
    std::string lines_;
};

}  // namespace

std::string kernel_report(const LoadedObject& object) {
    return Report(object).text_of_all();
}

}  // namespace minibpf::test
