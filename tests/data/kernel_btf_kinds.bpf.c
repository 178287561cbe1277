// SPDX-License-Identifier: MIT OR GPL-2.0
// Every kind of BTF that clang 14 writes, for what older kernels are given instead.
#include <minibpf_helpers.h>

#define __tag(text) __attribute__((btf_decl_tag(text)))
#define __user __attribute__((btf_type_tag("user")))

char LICENSE[] SEC("license") = "GPL";

enum color { RED, GREEN = 5, BELOW = -1 };

struct __tag("a struct") shapes {
    union {
        int a __tag("a member");
        long b;
    };
    unsigned x : 3;
    enum color color : 5;
    float f;
    const char __user *name;
    int (*call)(int, char *);
    struct later *later;
};

struct shapes shapes;
const volatile enum color level = GREEN;
float ratio = 1.5f;
static u64 calls;
int in_odd_section SEC("?odd/section") = 1;

typedef int number __tag("a typedef");

__noinline int global_function(number n __tag("a parameter")) {
    static volatile int in_function = 3;
    return n + in_function;
}

SEC("raw_tp/sys_enter") int program(void *ctx) {
    calls++;
    return global_function(shapes.a + level);
}
