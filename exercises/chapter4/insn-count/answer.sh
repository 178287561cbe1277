# Exercise: how many instructions do these two programs have when they are loaded (insn_cnt of BPF_PROG_LOAD), and how many
# after the verifier? Print hello_func.loaded=, hello_func.translated=, config.loaded=, config.translated=, and the one for which
# both numbers are the same: same=hello_func, same=config, same=both or same=none.

loader -q --trace=calls.txt progs/chapter3/hello_func.bpf.o --no-attach
loader -q --trace=calls.txt progs/chapter4/hello_buffer_config_raw_tp.bpf.o --no-attach
