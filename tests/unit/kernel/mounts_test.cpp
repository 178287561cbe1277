#include <libminibpf/kernel/mounts.hpp>
#include <tests/catch.hpp>

using namespace minibpf;

TEST_CASE("mounts are read in their order, with blanks in names, and other lines are passed over", "[kernel][mounts]") {
    const std::vector<MountedAt> mounts =
        parse_mounts("bpf /sys/fs/bpf bpf rw 0 0\nnone /mnt/a\\040b tmpfs rw 0 0\n\nhalf /x\nx /tail\\04 bpf\n");
    REQUIRE(mounts.size() == 3);
    CHECK(mounts[0].directory == "/sys/fs/bpf");
    CHECK(mounts[0].filesystem == "bpf");
    CHECK(mounts[1].directory == "/mnt/a b");
    CHECK(mounts[1].filesystem == "tmpfs");
    CHECK(mounts[2].directory == "/tail\\04");
    CHECK(parse_mounts("").empty());
}
