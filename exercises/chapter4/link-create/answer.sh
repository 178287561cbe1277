# Exercise: let the trace of progs/hello.bpf.o, a program at a tracepoint, show bpf(BPF_LINK_CREATE, ...).

loader --trace=calls.txt progs/hello.bpf.o -c true
grep -e SET_BPF -e LINK_CREATE calls.txt
