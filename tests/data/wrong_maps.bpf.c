// SPDX-License-Identifier: MIT OR GPL-2.0
// Map definitions that say what cannot be, each in a section of its own. A test gives one after the other the name .maps.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct incomplete_t;
int a_function(void);

struct inner_t {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
};

struct {
    __type(key, u32);
    __type(value, u32);
    __uint(max_entries, 3);
} without_type SEC(".maps.without_type");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(pinning, 7);
} wrong_pinning SEC(".maps.wrong_pinning");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    int max_entries;
} plain_number SEC(".maps.plain_number");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(max_entries, u32);
} type_for_number SEC(".maps.type_for_number");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    u32 key;
} plain_key SEC(".maps.plain_key");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    struct incomplete_t *value;
} incomplete_value SEC(".maps.incomplete_value");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    enum { one_number = 3, another_number = 4 } map_extra;
} two_numbers SEC(".maps.two_numbers");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(value, u32);
    __uint(value_size, 12);
} two_sizes SEC(".maps.two_sizes");

struct {
    __type(key, u32);
    __array(values, struct inner_t);
} values_first SEC(".maps.values_first");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __array(values, struct inner_t);
} values_in_hash SEC(".maps.values_in_hash");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    struct inner_t values[2];
} values_no_pointers SEC(".maps.values_no_pointers");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __array(values, int);
} values_no_maps SEC(".maps.values_no_maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __array(values, struct inner_t);
} values_no_programs SEC(".maps.values_no_programs");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(pinning, 1);
        });
} pinned_inner SEC(".maps.pinned_inner");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
            __array(values, struct inner_t);
        });
} inner_of_inner SEC(".maps.inner_of_inner");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __array(
        values, struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entrys, 1);
        });
} wrong_inner SEC(".maps.wrong_inner");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __array(values, struct { __uint(max_entries, 1); });
} inner_without_type SEC(".maps.inner_without_type");

int no_struct SEC(".maps.no_struct");

SEC("raw_tp/sys_enter") int hello(void *ctx) { return 0; }
