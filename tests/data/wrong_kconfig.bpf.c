// SPDX-License-Identifier: MIT OR GPL-2.0
// Options of types that none can be written into. Each is in a section of its own, and a test makes one of them .kconfig.
#include <minibpf_helpers.h>

#define OPTION(name) __attribute__((section(".kconfig." name)))

struct pair {
    int first, second;
};
enum other { OTHER };

extern struct pair CONFIG_STRUCT OPTION("struct");
extern float CONFIG_FLOAT OPTION("float");
extern int *CONFIG_POINTER OPTION("pointer");
extern enum other CONFIG_ENUM OPTION("enum");
extern int CONFIG_NUMBERS[4] OPTION("numbers");
extern __int128 CONFIG_WIDE OPTION("wide");
extern int CONFIG_FUNCTION(void) OPTION("function");

int sink;

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    sink = CONFIG_STRUCT.first + *(int *)&CONFIG_FLOAT + (CONFIG_POINTER != 0) + CONFIG_ENUM + CONFIG_NUMBERS[0] +
           (int)CONFIG_WIDE;
    return CONFIG_FUNCTION();
}

char LICENSE[] SEC("license") = "GPL";
