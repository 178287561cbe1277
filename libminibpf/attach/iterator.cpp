// Iterators: programs that the kernel calls for each task, map element, socket, ... that it has, and that write text.
//
// Since Linux 5.8. Attaching runs nothing: the link only holds the program together with what it iterates over. For
// each BPF_ITER_CREATE the kernel opens a file like those in /proc, and reading it runs the program, once for each
// thing and once more at the end with none; what it wrote by bpf_seq_printf() and bpf_seq_write() is what is read
// (kernel/bpf/bpf_iter.c). A link that is pinned can be read with cat(1).
//
// What to iterate over is said by the link (`union bpf_iter_link_info`), where it is not simply everything:
//
//     bpf_map_elem, bpf_sk_storage_map, sockmap    { map_fd }                                the elements of a map
//     cgroup (6.1)                                 { order, cgroup_fd, cgroup_id (64 bits) } a group and those below
//     task, task_file, task_vma (6.1)              { tid, pid, pid_fd }                      a thread, or a process
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/hook_parameters.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

/// What the link is told, and what is open meanwhile.
struct IteratorTarget {
    IterLink link;
    Fd fd;
};

std::string iterator_text(const Program& program, const Hook& hook) {
    return fmt::format("attaching {} at {}", program.name(), hook_text(hook));
}

// A map of the object, or of somebody else by its id or pin.
int find_iterated_map(KernelGate& gate, const std::string& doing, const std::string& name, Object* object, Fd& owner) {
    if (object != nullptr) {
        if (const Map* map = object->find_map(name)) return map->fd();
    }
    const bool is_path = name.find('/') != std::string::npos;
    const bool is_id = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    if (!is_path && !is_id) {
        if (object != nullptr) object->require_map(name);  // throws, with the nearest name
        throw_usage(fmt::format("{}: '{}' is no map's id and no pin's path", doing, name), {});
    }
    const Syscall call =
        is_path ? Syscall(ObjGet{.pathname = name})
                : Syscall(GetFdById{.kind = IdKind::map,
                                    .id = static_cast<std::uint32_t>(parse_parameter("the map's id", name))});
    const Answer answer = gate.enter(call, "the map whose elements are to be gone through");
    if (!answer.ok()) {
        throw kernel_error(fmt::format("{}: opening map {}", doing, name), call, answer,
                           answer.error == ENOENT ? "there is no such map (any more)" : "");
    }
    owner = Fd(gate, answer.fd());
    return owner.get();
}

std::uint32_t cgroup_order(const std::string& text) {
    constexpr std::array<std::string_view, 4> orders = {"self", "pre", "post", "up"};  // BPF_CGROUP_ITER_SELF_ONLY is 1
    const auto found = std::ranges::find(orders, text);
    if (found == orders.end()) {
        throw_usage(fmt::format("'{}' is no order in which to go through cgroups", text),
                    "order=pre: a group before those in it; post: after them; up: its ancestors; self: it alone");
    }
    return static_cast<std::uint32_t>(found - orders.begin()) + 1;
}

Fd open_iterated_cgroup(KernelGate& gate, const std::string& doing, const std::string& path) {
    const OpenAt call{.path = path, .flags = O_RDONLY | O_DIRECTORY};
    const Answer answer = gate.enter(call, "the cgroup to begin with");
    if (answer.ok()) return Fd(gate, answer.fd());
    throw kernel_error(fmt::format("{}: opening the cgroup {}", doing, path), call, answer,
                       "it is a directory in the cgroup v2 file system, usually mounted at /sys/fs/cgroup")
        .with_blame(Blame::usage);
}

IteratorTarget iterator_target(KernelGate& gate, const std::string& doing, const Hook& hook,
                               const AttachOptions& options) {
    const HookParameters parameters = split_parameters(hook.target, {"map", "cgroup", "order", "pid", "tid"});
    IteratorTarget target;
    if (const std::string* map = parameters.find("map")) {
        target.link.info[0] =
            static_cast<std::uint32_t>(find_iterated_map(gate, doing, *map, options.object, target.fd));
        target.link.info_len = 4;
    } else if (parameters.name == "cgroup") {
        const std::string* order = parameters.find("order");
        target.link.info[0] = cgroup_order(order != nullptr ? *order : "pre");
        if (const std::string* path = parameters.find("cgroup")) {
            target.fd = open_iterated_cgroup(gate, doing, *path);
            target.link.info[1] = static_cast<std::uint32_t>(target.fd.get());
        }
        target.link.info_len = 16;
    } else if (parameters.find("pid") != nullptr || parameters.find("tid") != nullptr) {
        target.link.info[0] = static_cast<std::uint32_t>(parameters.number("tid", 0));
        target.link.info[1] = static_cast<std::uint32_t>(parameters.number("pid", 0));
        target.link.info_len = 12;
    }
    return target;
}

std::string iterator_hint(const Hook& hook, int error) {
    const bool is_map = hook.target.starts_with("bpf_map_elem") || hook.target.starts_with("bpf_sk_storage_map") ||
                        hook.target.starts_with("sockmap");
    switch (error) {
        case EBADF:
            if (is_map && hook.target.find("map=") == std::string::npos)
                return fmt::format("say which map: --attach 'PROGRAM=iter:{},map=NAME'", hook.target);
            return {};
        case EINVAL:
            return is_map ? "this iterator goes through maps of another type"
                          : "this iterator takes no such parameter, or both pid= and tid= (which need Linux 6.1)";
        case EACCES: return "the program reads or writes more of a key or value than this map has";
        case ESRCH: return "there is no such process";
        default: return {};
    }
}

}  // namespace

Link attach_iterator(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const std::string doing = iterator_text(program, hook);
    const IteratorTarget target = iterator_target(gate, doing, hook, options);
    const std::string& loaded_for = program.spec().kind.hook.target;
    if (hook.target.substr(0, hook.target.find(',')) != loaded_for.substr(0, loaded_for.find(','))) {
        throw_usage(fmt::format("{}: the program was loaded for iter:{}", doing, loaded_for),
                    "change its hook before the load: ProgramSpec::kind, or its SEC()");
    }
    return create_link(
        gate, program, hook, {.target_fd = 0, .attach_type = BPF_TRACE_ITER, .details = target.link},
        [&] { return fmt::format("holds {} and what it goes through; it runs when it is read", program.name()); },
        [&](int error) { return iterator_hint(hook, error); });
}

void run_iterator(KernelGate& gate, const Link& link, const std::function<void(std::string_view)>& take) {
    const std::string doing = fmt::format("running {}", link.description());
    const IterCreate create{.link_fd = link.link_fd()};
    const Answer created = gate.enter(create, "a file, and reading it runs the iterator");
    if (!created.ok()) throw kernel_error(doing, create, created);
    const Fd file(gate, created.fd());
    std::array<std::byte, 16 * 1024> buffer;
    while (true) {
        const Read call{.fd = file.get(), .buffer = buffer};
        const Answer answer = gate.enter(call);
        // EAGAIN: a million things were gone through without a word of the program, and the kernel takes breath.
        if (answer.error == EINTR || answer.error == EAGAIN) continue;
        if (!answer.ok()) {
            throw kernel_error(doing, call, answer,
                               answer.error == E2BIG ? "the program wrote more than 32 KiB about one thing" : "");
        }
        if (answer.value == 0) return;
        take(text_of(ByteView(buffer).first(static_cast<std::size_t>(answer.value))));
    }
}

}  // namespace minibpf
