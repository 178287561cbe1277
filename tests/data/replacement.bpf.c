// SPDX-License-Identifier: MIT OR GPL-2.0
// What is put in place of another program's function, and what runs before and after one.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

u64 entered, left;

SEC("freplace/replaceable") int replacement(int x) { return x + 100; }

SEC("?fentry/entry") int before(void *ctx) {
    ++entered;
    return 0;
}

SEC("?fexit/entry") int after(void *ctx) {
    ++left;
    return 0;
}

SEC("?freplace/no_such_function") int of_nothing(int x) { return x; }
