// SPDX-License-Identifier: MIT OR GPL-2.0
// Variables in an arena (Linux 6.9). Newer compilers put what is declared with an address space into this section, and
// make a pointer to it one that the kernel can follow; here that instruction is written out.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
    __uint(type, 33 /* BPF_MAP_TYPE_ARENA */);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 4);
    __ulong(map_extra, 1 << 30);
} memory SEC(".maps");

#define IN_ARENA SEC(".addr_space.1")

u32 arena_counter IN_ARENA = 5;
u64 arena_table[3] IN_ARENA = {10, 20, 30};
u8 arena_page[5000] IN_ARENA;

/* r1 = addr_space_cast(r1, 0, 1): BPF_ALU64 | BPF_MOV | BPF_X with offset 1, and 1 for the arena's address space */
#define FOLLOW(pointer) "r1 = %[" pointer "]; .byte 0xbf, 0x11, 1, 0, 1, 0, 0, 0;"

SEC("tc") int count(void *ctx) {
    u64 value, unused = bpf_get_smp_processor_id();
    if (unused == ~0ull) bpf_map_delete_elem(&memory, &unused); /* the program's arena is the one it refers to */
    asm volatile(FOLLOW("counter") "%[value] = *(u32 *)(r1 + 0); %[value] += 1; *(u32 *)(r1 + 0) = %[value];"
                 : [value] "=&r"(value)
                 : [counter] "r"(&arena_counter)
                 : "r1", "memory");
    u64 element;
    asm volatile(FOLLOW("table") "%[element] = *(u64 *)(r1 + 16);"
                 : [element] "=&r"(element)
                 : [table] "r"(&arena_table)
                 : "r1", "memory");
    return (int)(value + element);
}
