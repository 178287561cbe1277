#pragma once
// A program to be attached, of no object: its section's name says where.

#include <string>

#include <libminibpf/load/object.hpp>
#include <tests/fake_gate.hpp>

namespace minibpf::test {

/// A loaded program of this section name.
struct Loaded {
    ProgramSpec spec;
    Program program;

    Loaded(KernelGate& gate, const std::string& section)
        : spec{.name = "hello", .section = section, .kind = parse_section_name(section)},
          program(spec, Fd(gate, gate.enter(ProgLoad{}).fd())) {}
};

}  // namespace minibpf::test
