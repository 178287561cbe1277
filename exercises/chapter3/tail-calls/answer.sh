# Exercise: load the tail-call example with its table filled, list its programs, and say which one is in slot 59:
# slot59=NUMBER, the number of hello_exec.

loader -q progs/chapter2/hello_tail.bpf.o -c 'loader list progs' | grep -v Another
