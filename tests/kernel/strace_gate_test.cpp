// The strace mirror against strace itself: a driver makes every call of the gate, with its narration going to a file,
// under strace; then both files are compared line by line. Same process, so descriptors and addresses are equal.
#include <tests/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>
#include <tests/kernel/every_call.hpp>
#include <tests/skip.hpp>

namespace minibpf {

namespace {

constexpr const char* directory_variable = "MINIBPF_STRACE_DIRECTORY";
constexpr const char* attr_size_variable = "MINIBPF_STRACE_ATTR_SIZE";

// All that strace is asked to print, and the gate can make.
constexpr const char* all_calls =
    "trace=bpf,perf_event_open,ioctl,epoll_create1,epoll_ctl,epoll_wait,openat,read,write,lseek,getdents64,readlink,"
    "pidfd_open,pidfd_getfd,"
    "close,mkdir,unlink,"
    "mmap,munmap,mount,getpid,socket,bind,setsockopt,sendto,recvfrom";

// A directory that is gone when the test is over.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "minibpf-strace-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
        path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

std::vector<std::string> lines_of(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// What lies between the first and the last call of the driver.
std::vector<std::string> driven_lines(const std::vector<std::string>& lines) {
    const auto has = [](const char* text) {
        return [text](const std::string& line) { return line.find(text) != std::string::npos; };
    };
    const auto begin = std::find_if(lines.begin(), lines.end(), has(test::begin_path));
    return {begin, std::find_if(begin, lines.end(), has(test::end_path))};
}

// Memory that the C library and the sanitizers get for themselves does not pass through the gate.
std::vector<std::string> without_allocations(std::vector<std::string> real, const std::vector<std::string>& narrated) {
    const auto is_allocation = [&](const std::string& line) {
        if (line.find("MAP_ANONYMOUS") != std::string::npos) return true;
        return line.starts_with("munmap(") && std::find(narrated.begin(), narrated.end(), line) == narrated.end();
    };
    real.erase(std::remove_if(real.begin(), real.end(), is_allocation), real.end());
    return real;
}

// Runs a hidden test case of this program under strace, which writes to `real`; its narration goes to `narration`.
int run_under_strace(const char* calls, const char* test_case, const TemporaryDirectory& directory, AttrSize attr_size,
                     bool own_network = false) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    const std::string real = directory / "real";
    const pid_t child = fork();
    if (child == 0) {
        // strace looks for a socket's protocol in its own network namespace, so it goes along.
        if (own_network && unshare(CLONE_NEWNET) != 0) _exit(126);
        setenv(directory_variable, (directory / "").c_str(), 1);
        if (attr_size == AttrSize::book) setenv(attr_size_variable, "book", 1);
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak check is a tracer too, and there can be only one
        if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(126);
        execlp("strace", "strace", "-qq", "-o", real.c_str(), "-e", calls, self.c_str(), test_case,
               static_cast<char*>(nullptr));
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The driver's side. Lines are kept until the end: writing them in between would be among the calls that strace prints.
template <class Run>
void drive(Run run) {
    const char* directory = std::getenv(directory_variable);
    REQUIRE(directory != nullptr);
    const AttrSize attr_size = std::getenv(attr_size_variable) != nullptr ? AttrSize::book : AttrSize::minimal;
    std::vector<std::string> lines;
    LiveGate live(attr_size);
    NarratingGate gate(live, [&](std::string_view line) { lines.emplace_back(line); },
                       {.attr_size = attr_size, .reasons = false});
    test::EveryCall driver(gate, std::filesystem::path(directory) / "bpffs");
    run(driver);
    std::ofstream file(std::filesystem::path(directory) / "narration");
    for (const std::string& line : lines) file << line << '\n';
}

void check_equal(const std::vector<std::string>& narrated, const std::vector<std::string>& real) {
    int differences_to_show = 10;
    for (std::size_t i = 0; i < std::min(real.size(), narrated.size()) && differences_to_show > 0; ++i) {
        if (real[i] == narrated[i]) continue;
        CHECK(narrated[i] == real[i]);
        --differences_to_show;
    }
    CHECK(narrated.size() == real.size());
}

}  // namespace

TEST_CASE("what strace watches: all calls", "[.strace-driver]") {
    drive([](test::EveryCall& driver) { driver.run(); });
}

TEST_CASE("what strace watches: network interfaces", "[.strace-driver-offload]") {
    drive([](test::EveryCall& driver) { driver.run_offload(); });
}

TEST_CASE("what strace watches: netlink", "[.strace-driver-network]") {
    drive([](test::EveryCall& driver) { driver.run_network(); });
}

TEST_CASE("the narration is what strace prints for the same process, byte for byte", "[narrate][strace]") {
    test::require_prerequisite(geteuid() == 0, "root");
    const AttrSize attr_size = GENERATE(AttrSize::minimal, AttrSize::book);
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "bpffs");
    const int status = run_under_strace(all_calls, "[.strace-driver]", directory, attr_size);
    test::require_prerequisite(status != 127, "strace");
    REQUIRE(status == 0);
    const std::vector<std::string> real = driven_lines(lines_of(directory / "real"));
    REQUIRE(real.size() > 500);
    const std::vector<std::string> narrated = driven_lines(lines_of(directory / "narration"));
    check_equal(narrated, without_allocations(real, narrated));
}

TEST_CASE("network interfaces have the names that strace gives them", "[narrate][strace]") {
    test::require_prerequisite(geteuid() == 0, "root");
    const TemporaryDirectory directory;
    const int status = run_under_strace("trace=bpf", "[.strace-driver-offload]", directory, AttrSize::minimal);
    test::require_prerequisite(status != 127, "strace");
    REQUIRE(status == 0);
    const std::vector<std::string> real = lines_of(directory / "real");
    REQUIRE(real.size() == 4);
    CHECK(real[0].find("map_ifindex=if_nametoindex(\"lo\")") != std::string::npos);
    check_equal(lines_of(directory / "narration"), real);
}

TEST_CASE("netlink messages are narrated as strace decodes them", "[narrate][strace][network]") {
    test::require_prerequisite(geteuid() == 0, "root");
    const TemporaryDirectory directory;
    const int status = run_under_strace("trace=socket,bind,setsockopt,sendto,recvfrom", "[.strace-driver-network]",
                                        directory, AttrSize::minimal, true);
    test::require_prerequisite(status != 127, "strace");
    REQUIRE(status == 0);
    const std::vector<std::string> real = lines_of(directory / "real");
    REQUIRE(real.size() > 70);
    const auto is_decoded = [](const std::string& line) { return line.find("RTM_SETLINK") != std::string::npos; };
    // By netlink_diag strace knows what kind of netlink it sees.
    test::skip_unless_kernel_has("netlink_diag", std::any_of(real.begin(), real.end(), is_decoded));
    check_equal(lines_of(directory / "narration"), real);
}

}  // namespace minibpf
