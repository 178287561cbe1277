// From a refusal to an Error: its name, whose turn it is, and what to try.
#include <cerrno>

#include <tests/catch.hpp>

#include <libminibpf/kernel/kernel_error.hpp>

using namespace minibpf;

namespace {

ErrorDetail refused(int error, std::string hint = {}, std::string log = {}) {
    const Answer answer{.value = -1, .error = error};
    return kernel_error("creating map 'config'", MapCreate{}, answer, std::move(hint), std::move(log)).detail();
}

}  // namespace

TEST_CASE("a refused call is an error with its name, its errno and what to try", "[kernel][error]") {
    const ErrorDetail detail = refused(EINVAL);
    CHECK(detail.doing == "creating map 'config'");
    CHECK(detail.call == "bpf(BPF_MAP_CREATE)");
    CHECK(detail.code == EINVAL);
    CHECK(detail.blame == Blame::kernel);
    CHECK(detail.hint.empty());  // it can mean anything
    CHECK(refused(EINVAL, "look at its key size").hint == "look at its key size");
    CHECK_THAT(refused(ENOMEM).hint, test::contains("ulimit -l"));
    CHECK_THAT(refused(EMFILE).hint, test::contains("ulimit -n"));
    CHECK_THAT(refused(E2BIG).hint, test::contains("newer kernel"));
}

TEST_CASE("missing privileges and features are no fault of the caller", "[kernel][error]") {
    for (const int error : {EPERM, EACCES}) {
        CHECK(refused(error).blame == Blame::facility);
        CHECK_THAT(refused(error).hint, test::contains("CAP_BPF"));
    }
    CHECK(refused(ENOSYS).blame == Blame::facility);
    CHECK_THAT(refused(ENOSYS).hint, test::contains("CONFIG_BPF_SYSCALL"));
    CHECK(refused(EOPNOTSUPP).blame == Blame::facility);
}

TEST_CASE("where the kernel has written a log, the program is to blame, whatever the errno", "[kernel][error]") {
    const ErrorDetail detail = refused(EACCES, {}, "R0 !read_ok");
    CHECK(detail.blame == Blame::kernel);
    CHECK(detail.kernel_log == "R0 !read_ok");
    CHECK(detail.hint.empty());  // the log says more than "run as root"
}
