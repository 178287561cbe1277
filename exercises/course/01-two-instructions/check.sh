# Sourced by exercises/course/check: what did the student's program do? It is run twice, with two numbers, under strace(1),
# which prints each bpf(2) with what was passed and answered.

seen() {  # WHAT PATTERN HINT…: the calls have a line like this
    local what=$1 pattern=$2
    shift 2
    if grep -qE "$pattern" "$mine/calls"; then
        printf '  ok      %s\n' "$what"
        passed=$((passed + 1))
        return
    fi
    printf '  FAILED  %s\n\n' "$what"
    sed 's/^[0-9]* *//; s/^/    /' "$mine/calls"
    failed "$@"
}

check_number() {  # NUMBER
    strace -f -v -e trace=bpf -o "$mine/calls" "$mine/program" "$1" > "$mine/said" 2>&1
    local status=$? load="BPF_PROG_LOAD, .*insn_cnt=2," insns
    if grep -q 'not written yet' "$mine/said"; then
        echo "  FAILED  it is written"
        failed "$(cat "$mine/said")"
    fi
    seen "it asks the kernel to load a program: BPF_PROG_LOAD" 'bpf\(BPF_PROG_LOAD' \
        "Task 1.2: no such call was made. What your program said:" "$(cat "$mine/said")"
    seen "the program has two instructions" 'BPF_PROG_LOAD, .*insn_cnt=2,' \
        "Task 1.2: insn_cnt counts instructions, and not bytes."
    insns="insns=\\[\\{code=BPF_ALU(64)?\\|BPF_K\\|BPF_MOV, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=$(printf '0x%x' "$1")\\}, \\{code=BPF_JMP\\|BPF_K\\|BPF_EXIT, [^}]*imm=0\\}\\]"
    seen "they are r0 = $1; exit" "$load $insns" \
        "Task 1.1: that is what the kernel read as insns=[…] in the line above. Are all other members 0?"
    seen "the kernel takes it" "$load .*\\) = [0-9]+\$" \
        "Task 1.2: it was refused. EINVAL: something in the attr that should not be there, or no license: is the union zeroed first?" \
        "EFAULT: a pointer is wrong. EPERM: bpf(2) is for root here."
    seen "the kernel runs it: BPF_PROG_TEST_RUN" 'bpf\(BPF_PROG_TEST_RUN, .*\) = 0$' \
        "Task 1.3: prog_fd is the descriptor that BPF_PROG_LOAD answered; all else of attr.test stays 0." "$(cat "$mine/said")"
    if [ "$status" != 0 ] || ! grep -qx "the program answered $1" "$mine/said"; then
        printf '  FAILED  %s\n\n' "it says what the program answered"
        sed 's/^/    /' "$mine/said"
        failed "Task 1.3: after the call the kernel has written the answer into attr.test.retval."
    fi
    printf '  ok      %s\n' "it says what the program answered: $1"
    passed=$((passed + 1))
}

if [ "$(id -u)" != 0 ]; then die 4 "loading programs needs root: sudo exercises/course/check 1"; fi
for number_given in 42 7; do
    printf '\ntwo_instructions %s\n' "$number_given"
    check_number "$number_given"
done
