# The loader detaches when the command has ended.
loader -q progs/chapter3/hello.bpf.o --attach hello=xdp:near -c 'ping -c 2 -W 1 10.8.0.2 > /dev/null; loader list links'
