loader -q progs/chapter2/hello_tail.bpf.o --update 'syscalls[59]=hello_exec' --update 'syscalls[222]=hello_timer' \
       --update 'syscalls[226]=hello_timer' --update 'syscalls[1]=ignore_opcode' \
       -c 'loader list progs; loader map get syscalls 59 > slot' | grep hello
echo "slot59=$(cut -d' ' -f2 slot)"
