// `loader link`: detaching, exchanging and keeping what is attached, whoever attached it.
#include <fmt/format.h>

#include <libminibpf/attach/link_operations.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/pinning.hpp>

#include "verbs.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* link_examples = R"(Examples:
  loader link detach 7                           its program runs no more
  loader link update 7 new_version               it runs another program from now on, without a gap
  loader link pin 7 /sys/fs/bpf/my_link          it stays attached when its loader ends
  rm /sys/fs/bpf/my_link                         takes the pin away; there is no unpin

LINK is an id or a pin's path; `loader list links` shows them. PROGRAM is an id, a pin's path or a name.)";

constexpr const char* link_detach_examples = R"(Examples:
  loader link detach 7
  loader link detach /sys/fs/bpf/my_link

Links of cgroups, network namespaces, XDP, tcx, netkit and sockmaps can be detached (Linux 5.9). Others end with their
last descriptor and pin: end who holds them, and remove the pins; `loader list links` shows both.)";

constexpr const char* link_update_examples = R"(Examples:
  loader link update 7 new_version
  loader link update /sys/fs/bpf/my_link 23 --from 22

Links of cgroups, network namespaces, XDP, tcx and netkit can be updated (Linux 5.7), to a program of the same type.)";

constexpr const char* link_pin_examples = R"(Examples:
  loader link pin 7 /sys/fs/bpf/my_link
  rm /sys/fs/bpf/my_link                         takes the pin away: without another holder it detaches)";

struct LinkRequest {
    std::string link, program, from, path;
    Trace trace;
};

void detach_one(KernelGate& gate, const LinkRequest& request) {
    detach_link(gate, open_loaded(gate, IdKind::link, request.link).get());
}

void update_one(KernelGate& gate, const LinkRequest& request) {
    const Fd link = open_loaded(gate, IdKind::link, request.link);
    const Fd program = open_loaded(gate, IdKind::prog, request.program);
    if (request.from.empty()) return update_link(gate, link.get(), program.get());
    const Fd old_program = open_loaded(gate, IdKind::prog, request.from);
    update_link(gate, link.get(), program.get(), old_program.get());
}

void pin_link(KernelGate& gate, const LinkRequest& request) {
    const Fd link = open_loaded(gate, IdKind::link, request.link);
    pin_object(gate, request.path, link.get(), fmt::format("link {}", request.link));
}

std::shared_ptr<LinkRequest> link_request(CLI::App& app) {
    auto request = std::make_shared<LinkRequest>();
    app.add_option("LINK", request->link, "an id or a pin's path")->required();
    return request;
}

Action declare_link_detach(CLI::App& app) {
    return finish_verb(app, link_request(app), link_detach_examples, detach_one);
}

Action declare_link_update(CLI::App& app) {
    const auto request = link_request(app);
    app.add_option("PROGRAM", request->program, "what it runs from now on: an id, a pin's path or a name")->required();
    app.add_option("--from", request->from, "only if this is the program that it runs now")->type_name("PROGRAM");
    return finish_verb(app, request, link_update_examples, update_one);
}

Action declare_link_pin(CLI::App& app) {
    const auto request = link_request(app);
    app.add_option("PATH", request->path, "a name in a bpffs, /sys/fs/bpf/...; directories are made")->required();
    return finish_verb(app, request, link_pin_examples, pin_link);
}

constexpr Command link_verbs[] = {
    {"detach", "its program runs no more", declare_link_detach},
    {"update", "let it run another program, without a gap", declare_link_update},
    {"pin", "give it a name in the bpffs, by which it stays attached", declare_link_pin},
};

}  // namespace

Action declare_link(CLI::App& app) {
    app.footer(link_examples);
    return declare_verbs(app, link_verbs);
}

}  // namespace cli
