// SPDX-License-Identifier: MIT OR GPL-2.0
// Values of every form, for an object of the other byte order: what a type says of them is needed to turn them round.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum color { RED, GREEN = 5, BELOW = -1 };

struct inner {
    u16 small;
    u64 large;
};

struct values {
    u8 byte;
    u16 half;
    s32 negative;
    enum color color;
    char text[6];
    unsigned narrow : 3;
    int signed_bits : 5;
    u64 : 4;
    u64 wide : 40;
    unsigned after : 1;
    union {
        u32 first;
        char others[12];
    };
    struct inner inners[2];
    u16 grid[2][3];
};

const volatile struct values values = {
    .byte = 0x12,
    .half = 0x1234,
    .negative = -2,
    .color = BELOW,
    .text = "hello",
    .narrow = 5,
    .signed_bits = -7,
    .wide = 0x123456789a,
    .after = 1,
    .first = 0x01020304,
    .inners = {{1, 2}, {3, 0x0102030405060708}},
    .grid = {{1, 2, 3}, {4, 5, 0xfffe}},
};

struct sequence {
    u32 count;
    u16 items[];
};

struct sequence sequence = {.count = 3, .items = {10, 20, 30}};
double ratio = 1.5;
_Bool yes = 1;
s64 least = -1;
enum color color SEC(".data.custom") = GREEN;

SEC("raw_tp/sys_enter") int program(void *ctx) { return values.half + sequence.count + least + color; }
