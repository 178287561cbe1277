/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Chapter 6: what the programs and user space agree on.
 */
#ifndef HELLO_VERIFIER_H
#define HELLO_VERIFIER_H

struct data_t {
    int pid;
    int uid;
    int counter;
    char command[16];
    char message[12];
};

struct msg_t {
    char message[12];
};

#endif
