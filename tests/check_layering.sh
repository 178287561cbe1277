#!/bin/bash
# Checks that data flows one way through the rooms of libminibpf, by reading every #include line:
#
#   - a room includes only rooms before it in the order of the pipeline; kernel/ only base/; narrate/ only what it needs for names;
#   - libelf's headers appear nowhere: elf/ reads ELF by itself;
#   - the system calls of the gate appear in kernel/live_gate.cpp alone: syscall( ioctl( mmap( close( and <unistd.h>;
#   - files are read through the gate, not by <fstream> and <filesystem>; but narrate/attr_fields.cpp looks up names of network
#     interfaces that nobody asked the kernel for;
#   - nothing that is built or read here includes libbpf or BCC; tests/ and bench/ do, to compare with.
#
# Comments and the contents of string literals do not count.
#
#   tests/check_layering.sh [ROOT]        ROOT is the repository; exit status 1 and one line per violation
#   tests/check_layering.sh --self-test   plants one violation of each kind in a small tree and expects to see each reported

set -euo pipefail
export LC_ALL=C

check() {
    local root=$1 files violations=0
    [ -d "$root/libminibpf" ] || { echo "check_layering: no libminibpf/ in $root" >&2; return 2; }
    files=$(cd "$root" && find libminibpf -name '*.?pp' | sort)
    [ -n "$files" ] || { echo "check_layering: nothing to check in $root/libminibpf" >&2; return 2; }
    # shellcheck disable=SC2086  # our file names have no spaces
    (cd "$root" && awk "$rules" $files) || violations=1
    if (cd "$root" && grep -rnE --include='*.[ch]' --include='*.[ch]pp' '^[ \t]*#[ \t]*include[ \t]*[<"](bpf/|libbpf|bcc)' \
        libminibpf $(ls -d cli examples exercises progs 2> /dev/null) | sed 's/$/  (libbpf and BCC are what minibpf does without)/' | grep .); then
        violations=1
    fi
    return $violations
}

# What awk does with every line: cut out comments and literals, then compare what is left with the rules.
rules='
BEGIN {
    allowed["base"]     = ""
    allowed["elf"]      = "base"
    allowed["btf"]      = "base elf"
    allowed["insn"]     = "base elf btf"
    allowed["object"]   = "base elf btf insn"
    allowed["relocate"] = "base elf btf insn object"
    allowed["kernel"]   = "base"
    allowed["load"]     = "base elf btf insn object relocate kernel"
    allowed["attach"]   = "base elf btf insn object relocate kernel load"
    allowed["events"]   = "base elf btf insn object relocate kernel load attach"
    allowed["narrate"]  = "base btf insn object kernel"
    violations = 0
}

function violation(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    violations++
}

function may_include(from, to) {
    return from == to || index(" " allowed[from] " ", " " to " ") > 0
}

# The line without comments; a string literal is left as "", a character literal as one blank. Remembers an open /* or R"( for the next line.
function code_of(line,    code, at, rest, close_at) {
    code = ""
    while (1) {
        if (ending != "") {
            close_at = index(line, ending)
            if (close_at == 0) return code
            line = substr(line, close_at + length(ending))
            ending = ""
        }
        if (!match(line, /\/\/|\/\*|R"[^ ()\\]*\(|"|\047/)) return code line
        at = RSTART
        rest = substr(line, at + RLENGTH)
        code = code substr(line, 1, at - 1)
        opener = substr(line, at, RLENGTH)
        if (opener == "//") return code
        if (opener == "/*") {
            code = code " "; ending = "*/"; line = rest
        } else if (opener ~ /^R"/) {
            code = code "\"\""; ending = ")" substr(opener, 3, length(opener) - 3) "\""; line = rest
        } else if (opener == "\"") {
            code = code "\"\""; line = after_literal(rest, "\"")
        } else if (code ~ /[0-9A-Fa-f]$/) {        # 1\047000: a digit separator
            line = rest
        } else {
            code = code " "; line = after_literal(rest, "\047")
        }
    }
}

function after_literal(text, quote,    i, c) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\\") i++
        else if (c == quote) return substr(text, i + 1)
    }
    return ""
}

FNR == 1 {
    ending = ""
    split(FILENAME, path, "/")
    room = path[3] == "" ? "" : path[2]            # "" for libminibpf/minibpf.hpp, which shows all rooms
    if (room != "" && !(room in allowed)) violation("the room " room "/ is not in the order that tests/check_layering.sh knows")
    live_gate = FILENAME == "libminibpf/kernel/live_gate.cpp"
}

# Include lines are read before literals are cut out: the name may be written in quotes.
ending == "" && /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    header = $0
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*$/, "", header)
    if (header ~ /^libminibpf\/[^\/]+\//) {
        split(header, path, "/")
        if (room != "" && room in allowed && !may_include(room, path[2])) violation(room "/ may not include " path[2] "/: <" header ">")
    } else if (header == "libminibpf/minibpf.hpp" && room != "") {
        violation("the rooms do not include the umbrella <" header ">")
    } else if (header ~ /^(cli|tests|examples|bench|progs|exercises)\// || header ~ /\.\.\//) {
        violation("the library includes <libminibpf/ROOM/FILE> only, not " header)
    } else if (header ~ /^(libelf|gelf|nlist|elfutils\/.*|libelf\/.*)(\.h)?$/) {
        violation("elf/ reads ELF by itself, without <" header ">")
    } else if ((header == "fstream" || header == "filesystem") && FILENAME != "libminibpf/narrate/attr_fields.cpp") {
        violation("files are read through the gate (kernel/files.hpp), not by <" header ">")
    } else if (header == "unistd.h" && !live_gate) {
        violation("<unistd.h> belongs to kernel/live_gate.cpp")
    }
    next
}

{
    code = code_of($0)
    if (live_gate || code !~ /(syscall|ioctl|mmap|close)[ \t]*\(/) next
    # A call, not a member or a longer name: file.close(), Fd::close(), and map_close() are something else.
    gsub(/[A-Za-z0-9_>)][ \t]*::[ \t]*(syscall|ioctl|mmap|close)[ \t]*\(/, " ", code)
    gsub(/(\.|->)[ \t]*(syscall|ioctl|mmap|close)[ \t]*\(/, " ", code)
    if (match(code, /(^|[^A-Za-z0-9_])(syscall|ioctl|mmap|close)[ \t]*\(/)) {
        name = substr(code, RSTART, RLENGTH)
        gsub(/[^a-z]/, "", name)
        violation(name "() belongs to kernel/live_gate.cpp; ask the gate")
    }
}

END { exit violations > 0 }
'

# --- the self-test

plant() {  # FILE LINE…: writes a small file into the tree
    mkdir -p "$tree/$(dirname "$1")"
    printf '%s\n' "${@:2}" > "$tree/$1"
}

expect() {  # WHAT PATTERN: one line of the report must match
    if grep -Eq -- "$2" <<< "$report"; then echo "caught: $1"; else echo "NOT CAUGHT: $1" >&2; failed=1; fi
}

self_test() {
    failed=0
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT

    plant libminibpf/minibpf.hpp '#include <libminibpf/base/error.hpp>' '#include <libminibpf/narrate/strace.hpp>'
    plant libminibpf/base/error.hpp '#include <string>' 'int big = 1'\''000; // close(fd)' 'const char* s = "mmap(NULL)"; /* ioctl(fd) */'
    plant libminibpf/elf/elf_file.cpp '#include <elf.h>' '#include <libminibpf/base/error.hpp>'
    plant libminibpf/kernel/live_gate.cpp '#include <unistd.h>' 'long f() { return syscall(321) + close(1); }'
    plant libminibpf/load/load.cpp '#include <libminibpf/kernel/live_gate.hpp>' '#include <libminibpf/relocate/maps.hpp>' 'void g() { file.close(); p->close(); Fd::close(); disclose(1); }' \
        'auto raw = R"(' 'close(3);' ')"; /*' 'syscall(1)' '*/'
    plant libminibpf/narrate/attr_fields.cpp '#include <filesystem>' '#include <fstream>'
    plant libminibpf/narrate/strace.cpp '#include <libminibpf/kernel/syscall.hpp>' '#include <libminibpf/insn/disassembler.hpp>'
    if ! report=$(check "$tree"); then
        printf 'NOT CLEAN: a tree without violations is reported:\n%s\n' "$report" >&2
        failed=1
    else
        echo "clean: a tree without violations"
    fi

    plant libminibpf/base/up.cpp     '#include <libminibpf/elf/elf_file.hpp>'
    plant libminibpf/elf/up.cpp      '#include <libminibpf/btf/btf.hpp>'
    plant libminibpf/object/up.cpp   '  #  include <libminibpf/kernel/fd.hpp>'
    plant libminibpf/relocate/up.cpp '#include "libminibpf/load/load.hpp"'
    plant libminibpf/kernel/up.cpp   '#include <libminibpf/insn/insn.hpp>'
    plant libminibpf/load/up.cpp     '#include <libminibpf/attach/link.hpp>'
    plant libminibpf/narrate/up.cpp  '#include <libminibpf/load/load.hpp>'
    plant libminibpf/events/up.cpp   '#include <libminibpf/narrate/strace.hpp>' '#include "../kernel/fd.hpp"' '#include <libminibpf/minibpf.hpp>'
    plant libminibpf/utils/up.hpp    '#include <string>'
    plant libminibpf/btf/libelf.cpp  '#include <gelf.h>'
    plant libminibpf/load/unistd.cpp '#include <unistd.h>'
    plant libminibpf/load/fstream.cpp '#include <fstream>'
    plant libminibpf/load/filesystem.cpp '#include <filesystem>'
    plant libminibpf/load/one.cpp    'long a = syscall(321, 5);'
    plant libminibpf/load/two.cpp    '/* a comment */ int b = ::ioctl(3, 4);'
    plant libminibpf/load/three.cpp  'void* c = mmap (nullptr, 1);'
    plant libminibpf/load/four.cpp   'int d = x("\"", 1'\''000, '\''"'\'') + close(7); // close'
    plant libminibpf/load/five.cpp   'auto raw = R"x(' ')" close(1) )x"; int e = close(2);'
    plant examples/one.cpp           '#include <bpf/libbpf.h>'
    plant progs/one.bpf.c            '#include <bpf/bpf_helpers.h>'
    plant cli/one.cpp                '#include "bcc/BPF.h"'
    report=$(check "$tree") && { echo "NOT CAUGHT: anything at all" >&2; failed=1; }
    expect "base/ including elf/"                  '^libminibpf/base/up\.cpp:1: base/ may not include elf/'
    expect "elf/ including btf/"                   '^libminibpf/elf/up\.cpp:1: elf/ may not include btf/'
    expect "the pure half including kernel/"       '^libminibpf/object/up\.cpp:1: object/ may not include kernel/'
    expect "relocate/ including load/, in quotes"  '^libminibpf/relocate/up\.cpp:1: relocate/ may not include load/'
    expect "kernel/ including more than base/"     '^libminibpf/kernel/up\.cpp:1: kernel/ may not include insn/'
    expect "load/ including attach/"               '^libminibpf/load/up\.cpp:1: load/ may not include attach/'
    expect "narrate/ including load/"              '^libminibpf/narrate/up\.cpp:1: narrate/ may not include load/'
    expect "events/ including narrate/"            '^libminibpf/events/up\.cpp:1: events/ may not include narrate/'
    expect "a path with ../"                       '^libminibpf/events/up\.cpp:2: the library includes'
    expect "a room including the umbrella"         '^libminibpf/events/up\.cpp:3: .*umbrella'
    expect "an unknown room"                       '^libminibpf/utils/up\.hpp:1: the room utils/'
    expect "libelf"                                '^libminibpf/btf/libelf\.cpp:1: elf/ reads ELF by itself'
    expect "unistd.h outside the live gate"        '^libminibpf/load/unistd\.cpp:1: <unistd\.h>'
    expect "fstream"                               '^libminibpf/load/fstream\.cpp:1: files are read through the gate'
    expect "filesystem"                            '^libminibpf/load/filesystem\.cpp:1: files are read through the gate'
    expect "syscall()"                             '^libminibpf/load/one\.cpp:1: syscall\(\)'
    expect "ioctl() after a comment"               '^libminibpf/load/two\.cpp:1: ioctl\(\)'
    expect "mmap ()"                               '^libminibpf/load/three\.cpp:1: mmap\(\)'
    expect "close() among literals"                '^libminibpf/load/four\.cpp:1: close\(\)'
    expect "close() after a raw string"            '^libminibpf/load/five\.cpp:2: close\(\)'
    expect "libbpf in an example"                  '^examples/one\.cpp:1:.*does without'
    expect "libbpf's headers for BPF programs"     '^progs/one\.bpf\.c:1:.*does without'
    expect "BCC in quotes"                         '^cli/one\.cpp:1:.*does without'
    [ "$(wc -l <<< "$report")" = 23 ] || { printf 'NOT EXACT: 23 violations planted, reported:\n%s\n' "$report" >&2; failed=1; }
    return $failed
}

case ${1:-} in
    --self-test) self_test ;;
    *) check "${1:-$(dirname "$0")/..}" ;;
esac
