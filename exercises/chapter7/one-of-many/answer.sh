# Exercise: load, of progs/chapter7/hello.bpf.o, only the program raw_tp_exec, and show an event of it.

loader -q --keep-going progs/chapter7/hello.bpf.o --events output:data_t -c /bin/true
