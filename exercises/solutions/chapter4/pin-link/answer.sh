loader -q progs/chapter2/hello_map.bpf.o --attach raw_tp:sys_enter -c '
    id=$(loader list links | grep " $PPID loader" | awk "{ print \$1 }")
    loader link pin "$id" "/sys/fs/bpf/exercise_link_$PPID"'
