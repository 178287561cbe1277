# Exercise: load progs/chapter2/hello_map.bpf.o, attach it to raw_tp:sys_enter, pin the link in /sys/fs/bpf, end the loader. The
# program is to count on.

loader -q progs/chapter2/hello_map.bpf.o --attach raw_tp:sys_enter -c 'loader list links'
