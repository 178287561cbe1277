# Exercise: with which program type is each of the six programs of progs/chapter7/hello.bpf.o loaded? Print six lines:
# PROGRAM BPF_PROG_TYPE_...

loader inspect progs/chapter7/hello.bpf.o | grep SEC
