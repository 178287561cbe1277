#!/bin/sh
# Two ends of a cable for chapter 8: `near` here, at 10.8.0.1, and `far` in the network namespace `there`, at 10.8.0.2.
# Run it as root. `ip netns delete there` takes it all away.
set -e
ip netns add there
ip link add near type veth peer name far netns there
ip addr add 10.8.0.1/24 dev near
ip link set near up
ip -n there addr add 10.8.0.2/24 dev far
ip -n there link set far up
