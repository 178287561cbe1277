#pragma once
// A cgroup of a test's own.

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tests/skip.hpp>

namespace minibpf::test {

/// A group with this process in it, gone when the test is over. Skips the test where there can be none; while it lives,
/// nothing may be skipped, for that ends the process and leaves the group.
class TestCgroup {
public:
    TestCgroup() {
        if (!std::filesystem::exists(mount_ + "/cgroup.procs")) mount_ += "/unified";  // beside groups of version 1
        if (!std::filesystem::exists(mount_ + "/cgroup.procs")) {
            mount_ = (std::filesystem::temp_directory_path() / ("minibpf-cgroup-" + std::to_string(getpid()))).string();
            std::filesystem::create_directory(mount_);
            is_mounted_ = mount("none", mount_.c_str(), "cgroup2", 0, nullptr) == 0;
        }
        if (!std::filesystem::exists(mount_ + "/cgroup.procs")) {
            rmdir(mount_.c_str());
            skip_unless_kernel_has("cgroups", false);
        }
        std::ifstream groups("/proc/self/cgroup");
        for (std::string line; std::getline(groups, line);) {
            if (line.starts_with("0::")) before_ = mount_ + line.substr(3);
        }
        path_ = mount_ + "/minibpf-test-" + std::to_string(getpid());
        std::filesystem::create_directory(path_);
        enter(path_);
    }
    ~TestCgroup() {
        enter(before_);
        // Busybox's timeout(1), by which commands are run, has a watcher that lives on for a second.
        for (int tries = 0; rmdir(path_.c_str()) != 0 && errno == EBUSY && tries < 400; ++tries) usleep(50'000);
        if (!is_mounted_) return;
        umount(mount_.c_str());
        rmdir(mount_.c_str());
    }
    TestCgroup(const TestCgroup&) = delete;
    TestCgroup& operator=(const TestCgroup&) = delete;

    const std::string& path() const { return path_; }

private:
    static void enter(const std::string& group) { std::ofstream(group + "/cgroup.procs") << getpid(); }

    std::string mount_ = "/sys/fs/cgroup";
    std::string before_, path_;
    bool is_mounted_ = false;
};

}  // namespace minibpf::test
