// minibpf: everything between a BPF object file and a running program, with nothing below it but system calls.
//
// The rooms, in the order in which data flows; each may use those above it:
//
//     base/       errors, bounds-checked bytes
//     elf/        bytes -> sections, symbols, relocation records
//     btf/        bytes -> types; values to text and back
//     insn/       the instruction as text
//     object/     ELF + BTF -> ObjectSpec { MapSpec, ProgramSpec, variables }; section names and hooks
//     relocate/   functions -> a program's final instructions
//     kernel/     Syscall (a value per command), KernelGate, LiveGate, Fd, Mapping, encode()
//     load/       ObjectSpec + gate -> Object { Map, Program }
//     attach/     Program + gate -> Link
//     events/     perf buffer, ring buffer, trace_pipe, packets, map views, names for stacks
//     narrate/    the other gates: strace mirror, stepping, dry run, fault injection
//
// The shortest program that uses it all:
//
//     minibpf::LiveGate gate;
//     minibpf::Object object = minibpf::load(gate, minibpf::open_object(gate, "hello.bpf.o"));
//     minibpf::Link link = minibpf::attach(gate, object.require_program("hello"));
//
// A header that is public says so by its `#pragma GCC visibility`: what stands between push and pop can be used from
// outside the shared library, and only such headers are installed. This one includes all of them.
//
// Errors are minibpf::Error, with five parts (base/error.hpp). What is loaded is unloaded when its owner dies.
#pragma once

/// Everything between a BPF object file and a running program. From there on: open_object(), load(), attach().
namespace minibpf {}

/// BTF, the types of objects and of the kernel.
namespace minibpf::btf {}

/// ELF files, as far as BPF needs them.
namespace minibpf::elf {}

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/link_operations.hpp>
#include <libminibpf/attach/machine.hpp>
#include <libminibpf/attach/probe_pattern.hpp>
#include <libminibpf/attach/probes.hpp>
#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/attach/tracepoint_format.hpp>
#include <libminibpf/attach/usdt.hpp>
#include <libminibpf/base/bytes.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/btf.hpp>
#include <libminibpf/btf/value.hpp>
#include <libminibpf/events/map_view.hpp>
#include <libminibpf/events/packets.hpp>
#include <libminibpf/events/perf_buffer.hpp>
#include <libminibpf/events/poller.hpp>
#include <libminibpf/events/ring_buffer.hpp>
#include <libminibpf/events/stack_symbols.hpp>
#include <libminibpf/events/trace_pipe.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/compile.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/loader.hpp>
#include <libminibpf/load/pinning.hpp>
#include <libminibpf/load/references.hpp>
#include <libminibpf/load/test_run.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>
#include <libminibpf/narrate/stepping_gate.hpp>
#include <libminibpf/object/object_spec.hpp>
