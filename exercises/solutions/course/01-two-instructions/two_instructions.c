// Step 1 of the course, solved: two instructions, by hand, into the kernel.
//
//     cc -Wall -o two_instructions two_instructions.c && sudo ./two_instructions 42
//
// Man pages: bpf(2), syscall(2).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

// bpf(2) has no wrapper in the C library: syscall() makes it by its number.
static int bpf(enum bpf_cmd command, union bpf_attr *attr, unsigned size)
{
    return (int)syscall(__NR_bpf, command, attr, size);
}

// Task 1.1: the program. r0 = number; exit
static void write_program(struct bpf_insn insns[2], int number)
{
    memset(insns, 0, 2 * sizeof insns[0]);
    insns[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    insns[0].dst_reg = BPF_REG_0;
    insns[0].imm = number;
    insns[1].code = BPF_JMP | BPF_EXIT;
}

// Task 1.2: BPF_PROG_LOAD. Answers the program's descriptor, or -1 with errno.
static int load_program(const struct bpf_insn insns[2])
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
    attr.insns = (unsigned long)insns;
    attr.insn_cnt = 2;
    attr.license = (unsigned long)"GPL";
    return bpf(BPF_PROG_LOAD, &attr, sizeof attr);
}

// Task 1.3: BPF_PROG_TEST_RUN. Answers 0 and puts what the program has returned into *answer, or -1 with errno.
static int run_program(int prog_fd, unsigned *answer)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.test.prog_fd = (unsigned)prog_fd;
    if (bpf(BPF_PROG_TEST_RUN, &attr, sizeof attr) < 0)
        return -1;
    *answer = attr.test.retval;
    return 0;
}

int main(int argc, char **argv)
{
    const int number = argc > 1 ? atoi(argv[1]) : 42;
    struct bpf_insn insns[2];
    write_program(insns, number);

    const int prog_fd = load_program(insns);
    if (prog_fd < 0) {
        fprintf(stderr, "the kernel did not take the program: %s\n", strerror(errno));
        return 1;
    }
    unsigned answer = 0;
    if (run_program(prog_fd, &answer) < 0) {
        fprintf(stderr, "the kernel did not run the program: %s\n", strerror(errno));
        return 1;
    }
    printf("the program answered %u\n", answer);
    close(prog_fd); // the last descriptor of a program that is attached nowhere: the kernel frees it
    return 0;
}
