// SPDX-License-Identifier: MIT OR GPL-2.0
// Subprograms, static and global, in sections of any name, which call one another across them.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define IN(section_name) __noinline __attribute__((section(section_name)))

IN("helpers") int in_helpers(int x) { return x + 1 + (bpf_get_smp_processor_id() == ~0u); }

static IN("more/helpers") int in_more_helpers(int x) { return in_helpers(x) * 2; }

IN(".text.unlikely") int in_cold_text(int x) { return in_more_helpers(x) + 3; }

static IN("tc") int in_section_of_program(int x) { return in_cold_text(x) * 5; }

SEC("tc") int all(void *ctx) { return in_section_of_program(7); }

SEC("xdp") int some(void *ctx) { return in_helpers(1); }
