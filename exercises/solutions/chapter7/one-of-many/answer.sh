loader -q progs/chapter7/hello.bpf.o --program raw_tp_exec --events output:data_t -c /bin/true
