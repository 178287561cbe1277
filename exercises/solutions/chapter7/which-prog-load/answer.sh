# A reason names the program, and the call follows it.
loader plan progs/chapter7/hello.bpf.o --no-attach 2>&1 | awk '
    /^# the verifier checks `/ { split($0, part, "`"); program = part[2] }
    match($0, /prog_type=[A-Z_]*/) { print program, substr($0, RSTART + 10, RLENGTH - 10) }'
