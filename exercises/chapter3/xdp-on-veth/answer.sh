# Exercise: attach progs/chapter3/hello.bpf.o to the interface `near`, send packets, show the link, detach.
# `./loader check chapter3/xdp-on-veth` runs this where there are `near` and, at its other end, 10.8.0.2.

loader list links
ping -c 2 -W 1 10.8.0.2 > /dev/null
