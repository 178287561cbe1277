# Exercise: load progs/chapter4/hello_buffer_config_raw_tp.bpf.o, pin its program in /sys/fs/bpf, end the loader. The program is
# to be loaded still.

loader -q progs/chapter4/hello_buffer_config_raw_tp.bpf.o -c 'loader list progs'
