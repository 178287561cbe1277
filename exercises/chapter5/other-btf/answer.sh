# Exercise: at which offset of task_struct does exercises/checker/offsets.bpf.o read tgid, when it is loaded for this kernel
# (kernel=), and when it is loaded for the types of exercises/checker/other_kernel.bpf.o (other=)?

loader inspect exercises/checker/offsets.bpf.o --disasm
