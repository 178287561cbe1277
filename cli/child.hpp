// The command of -c: run once everything is attached.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace cli {

class Child {
public:
    /// Starts `/bin/sh -c command`. Throws minibpf::Error when it cannot.
    explicit Child(const std::string& command);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();  ///< ends it if it still runs: SIGTERM, and SIGKILL a second later

    /// Whether it has ended; remembers how.
    bool has_ended();
    /// "ended with status 1", "was killed by signal 9"; empty when it succeeded.
    std::string complaint() const;

private:
    pid_t pid_ = -1;
    std::optional<int> status_;
};

}  // namespace cli
