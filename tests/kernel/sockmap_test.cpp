// Programs of sockmaps on the running kernel: they run for what the sockets that came into the map meanwhile send and
// receive.
#include <string>

#include <libminibpf/attach/attach.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/connection.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/network.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

bool has_sockmap_links(KernelGate& gate, Object& object, const Program& program, const std::string& hook) {
    try {
        attach(gate, program, parse_hook(hook), {.by = AttachBy::link, .map_fd = object.require_map("sockets").fd()});
        return true;
    } catch (const Error& error) {
        CHECK_FALSE(kernel_must_have("sockmap links"));
        CHECK_THAT(error.detail().hint, contains("Linux 6.10"));
        return false;
    }
}

}  // namespace

TEST_CASE("programs of a sockmap run for what its sockets send and receive", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    struct Case {
        const char* program;
        const char* hook;
        bool at_the_sender;
    };
    for (const Case& tried :
         {Case{"on_stream_verdict", "sk_skb/stream_verdict:sockets", false}, Case{"on_msg", "sk_msg:sockets", true}}) {
        INFO(tried.hook);
        Object object = load(gate, data("network_hooks"), {.programs = {tried.program}});
        Map& sockets = object.require_map("sockets");
        Program& program = object.require_program(tried.program);
        for (const AttachBy by : {AttachBy::usual, AttachBy::link}) {
            AttachOptions options{.by = by, .map_fd = sockets.fd()};
            if (by == AttachBy::link && !has_sockmap_links(gate, object, program, tried.hook)) continue;
            std::uint64_t seen = hits(object);
            {
                const Link link = attach(gate, program, parse_hook(tried.hook), options);
                if (by == AttachBy::link)
                    CHECK(target_of(gate, link) ==
                          "map " + std::to_string(map_facts(gate, sockets.fd()).id) + " " +
                              attach_type_text(static_cast<bpf_attach_type>(program.spec().kind.expected_attach_type)));
                const Connection connection = connect_over_loopback();
                put_into_sockmap(gate, sockets,
                                 tried.at_the_sender ? connection.client.get() : connection.server.get());
                char buffer[8];
                REQUIRE(send(connection.client.get(), "ping", 4, 0) == 4);
                CHECK(recv(connection.server.get(), buffer, sizeof(buffer), 0) == 4);
                CHECK(hits(object) > seen);
                seen = hits(object);
            }
            const Connection connection = connect_over_loopback();
            REQUIRE(send(connection.client.get(), "ping", 4, 0) == 4);
            char buffer[8];
            CHECK(recv(connection.server.get(), buffer, sizeof(buffer), 0) == 4);
            CHECK(hits(object) == seen);
        }
        const Error no_map = error_of([&] { attach(gate, program, parse_hook(tried.hook)); });
        CHECK(no_map.detail().blame == Blame::usage);
        AttachOptions wrong;
        wrong.map_fd = object.require_map("no_sockets").fd();
        CHECK_THAT(error_of([&] { attach(gate, program, parse_hook(tried.hook), wrong); }).detail().hint,
                   contains("sockmap"));
    }
}

namespace {

constexpr const char* three_messages = "one.two.six.";  // of four bytes each

// How often the verdict runs for three messages that arrive at once.
std::uint64_t verdicts(KernelGate& gate, Object& object) {
    const std::uint64_t before = hits(object);
    const Connection connection = connect_over_loopback();
    put_into_sockmap(gate, object.require_map("sockets"), connection.server.get());
    CHECK(sent_and_received(connection, three_messages) == three_messages);
    return hits(object) - before;
}

}  // namespace

TEST_CASE("a stream parser cuts what arrives into messages, and the verdict runs for each", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load(gate, data("network_hooks"), {.programs = {"on_stream_parser", "on_stream_verdict"}});
    const Program& parser = object.require_program("on_stream_parser");
    const Program& verdict = object.require_program("on_stream_verdict");
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        if (by == AttachBy::link && !has_sockmap_links(gate, object, verdict, "sk_skb/stream_verdict:sockets"))
            continue;
        const AttachOptions options{.by = by, .map_fd = object.require_map("sockets").fd()};
        const auto parsed = [&] { return variable<std::uint64_t>(object, "second_hits"); };
        CHECK(verdicts(gate, object) == 0);
        const std::uint64_t before = parsed();
        {
            const Link second = attach(gate, verdict, parse_hook("sk_skb/stream_verdict:sockets"), options);
            CHECK(verdicts(gate, object) == 1);
            CHECK(parsed() == before);
            {
                const Link first = attach(gate, parser, parse_hook("sk_skb/stream_parser:sockets"), options);
                CHECK(verdicts(gate, object) == 3);
                CHECK(parsed() >= before + 3);
            }
            const std::uint64_t after = parsed();
            CHECK(verdicts(gate, object) == 1);
            CHECK(parsed() == after);
        }
        CHECK(verdicts(gate, object) == 0);
    }
}

TEST_CASE("when any call fails, a sockmap has no program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    for (const auto& [name, hook] :
         {std::pair("on_stream_verdict", "sk_skb/stream_verdict:sockets"),
          std::pair("on_verdict", "sk_skb/verdict:sockets"), std::pair("on_msg", "sk_msg:sockets")}) {
        INFO(hook);
        for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
            std::uint32_t id = 0;
            {
                Object object = load(gate, data("network_hooks"), {.programs = {name}});
                const Program& program = object.require_program(name);
                id = id_of(program);
                if (by == AttachBy::link && !has_sockmap_links(gate, object, program, hook)) continue;
                const AttachOptions options{.by = by, .map_fd = object.require_map("sockets").fd()};
                const Hook parsed = parse_hook(hook);
                sweep_attach([&](KernelGate& failing) { return attach(failing, program, parsed, options); },
                             counts(object, [&] {
                                 const Connection connection = connect_over_loopback();
                                 put_into_sockmap(gate, object.require_map("sockets"), connection.client.get(), 0);
                                 put_into_sockmap(gate, object.require_map("sockets"), connection.server.get(), 1);
                                 CHECK(sent_and_received(connection, "ping") == "ping");
                             }));
            }
            CHECK(is_gone(id));
        }
    }
}
