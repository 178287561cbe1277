# Makes bench/run's table, and its JSON file if -v json=FILE says so, of two files: the targets (OBJECT FIGURE KIND VALUE
# [REFERENCE], see bench/run) and the figures (OBJECT<tab>LOADER<tab>FIGURE<tab>VALUE; loader 0 is minibpf, the others are
# libbpfs).
# Written for mawk, which Debian has: no arrays in arrays, no asort().

BEGIN {
    loader_count = split(loaders, name, "\t")    # name[1] is loader 0
    split(libraries, library, "\t")
    object_count = split(objects, object, " ")
    figure_count = split("bpf_calls system_calls instructions outside_bpf_ms inside_bpf_ms peak_memory_kb whole_command_ms",
                         figure, " ")

    title["hello"] = "(a) hello: a raw tracepoint and bpf_printk()"
    title["maps"] = "(b) maps: hash map, perf array, .rodata, .data and .bss"
    title["ring_buffer"] = "(c) ring_buffer: a ring buffer and one CO-RE access"
    title["tasks"] = "(d) tasks: four programs with 34 CO-RE accesses"
    title["many"] = "(e) many: 100 programs, 10 subprograms, 50 maps, 630 CO-RE accesses"

    label["bpf_calls"] = "bpf() calls"
    label["system_calls"] = "system calls"
    label["instructions"] = "instructions outside the kernel"
    label["outside_bpf_ms"] = "time outside bpf(), ms"
    label["inside_bpf_ms"] = "time inside bpf(), ms"
    label["peak_memory_kb"] = "peak memory, kB"
    label["whole_command_ms"] = "loader against bpftool, ms"
}

FILENAME ~ /targets$/ {
    kind[$1, $2] = $3
    target[$1, $2] = $4
    reference[$1, $2] = $5
    next
}

{
    split($0, field, "\t")
    value[field[1], field[2], field[3]] = field[4]
}

END {
    print_table()
    if (json != "") print_json()
    exit failures() > 0 ? 1 : 0
}

# --- the table

function print_table(    i, o, f, line) {
    printf "\nkernel %s, %d CPUs; times and memory are medians of %d runs\n", kernel, cpus, repeat
    for (i = 2; i <= loader_count; ++i) printf "%s is %s\n", name[i], library[i]
    printf "%s is %s\n", bpftool, bpftool_path
    printf "a static program that loads nothing takes %d kB\n", nothing_kb
    for (o = 1; o <= object_count; ++o) {
        printf "\n%s\n%-33s %13s", title[object[o]], "", name[1]
        for (i = 2; i <= loader_count; ++i) printf " %12s %7s", name[i], "ratio"
        print "   to reach"
        for (i = 0; i < loader_count; ++i)
            if ((object[o], i, "refused") in value)
                printf "  %s refused it: %s\n", name[i + 1], value[object[o], i, "refused"]
        for (f = 1; f <= figure_count; ++f) print_row(object[o], figure[f])
    }
}

function print_row(o, f,    i, ours) {
    ours = value[o, 0, f]
    printf "  %-31s %13s", label[f], shown(f, ours)
    for (i = 1; i < loader_count; ++i)
        printf " %12s %7s", shown(f, value[o, i, f]), ratio(ours, value[o, i, f])
    if ((o, f) in target) printf "   %-20s %s", goal(o, f), verdict(o, f)
    print ""
}

function ratio(ours, theirs) {
    return ours != "" && theirs > 0 ? sprintf("%.2f", ours / theirs) : ""
}

function shown(f, number) {
    if (number == "") return "-"
    if (f ~ /_ms$/) return sprintf("%.2f", number)
    if (number >= 1e6) return sprintf("%.2f M", number / 1e6)
    if (f == "instructions") return sprintf("%.1f k", number / 1e3)
    return sprintf("%d", number)
}

# --- what is to be reached

function goal(o, f) {
    if (kind[o, f] == "at-most") return shown(f, limit(o, f))
    return shown(f, limit(o, f)) " (" target[o, f] " of it)"
}

# The number to stay at or below: with several libbpfs, that of the best.
function limit(o, f,    i, theirs, best) {
    if (kind[o, f] == "at-most") return target[o, f] + 0
    for (i = 1; i < loader_count; ++i) {
        theirs = value[o, i, f]
        if (theirs == "" || (kind[o, f] == "of-1.1" && name[i + 1] != "libbpf 1.1")) continue
        if (best == "" || theirs + 0 < best) best = theirs + 0
    }
    if (best == "") best = reference[o, f]
    return best == "" ? "" : best * target[o, f]
}

function verdict(o, f) {
    if (value[o, 0, f] == "" || limit(o, f) == "") return "not measured"
    return value[o, 0, f] + 0 <= limit(o, f) ? "reached" : "NOT reached"
}

# What is not reached, and what cannot be because minibpf refused the object.
function failures(    o, f, count) {
    for (o = 1; o <= object_count; ++o) {
        if ((object[o], 0, "refused") in value) ++count
        for (f = 1; f <= figure_count; ++f)
            if ((object[o], figure[f]) in target && verdict(object[o], figure[f]) == "NOT reached") ++count
    }
    return count + 0
}

# --- JSON

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\""
}

function print_json(    i, o, f, separator, at_most) {
    printf "{\n  \"kernel\": %s,\n  \"cpus\": %d,\n  \"repetitions\": %d,\n", quoted(kernel), cpus, repeat > json
    printf "  \"bpftool\": %s,\n  \"empty_program_peak_kb\": %d,\n  \"loads\": [", quoted(bpftool), nothing_kb > json
    for (o = 1; o <= object_count; ++o)
        for (i = 0; i < loader_count; ++i) {
            printf "%s\n    {\"object\": %s, \"loader\": %s, \"library\": %s", separator, quoted(object[o]), quoted(name[i + 1]),
                quoted(library[i + 1]) > json
            if ((object[o], i, "refused") in value) printf ", \"refused\": %s", quoted(value[object[o], i, "refused"]) > json
            for (f = 1; f <= figure_count; ++f)
                if (value[object[o], i, figure[f]] != "") printf ", \"%s\": %s", figure[f], value[object[o], i, figure[f]] > json
            printf "}" > json
            separator = ","
        }
    printf "\n  ],\n  \"targets\": [" > json
    separator = ""
    for (o = 1; o <= object_count; ++o)
        for (f = 1; f <= figure_count; ++f)
            if ((object[o], figure[f]) in target) {
                at_most = limit(object[o], figure[f])
                printf "%s\n    {\"object\": %s, \"figure\": \"%s\", \"at_most\": %s, \"verdict\": %s}", separator,
                    quoted(object[o]), figure[f], (at_most == "" ? "null" : at_most),
                    quoted(verdict(object[o], figure[f])) > json
                separator = ","
            }
    print "\n  ]\n}" > json
    close(json)
}
