loader --link --trace=calls.txt progs/hello.bpf.o -c true
grep LINK_CREATE calls.txt
