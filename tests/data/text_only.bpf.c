// SPDX-License-Identifier: MIT OR GPL-2.0
// No SEC() anywhere: the program's type is for the user to say. No license either.
#include <minibpf_helpers.h>

__noinline int called(int x) { return x + (int)bpf_get_smp_processor_id(); }

int entry(void *ctx) { return called(1); }
