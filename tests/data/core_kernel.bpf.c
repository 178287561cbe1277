// SPDX-License-Identifier: MIT OR GPL-2.0
// The types of a kernel, for the CO-RE tests: what core_local.bpf.c is relocated to. Beside each member its offset.
#include <minibpf_helpers.h>

struct inner {
    long before;
    int deep;
};

enum color { BLUE = 3, RED = 7, GREEN = 9 };

struct thing {
    long new_member;
    unsigned int moved;  // 8
    struct {
        union {
            int in_union;  // 16
            long wide;
        };
        int in_struct;  // 24
    };
    struct inner nested;                // 32
    int array[4];                       // 48
    struct inner rows[3];               // 64
    unsigned long grown;                // 112
    long grown_signed;                  // 120
    const void *pointer;                // 128
    void *became_pointer;               // 136
    unsigned int low : 3, high : 5;     // 144
    int signed_bits : 7;                // 145
    enum color color;                   // 148
    struct thing *next;                 // 152
    char shrunk[2];                     // 160
    unsigned char tail[];               // 162
};

// A bit-field that lies across the border of two ints.
struct packed_bits {
    unsigned int first : 20;
    unsigned int across : 20;
    unsigned long long much : 50;
} __attribute__((packed));

// What deduplication leaves when two parts of a kernel have different ideas of a struct.
struct twice {
    int same;
    int differs;
    int only_here;
};
struct twice___2 {
    int same;
    int other;
    int differs;
};

typedef struct {
    int counter;
} counter_t;
typedef int (*callback_t)(struct thing *, int);

union any {
    int as_int;
    char as_text[16];
};

struct thing a_thing;
struct packed_bits some_bits;
struct twice one;
struct twice___2 another;
counter_t a_counter;
callback_t a_callback;
union any any_of_them;

char LICENSE[] SEC("license") = "GPL";
