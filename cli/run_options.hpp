// What run, plan and step are asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <libminibpf/kernel/encode.hpp>

#include "narration.hpp"

namespace cli {

/// What to load, and what to do with it once it is loaded. Shared by run, plan and step.
struct RunOptions {
    std::string object;  ///< a .o, a .bpf.c, raw instructions with --type, or "-"
    std::vector<std::string> cflags;
    std::string type;
    std::string license = "GPL";  ///< of raw instructions, which carry none
    std::vector<std::string> programs;
    bool is_plan = false;  ///< no call is made: then objects for machines of the other byte order are shown as well
    bool keep_going = false;
    std::string btf;                  ///< a file for CO-RE to go by
    std::vector<std::string> map;     ///< MAP.FIELD=VALUE
    std::vector<std::string> target;  ///< PROGRAM=ID or PROGRAM=PATH: the loaded program that a program is for
    std::string pin_directory = "/sys/fs/bpf";
    std::vector<std::string> attach;  ///< PROGRAM=HOOK, or HOOK when there is one program
    bool no_attach = false;
    bool use_link = false;
    bool use_older = false;
    bool tracefs_kprobes = false;
    std::optional<int> pid;           ///< user-space probes in this process only
    std::vector<std::string> cookie;  ///< PROGRAM=NUMBER, or NUMBER for all
    std::optional<std::uint32_t> maxactive;
    std::uint32_t log_level = 0;      ///< of the verifier
    std::vector<std::string> set;     ///< VARIABLE=VALUE
    std::vector<std::string> update;  ///< MAP[KEY]=VALUE
    std::vector<std::string> events;  ///< MAP or MAP:TYPE
    std::vector<std::string> show;    ///< maps
    int interval_ms = 2000;
    std::string command;
    std::optional<int> duration_ms;
    std::optional<long> count;
    bool all_lines = false;
    bool quiet = false;
    Trace trace;
    bool explain = false;
    minibpf::AttrSize attr_size = minibpf::AttrSize::minimal;
};

/// Those that say what to load, and how; OBJECT is not required yet.
void declare_load_options(CLI::App& app, RunOptions& options);

/// All options, without the examples.
void declare_run_options(CLI::App& app, RunOptions& options);

}  // namespace cli
