# In -c, the loader is the parent: $PPID.
loader -q progs/chapter4/hello_buffer_config_raw_tp.bpf.o -c '
    id=$(loader list progs | grep " $PPID loader" | awk "\$3 == \"hello\" { print \$1 }")
    loader prog pin "$id" "/sys/fs/bpf/exercise_program_$PPID"' > /dev/null
