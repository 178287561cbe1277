// USDT: probes that a program's author has put into the source (<sys/sdt.h>), and that do not move with the next
// version.
//
// In the running program such a probe is one `nop`. A note in the file says where it is, how it is called, and in which
// registers its arguments are (elf/executable.cpp). A uprobe on the `nop` is all that attaching takes; but a probe that
// was written once may be compiled into several places, by inlining, so one hook can be several uprobes. A probe that
// is dear has a semaphore, a counter in the program's data that tells it whether somebody looks: the kernel counts it
// up for us when the uprobe knows where it is (the reference counter, Linux 4.20).
//
//     usdt:/usr/sbin/mysqld:mysql:query__start   or, with any provider,   usdt:/usr/sbin/mysqld::query__start
#include <libminibpf/attach/usdt.hpp>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/attach/uprobe.hpp>
#include <libminibpf/attach/uprobe_file.hpp>

namespace minibpf {

namespace {

/// A link to each place of the probe. They come off in reverse.
class UsdtAttachment final : public Attachment {
public:
    ~UsdtAttachment() override {
        while (!links_.empty()) links_.pop_back();
    }
    void reserve(std::size_t count) { links_.reserve(count); }
    void add(Link link) { links_.push_back(std::move(link)); }

private:
    std::vector<Link> links_;
};

struct UsdtTarget {
    std::string_view file, provider, name;
};

UsdtTarget split_usdt_target(std::string_view target, const std::string& doing) {
    const std::size_t second = target.rfind(':');
    const std::size_t first =
        second == std::string_view::npos || second == 0 ? std::string_view::npos : target.rfind(':', second - 1);
    if (first == std::string_view::npos || first == 0 || second + 1 == target.size()) {
        throw_usage(fmt::format("{}: '{}' is not FILE:PROVIDER:NAME", doing, target),
                    "for instance usdt:/usr/lib/x86_64-linux-gnu/libc.so.6:libc:setjmp");
    }
    return {.file = target.substr(0, first),
            .provider = target.substr(first + 1, second - first - 1),
            .name = target.substr(second + 1)};
}

std::vector<elf::UsdtNote> matching_notes(const elf::Executable& executable, const UsdtTarget& target,
                                          const std::string& path, const std::string& doing) {
    std::vector<elf::UsdtNote> notes;
    std::vector<std::string> others;
    for (const elf::UsdtNote& note : executable.usdt_notes) {
        others.push_back(fmt::format("{}:{}", note.provider, note.name));
        if (note.name != target.name) continue;
        if (target.provider.empty() || note.provider == target.provider) notes.push_back(note);
    }
    if (!notes.empty()) return notes;
    if (others.empty()) {
        throw_malformed(fmt::format("{}: {} has no USDT probes", doing, path),
                        "it was compiled without <sys/sdt.h>: `readelf -n` would show them in .note.stapsdt");
    }
    const std::string near = did_you_mean(fmt::format("{}:{}", target.provider, target.name), others);
    throw_malformed(fmt::format("{}: {} has no USDT probe {}:{}", doing, path, target.provider, target.name),
                    near.empty() ? fmt::format("`readelf -n {}` lists those that it has", path) : near);
}

// The program's cookie is the number of what it is to know; what the caller gave as a cookie is part of that.
AttachOptions options_at(const elf::UsdtNote& note, const AttachOptions& options, const std::string& doing) {
    if (options.usdt_specs == nullptr || !options.usdt_specs->is_used()) return options;
    AttachOptions at_place = options;
    try {
        UsdtSpec spec = parse_usdt_arguments(note.arguments);
        spec.cookie = options.cookie;
        at_place.by = AttachBy::link;
        at_place.cookie = options.usdt_specs->id_of(spec);
    } catch (const Error& error) {
        throw error.within(doing);
    }
    return at_place;
}

}  // namespace

std::uint32_t UsdtSpecs::id_of(const UsdtSpec& spec) {
    for (std::size_t i = 0; i < written_.size(); ++i) {
        if (std::memcmp(&written_[i], &spec, sizeof spec) == 0) return static_cast<std::uint32_t>(i);
    }
    if (written_.size() >= map_->max_entries()) {
        throw_malformed(fmt::format("map '{}' has {} elements, and there are more places of USDT probes", map_->name(),
                                    map_->max_entries()),
                        "#define BPF_USDT_MAX_SPEC_CNT before including usdt.bpf.h, or --map "
                        "__bpf_usdt_specs.max_entries=1024");
    }
    written_.push_back(spec);
    const auto id = static_cast<std::uint32_t>(written_.size() - 1);
    try {
        map_->update(bytes_of(id), bytes_of(spec), BPF_ANY, "where the probe's arguments are at this place");
    } catch (const Error&) {
        written_.pop_back();
        throw;
    }
    return id;
}

Link attach_usdt(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::string doing = "attaching " + description;
    const UsdtTarget target = split_usdt_target(hook.target, doing);
    UprobeFile file = UprobeFile::open(gate, target.file, doing);
    const std::vector<elf::UsdtNote> notes = matching_notes(file.executable(), target, file.path(), doing);
    auto attachment = std::make_unique<UsdtAttachment>();
    attachment->reserve(notes.size());
    for (const elf::UsdtNote& note : notes) {
        const UprobePlace place{.path = file.path(),
                                .offset = note.offset,
                                .semaphore_offset = note.semaphore_offset,
                                .description = description};
        attachment->add(attach_to_place(gate, program, place, options_at(note, options, doing)));
    }
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
