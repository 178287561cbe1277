// struct_ops: a table of functions of the kernel's, filled with programs: a TCP congestion control, a scheduler.
//
// The table is a map with one value, the kernel's own struct with a program's descriptor in the place of each function
// pointer. Updating key 0 makes the kernel's struct of it, with trampolines for the programs. In the older way (Linux
// 5.6) this registers the table as well, and deleting key 0 takes it back; closing the map does not, for what is
// registered holds the map. With BPF_F_LINK (6.4) the update only fills the table, a link registers it, and the link's
// end takes it back (kernel/bpf/bpf_struct_ops.c).
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint32_t table_key = 0;
constexpr int unknown_to_user_space = 524;  // ENOTSUPP, the kernel's own

/// A table that is registered by an update of its map. There before the update, so that nothing comes between the two.
class RegisteredTable final : public Attachment {
public:
    RegisteredTable(KernelGate& gate, int map_fd) : gate_(gate), map_fd_(map_fd) {}
    ~RegisteredTable() override {
        if (!is_registered_) return;
        gate_.enter(MapDeleteElem{.map_fd = map_fd_, .key = bytes_of(table_key), .undoes = true},
                    "the kernel forgets the table");
    }
    void set_registered() noexcept { is_registered_ = true; }

private:
    KernelGate& gate_;
    int map_fd_;  // the object's, which outlives its links
    bool is_registered_ = false;
};

std::string table_hint(int error) {
    switch (error) {
        case EEXIST: return "the kernel has one of this name: give yours another";
        case EINVAL: return "a function is missing that the kernel insists on, or a member has a value that it refuses";
        case EBUSY: return "this table is registered already";
        case EOPNOTSUPP:
        case unknown_to_user_space: return "this kernel has no trampolines for BPF (CONFIG_BPF_JIT)";
        default: return {};
    }
}

}  // namespace

Link attach_struct_ops(KernelGate& gate, Map& map, const AttachOptions&) {
    std::string description = fmt::format("{} as struct_ops", map.name());
    const std::string doing = "attaching " + description;
    if (map.struct_ops_value().empty()) {
        throw_usage(fmt::format("{}: this map is no loaded table of functions", doing),
                    "it is a variable in SEC(\".struct_ops\") or SEC(\".struct_ops.link\")");
    }
    const bool has_link = (map.spec().map_flags & uapi::BPF_F_LINK) != 0;
    auto registered = std::make_unique<RegisteredTable>(gate, map.fd());
    const MapUpdateElem fill{.map_fd = map.fd(), .key = bytes_of(table_key), .value = map.struct_ops_value()};
    const Answer filled = gate.enter(fill, [&] {
        return has_link ? fmt::format("`{}`'s functions become programs", map.name())
                        : fmt::format("`{}` is registered with the kernel, its functions programs", map.name());
    });
    if (!filled.ok()) throw kernel_error(doing, fill, filled, table_hint(filled.error));
    if (!has_link) {
        registered->set_registered();
        return Link(std::move(description), std::move(registered));
    }
    const LinkCreate call{.prog_fd = map.fd(), .target_fd = 0, .attach_type = uapi::BPF_STRUCT_OPS};
    const Answer answer = gate.enter(call, "the table is registered with the kernel until this fd is closed");
    if (!answer.ok()) throw kernel_error(doing, call, answer, table_hint(answer.error));
    return Link(std::move(description), Fd(gate, answer.fd()));
}

}  // namespace minibpf
