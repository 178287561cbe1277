# numbers NAME OBJECT PROGRAM
numbers() {
    loader -q --trace=calls.txt "$2" --no-attach -c "loader list progs > progs.txt; loader prog dump \$(awk -v pid=\$PPID '\$3 == \"$3\" && \$0 ~ \" \" pid \" loader\" { print \$1 }' progs.txt) > dump.txt"
    loaded=$(grep -o 'insn_cnt=[0-9]*' calls.txt | cut -d= -f2)
    translated=$(tail -n 1 dump.txt | cut -d' ' -f1)
    echo "$1.loaded=$loaded"
    echo "$1.translated=$translated"
    [ "$loaded" != "$translated" ] || same=$([ -n "$same" ] && echo both || echo "$1")
}
numbers hello_func progs/chapter3/hello_func.bpf.o hello_func
numbers config progs/chapter4/hello_buffer_config_raw_tp.bpf.o hello
echo "same=${same:-none}"
