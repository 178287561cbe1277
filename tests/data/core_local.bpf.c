// SPDX-License-Identifier: MIT OR GPL-2.0
// Every kind of CO-RE relocation, one to a function that is named after what it asks. The types are what a program knows of
// the kernel's, which core_kernel.bpf.c has.
#include <minibpf_helpers.h>

// The last argument is the kind, as clang counts them in each family.
#define byte_offset(access) __builtin_preserve_field_info(access, 0)
#define byte_size(access) __builtin_preserve_field_info(access, 1)
#define exists(access) __builtin_preserve_field_info(access, 2)
#define is_signed(access) __builtin_preserve_field_info(access, 3)
#define lshift(access) __builtin_preserve_field_info(access, 4)
#define rshift(access) __builtin_preserve_field_info(access, 5)
#define type_exists(type) __builtin_preserve_type_info(*(type *)0, 0)
#define type_size(type) __builtin_preserve_type_info(*(type *)0, 1)
#define type_id_local(type) __builtin_btf_type_id(*(type *)0, 0)
#define type_id_target(type) __builtin_btf_type_id(*(type *)0, 1)
#define enumval_exists(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
#define enumval_value(type, value) __builtin_preserve_enum_value(*(type *)value, 1)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct inner {
    int deep;
};

enum color { RED = 1, GREEN, MAUVE, BLUE___old = 0x7fffffff };

struct other;
struct thing {
    unsigned int moved;
    int in_union;
    int in_struct;
    struct inner nested;
    int array[8];
    struct inner rows[2];
    unsigned int grown;
    int grown_signed;
    struct other *pointer;
    int became_pointer;
    unsigned int high : 5;
    int signed_bits : 3;
    enum color color;
    struct thing *next;
    char shrunk[8];
    int gone;
    unsigned char tail[];
};

struct thing___mine {
    int gone, moved;
};

struct packed_bits {
    unsigned int across : 20;
    unsigned long long much : 50;
};

struct twice {
    int only_here, same, differs;
};
struct missing {
    int member;
};

typedef struct {
    int counter;
} counter_t;
typedef int (*callback_t)(struct thing *, int);
typedef void (*callback_t___two)(struct thing *);

union any {
    int as_int;
};
struct any___struct {
    int as_int;
};

#pragma clang attribute pop

#define ask(name, question) \
    SEC("raw_tp/sys_enter") u64 name(struct thing *it) { return question; }
#define ask_of(name, type, question) \
    SEC("raw_tp/sys_enter") u64 name(type *it) { return question; }

ask(offset, byte_offset(it->moved));
ask(offset_in_anonymous_union, byte_offset(it->in_union));
ask(offset_in_anonymous_struct, byte_offset(it->in_struct));
ask(offset_nested, byte_offset(it->nested.deep));
ask(offset_element, byte_offset(it->array[3]));
ask(offset_past_the_array, byte_offset(it->array[5]));
ask(offset_in_row, byte_offset(it->rows[1].deep));
ask(offset_of_root_element, byte_offset(it[1].moved));
ask(offset_in_flexible_array, byte_offset(it->tail[5]));
ask(offset_gone, byte_offset(it->gone));
ask(offset_incompatible, byte_offset(it->became_pointer));
ask(offset_bits, byte_offset(it->high));
ask_of(offset_of_flavour, struct thing___mine, byte_offset(it->moved));
ask_of(offset_in_missing, struct missing, byte_offset(it->member));

ask(size, byte_size(it->grown));
ask(size_of_array, byte_size(it->shrunk));
ask(size_of_element, byte_size(it->rows[1]));
ask(size_of_nested, byte_size(it->nested));
ask(size_gone, byte_size(it->gone));

ask(exists_yes, exists(it->nested.deep));
ask(exists_element, exists(it->array[3]));
ask(exists_no, exists(it->gone));
ask(exists_no_element, exists(it->array[5]));
ask(exists_incompatible, exists(it->became_pointer));
ask_of(exists_in_missing, struct missing, exists(it->member));

ask(signed_unsigned, is_signed(it->moved));
ask(signed_int, is_signed(it->grown_signed));
ask(signed_bits, is_signed(it->signed_bits));
ask(signed_enum, is_signed(it->color));
ask(signed_gone, is_signed(it->gone));

ask(lshift_bits, lshift(it->high));
ask(rshift_bits, rshift(it->high));
ask(lshift_whole, lshift(it->moved));
ask(rshift_whole, rshift(it->grown));
ask(lshift_gone, lshift(it->gone));
ask(rshift_gone, rshift(it->gone));
ask_of(offset_across, struct packed_bits, byte_offset(it->across));
ask_of(size_across, struct packed_bits, byte_size(it->across));
ask_of(lshift_across, struct packed_bits, lshift(it->across));
ask_of(rshift_across, struct packed_bits, rshift(it->across));

ask(id_local, type_id_local(struct thing));
ask(id_target, type_id_target(struct thing));
ask(id_target_missing, type_id_target(struct missing));
ask(type_exists_yes, type_exists(struct thing));
ask(type_exists_no, type_exists(struct missing));
ask(type_exists_typedef, type_exists(counter_t));
ask(type_exists_function, type_exists(callback_t));
ask(type_exists_other_function, type_exists(callback_t___two));
ask(type_exists_other_kind, type_exists(struct any___struct));
ask(size_of_type, type_size(struct thing));
ask(size_of_missing, type_size(struct missing));

ask(enumerator_exists, enumval_exists(enum color, GREEN));
ask(enumerator_exists_no, enumval_exists(enum color, MAUVE));
ask(enumerator_value, enumval_value(enum color, GREEN));
ask(enumerator_of_flavour, enumval_value(enum color, BLUE___old));
ask(enumerator_value_gone, enumval_value(enum color, MAUVE));

// Loads and stores that take the offset into themselves.
ask(load, it->moved);
ask(load_grown, it->grown);
ask(load_grown_signed, it->grown_signed);
ask(load_pointer, (u64)it->pointer);
ask(load_array, *it->array);
ask(load_gone, it->gone);
ask(load_incompatible, it->became_pointer);
ask(store, (it->moved = 1, 0));
ask_of(load_only_here, struct twice, it->only_here);
ask_of(load_same, struct twice, it->same);
ask_of(load_differs, struct twice, it->differs);

// A subprogram that two programs share.
__noinline int shared(struct thing *it) { return it->nested.deep; }
ask(calls_shared, shared(it) + it->moved);
ask(calls_shared_too, it->in_union + shared(it));

char LICENSE[] SEC("license") = "GPL";
