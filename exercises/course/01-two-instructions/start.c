// Step 1 of the course: two instructions, by hand, into the kernel. The tasks are in
// exercises/course/01-two-instructions/README.md.
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

static __attribute__((unused)) void not_written(const char *task)
{
    fprintf(stderr, "not written yet: task %s of exercises/course/01-two-instructions/README.md\n", task);
    exit(1);
}

// Task 1.1: the program. r0 = number; exit
static void write_program(struct bpf_insn insns[2], int number)
{
    (void)insns;
    (void)number;
    not_written("1.1");
}

// Task 1.2: BPF_PROG_LOAD. Answers the program's descriptor, or -1 with errno.
static int load_program(const struct bpf_insn insns[2])
{
    (void)insns;
    not_written("1.2");
    return -1;
}

// Task 1.3: BPF_PROG_TEST_RUN. Answers 0 and puts what the program has returned into *answer, or -1 with errno.
static int run_program(int prog_fd, unsigned *answer)
{
    (void)prog_fd;
    (void)answer;
    (void)bpf;
    not_written("1.3");
    return -1;
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
