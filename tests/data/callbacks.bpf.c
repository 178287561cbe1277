// SPDX-License-Identifier: MIT OR GPL-2.0
// Functions whose addresses are passed on: to bpf_loop(), bpf_for_each_map_elem() and a timer. They are static or
// global, in .text or in the program's section.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

static long (*const for_each_map_elem)(void *map, void *callback, void *context, u64 flags) = (void *)164;
static long (*const timer_init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
static long (*const timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*const timer_start)(struct bpf_timer *timer, u64 nanoseconds, u64 flags) = (void *)171;
static long (*const loop)(u32 count, void *callback, void *context, u64 flags) = (void *)181;

struct element_t {
    u64 value;
    struct bpf_timer timer;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct element_t);
} elements SEC(".maps");

u64 sum_of_loop, sum_of_elements, timer_fired, in_section;

static long add_index(u32 index, void *context) {
    *(u64 *)context += index;
    return 0;
}

static __attribute__((section("tc"))) long add_in_section(u32 index, void *context) {
    *(u64 *)context += 2;
    return 0;
}

static long add_element(void *map, u32 *key, struct element_t *element, void *context) {
    sum_of_elements += *key + 1;
    return 0;
}

static int on_timer(void *map, u32 *key, struct element_t *element) {
    timer_fired = element->value;
    return 0;
}

SEC("tc") int all_of_them(void *ctx) {
    u64 sum = 0;
    loop(5, add_index, &sum, 0);
    sum_of_loop = sum;
    sum = 0;
    loop(5, add_in_section, &sum, 0);
    in_section = sum;
    for_each_map_elem(&elements, add_element, 0, 0);
    u32 key = 3;
    struct element_t *element = bpf_map_lookup_elem(&elements, &key);
    if (!element) return 1;
    element->value = 4711;
    if (timer_init(&element->timer, &elements, 1 /* CLOCK_MONOTONIC */)) return 2;
    if (timer_set_callback(&element->timer, on_timer)) return 3;
    if (timer_start(&element->timer, 1, 0)) return 4;
    return 0;
}
