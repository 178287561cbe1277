// Netlink messages: what is written is read again, and what is cut off anywhere is never read past its end.
#include <linux/rtnetlink.h>

#include <tests/catch.hpp>

#include <libminibpf/kernel/netlink.hpp>

using namespace minibpf;

namespace {

NetlinkMessage sample() {
    NetlinkMessage message(RTM_NEWTFILTER, NLM_F_ACK, 7);
    message.append(tcmsg{});
    message.add_string(TCA_KIND, "bpf");
    const std::size_t options = message.begin_nested(TCA_OPTIONS);
    message.add(8, std::uint32_t{1});
    message.end_nested(options);
    return message;
}

}  // namespace

TEST_CASE("a netlink message is read as it was written", "[kernel][netlink]") {
    const NetlinkMessage message = sample();
    const std::vector<NetlinkPart> parts = netlink_parts(message.bytes());
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].header.nlmsg_len == message.bytes().size());
    CHECK(parts[0].header.nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK));
    const auto attributes = netlink_attributes(parts[0].payload.subspan(sizeof(tcmsg)));
    REQUIRE(attributes);
    REQUIRE(attributes->size() == 2);
    CHECK(string_at((*attributes)[0].payload, 0) == "bpf");
    CHECK((*attributes)[1].type == (TCA_OPTIONS | NLA_F_NESTED));
    const auto nested = netlink_attributes((*attributes)[1].payload);
    REQUIRE(nested);
    CHECK(read_at<std::uint32_t>(nested->at(0).payload, 0) == 1u);
}

TEST_CASE("a netlink message that is cut off holds no part, and its attributes are refused", "[kernel][netlink]") {
    const NetlinkMessage message = sample();
    const Bytes whole(message.bytes().begin(), message.bytes().end());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(netlink_parts(cut).empty());
    }
    CHECK_FALSE(netlink_attributes(ByteView(whole).subspan(0, 3)));
    CHECK_FALSE(netlink_error(
        {.header =
             {.nlmsg_len = 0, .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = NLM_F_ACK_TLVS, .nlmsg_seq = 0, .nlmsg_pid = 0},
         .payload = ByteView(whole).subspan(0, 19)}));
}
