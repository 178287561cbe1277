// Where tcx, netkit and cgroups put a program among others.
//
//     BPF_F_BEFORE or BPF_F_AFTER           the first, or the last
//     ... and relative_fd                   just before, or just after this program (or, with BPF_F_LINK, this link)
//     ... and BPF_F_ID, relative_id         the same by an id, which needs no descriptor
//     expected_revision                     only if nobody else has come or gone since the list was at this revision
#include <libminibpf/attach/order.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

void put_beside(AttachOrder& order, std::uint32_t direction, const std::string& name, std::string text) {
    constexpr std::string_view of_link = "link:";
    order.flags |= direction | uapi::BPF_F_ID;
    if (text.starts_with(of_link)) {
        order.flags |= uapi::BPF_F_LINK;
        text.erase(0, of_link.size());
    }
    order.relative_fd = static_cast<int>(setting_number(name, text));
}

/// Whether the setting says something about order.
bool apply_setting(AttachOrder& order, const std::string& name, const std::string& value) {
    if (name == "first") {
        order.flags |= uapi::BPF_F_BEFORE;
    } else if (name == "last") {
        order.flags |= uapi::BPF_F_AFTER;
    } else if (name == "before") {
        put_beside(order, uapi::BPF_F_BEFORE, name, value);
    } else if (name == "after") {
        put_beside(order, uapi::BPF_F_AFTER, name, value);
    } else if (name == "revision") {
        order.expected_revision = setting_number(name, value);
    } else {
        return false;
    }
    return true;
}

}  // namespace

AttachOrder take_order(const Hook& hook, InterfaceTarget& target, const AttachOrder& otherwise) {
    AttachOrder order;
    const auto says_order = [&](const auto& setting) { return apply_setting(order, setting.first, setting.second); };
    const std::size_t before = target.settings.size();
    std::erase_if(target.settings, says_order);
    const std::size_t taken = before - target.settings.size();
    if (taken > (order.expected_revision != 0 ? 2 : 1)) {
        throw_usage(fmt::format("hook '{}': a program has one place", hook_text(hook)),
                    "give one of ,first ,last ,before=ID and ,after=ID");
    }
    return taken == 0 ? otherwise : order;
}

OrderedLink ordered_link(const AttachOrder& order) {
    return {.relative_fd = static_cast<std::uint32_t>(order.relative_fd), .expected_revision = order.expected_revision};
}

}  // namespace minibpf
