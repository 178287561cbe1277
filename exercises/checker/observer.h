/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * What observer.bpf.c tells of each bpf() call. Both sides include this file.
 */
#ifndef OBSERVER_H
#define OBSERVER_H

enum { OBSERVED_ATTR = 128, OBSERVED_TEXT = 96 };

struct observed_call {
    int pid;               /* of the process */
    unsigned int command;  /* BPF_MAP_CREATE, ... */
    unsigned int size;     /* of attr, as the caller said */
    unsigned int padding;
    long long result;      /* a descriptor, 0, or a negative errno */
    unsigned long long attr_address;
    char comm[16];
    unsigned char attr[OBSERVED_ATTR]; /* as it was when the call began; zeros from `size` on */
    /* What attr points to: of BPF_PROG_LOAD the first instructions, of BPF_OBJ_PIN and BPF_OBJ_GET the path, of
     * BPF_RAW_TRACEPOINT_OPEN the name, of BPF_MAP_UPDATE_ELEM 32 bytes from the key on and 64 from the value on. */
    unsigned char pointed[OBSERVED_TEXT];
};

#endif
