/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Chapter 5: what the program and user space agree on. Both include this file.
 */
#ifndef HELLO_BUFFER_CONFIG_H
#define HELLO_BUFFER_CONFIG_H

struct data_t {
    int pid;
    int uid;
    char command[16];
    char message[12];
    char path[16];
};

struct user_msg_t {
    char message[12];
};

#endif
