// Where a command's narration goes, and the gate of the commands that only ask.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>

namespace cli {

/// --trace[=FILE]: what was asked for, "-" for standard error. Nothing: not asked for.
using Trace = std::optional<std::string>;

void declare_trace(CLI::App& app, Trace& trace);

/// Where the narration goes: standard error, or the file of --trace=FILE.
class NarrationFile {
public:
    explicit NarrationFile(const Trace& trace);
    NarrationFile(const NarrationFile&) = delete;
    NarrationFile& operator=(const NarrationFile&) = delete;

    std::FILE* get() const noexcept { return owned_ ? owned_.get() : stderr; }

    /// To be called at the end: a trace that could not be written whole is an error.
    void finish() const;

private:
    struct Closer {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };

    char buffer_[4096];
    std::unique_ptr<std::FILE, Closer> owned_;
};

/// The gate of a command whose answer is what one wants to read: the kernel's, and with --trace a narrated one.
class QueryGate {
public:
    explicit QueryGate(const Trace& trace);

    minibpf::KernelGate& get() noexcept { return is_traced_ ? static_cast<minibpf::KernelGate&>(narrating_) : live_; }
    void finish() const { file_.finish(); }

private:
    bool is_traced_;
    NarrationFile file_;
    minibpf::LiveGate live_;
    minibpf::NarratingGate narrating_;
};

}  // namespace cli
