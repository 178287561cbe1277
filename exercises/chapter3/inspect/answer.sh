# Exercise: what does the kernel know of the program inspect_me, which somebody else has loaded? Print five lines:
# id=NUMBER  tag=HEX  xlated=BYTES  jited=BYTES  map=NUMBER

loader list progs
echo "id=?"
