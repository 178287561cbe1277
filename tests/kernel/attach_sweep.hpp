#pragma once
// The fault sweep of one hook: its program runs while it is attached, and whatever call of the attachment fails,
// nothing of it is left.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>

#include <unistd.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

namespace minibpf::test {

/// Attaches with the first call failing, then the second, and so on, until none does. `runs` does what the program
/// waits for, and says whether it ran. Gives the number of calls of an attachment.
inline int sweep_attach(const std::function<Link(KernelGate&)>& attach_it, const std::function<bool()>& runs,
                        std::initializer_list<int> errors = {EPERM, EINVAL, ENOMEM}) {
    LiveGate live;
    int calls = 0, refused = 0;
    for (const int error : errors) {
        bool done = false;
        for (int nth = 0; !done; ++nth) {
            INFO("call " << nth << " fails with " << errno_name(error));
            REQUIRE(nth < 200);
            const Holdings before = holdings();
            FailingGate gate(live, nth, error);
            try {
                PastLaterReads few_reads(gate, live);
                const Link link = attach_it(few_reads);
                CHECK(runs());  // none failed, or one without which it works as well
            } catch (const Error& caught) {
                INFO(caught.what());
                CHECK(gate.has_failed());
                CHECK_FALSE(caught.detail().doing.empty());
                ++refused;
            }
            CHECK(holdings() == before);
            CHECK_FALSE(runs());
            done = !gate.has_failed();
            calls = gate.calls();
        }
    }
    CHECK(refused > 0);
    return calls;
}

/// `runs` of a program that counts in `hits`.
inline std::function<bool()> counts(Object& object, std::function<void()> provoke_it) {
    return [&object, provoke_it = std::move(provoke_it)] {
        const std::uint64_t before = hits(object);
        provoke_it();
        return hits(object) != before;
    };
}

inline std::uint32_t id_of(const Program& program) {
    LiveGate gate;
    return kernel_info<bpf_prog_info>(gate, program.fd()).id;
}

/// Whether nothing holds the program any more. The kernel lets go a little after the last descriptor is closed.
inline bool is_gone(std::uint32_t prog_id) {
    LiveGate gate;
    for (int tries = 0; tries < 400; ++tries) {
        const Answer answer = gate.enter(GetFdById{.kind = IdKind::prog, .id = prog_id});
        if (answer.error == ENOENT) return true;
        if (answer.ok()) close(answer.fd());
        usleep(50'000);
    }
    return false;
}

/// The sweep of a hook that takes nothing but its text, with a program of tests/data/NAME.bpf.o.
inline void sweep_hook(const std::string& name, const std::string& program, const std::string& hook, AttachBy by,
                       const std::function<void()>& provoke_it) {
    INFO(program << " at " << hook << (by == AttachBy::link ? " by link" : ""));
    LiveGate live;
    std::uint32_t id = 0;
    {
        Object object = load(live, data(name), {.programs = {program}});
        id = id_of(object.require_program(program));
        sweep_attach(
            [&](KernelGate& gate) {
                return attach(gate, object.require_program(program), parse_hook(hook), {.by = by});
            },
            counts(object, provoke_it));
    }
    CHECK(is_gone(id));
}

}  // namespace minibpf::test
