// A netlink request whose answer is lost: whether it was done is learnt from what is left in the queue.
#include <deque>

#include <linux/rtnetlink.h>

#include <libminibpf/attach/route_socket.hpp>
#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// The kernel's end of the socket: what it does with requests is the test's to say.
class FakeNetlink {
public:
    /// What it answers to requests that ask for something; nothing: its answer is lost.
    std::optional<int> error_of_requests = 0;

    explicit FakeNetlink(FakeGate& gate) {
        gate.on<SendTo>([this](const SendTo& call) -> std::optional<Answer> {
            const auto request = read_at<nlmsghdr>(call.data, 0).value();
            if (request.nlmsg_type == NLMSG_NOOP) answers_.push_back(answer_to(request, 0));
            if (request.nlmsg_type != NLMSG_NOOP && error_of_requests)
                answers_.push_back(answer_to(request, *error_of_requests));
            return Answer{.value = static_cast<long>(call.data.size())};
        });
        gate.on<ReceiveFrom>([this](const ReceiveFrom& call) -> std::optional<Answer> {
            // The real one would wait for ever.
            if (answers_.empty()) return FakeGate::failure(EDEADLK);
            std::memcpy(call.buffer.data(), &answers_.front(), sizeof(Ack));
            answers_.pop_front();
            return Answer{.value = sizeof(Ack)};
        });
    }

    std::size_t unread() const { return answers_.size(); }

private:
    struct Ack {
        nlmsghdr header;
        nlmsgerr error;
    };

    static Ack answer_to(const nlmsghdr& request, int error) {
        Ack ack{};
        ack.header = {.nlmsg_len = sizeof(Ack),
                      .nlmsg_type = NLMSG_ERROR,
                      .nlmsg_flags = NLM_F_CAPPED,
                      .nlmsg_seq = request.nlmsg_seq,
                      .nlmsg_pid = 0};
        ack.error.error = -error;
        ack.error.msg = request;
        return ack;
    }

    std::deque<Ack> answers_;
};

// The outcome when the first recvfrom(2) fails without reading anything.
RouteSocket::Outcome request_with_lost_answer(FakeGate& gate, RouteSocket& route) {
    bool has_failed = false;
    gate.on<ReceiveFrom>([has_failed](const ReceiveFrom&) mutable -> std::optional<Answer> {
        if (std::exchange(has_failed, true)) return std::nullopt;
        return FakeGate::failure(ENOBUFS);
    });
    NetlinkMessage message(RTM_NEWQDISC, NLM_F_ACK, route.next_sequence());
    return route.request(message);
}

}  // namespace

TEST_CASE("a request whose answer could not be read was done if the kernel says so later", "[attach][netlink]") {
    FakeGate gate;
    FakeNetlink netlink(gate);
    RouteSocket route(gate, "a test");
    const RouteSocket::Outcome outcome = request_with_lost_answer(gate, route);
    CHECK(outcome.error == ENOBUFS);
    CHECK(outcome.call == "recvfrom");
    CHECK(outcome.was_done);
    CHECK(netlink.unread() == 0);  // nothing is left that could be taken for the next one's answer
}

TEST_CASE("a request whose answer could not be read was not done if the kernel refused it", "[attach][netlink]") {
    FakeGate gate;
    FakeNetlink netlink(gate);
    netlink.error_of_requests = EEXIST;
    RouteSocket route(gate, "a test");
    const RouteSocket::Outcome outcome = request_with_lost_answer(gate, route);
    CHECK(outcome.error == ENOBUFS);
    CHECK_FALSE(outcome.was_done);
    CHECK(netlink.unread() == 0);
}

TEST_CASE("an answer that the kernel had no memory for is not waited for", "[attach][netlink]") {
    FakeGate gate;
    FakeNetlink netlink(gate);
    netlink.error_of_requests.reset();
    RouteSocket route(gate, "a test");
    CHECK_FALSE(request_with_lost_answer(gate, route).was_done);
    CHECK(gate.count<ReceiveFrom>() == 2);
}
