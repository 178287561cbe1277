# Makes a starting file of one of the library's own files, so that the course never drifts from the library:
#
#   awk -v source=libminibpf/elf/elf_file.cpp -v step=05-elf -f starting_file.awk exercises/course/05-elf/step libminibpf/elf/elf_file.cpp
#
# The step's lines for this file (those behind its `file` line, or behind `in` and its name) say what becomes of it:
#
#   write TEXT     the function whose definition begins with TEXT keeps its signature, and says that it is not written. What
#                  it says to people, errors, hints and reasons, stays as a comment, for the tests look for these words
#   remove TEXT    the definition that begins with TEXT goes, with the comment before it: it would give the answer away
#
# Everything else stays. This works on clang-format's layout: what begins at some indentation ends with the next line that
# begins with a } at the same one.

function trim(text) { sub(/^[ \t]+/, "", text); sub(/[ \t]+$/, "", text); return text }

function fail(what) {
    printf "starting_file: %s: %s\n", source, what > "/dev/stderr"
    failed = 1
    exit 1
}

# "std::vector<Section> Reader::read_sections()" -> "Reader::read_sections()"; "Answer make(const Read& call)" -> "make(Read)",
# for there are many of that name
function name_of(text,    name, type) {
    name = text
    sub(/\(.*/, "", name)
    sub(/.*[ *&]/, "", name)
    if (match(text, /\(const [A-Za-z:]+& *[a-z_]*\)/)) {
        type = substr(text, RSTART + 7, RLENGTH - 7)
        sub(/&.*/, "", type)
    }
    return name "(" type ")"
}

# What the lines of a body say to people, as comment lines: errors, hints, reasons. Tests look for these words.
function words_of(first, last, indent,    i, text, found, line) {
    for (i = first; i <= last; ++i) {
        line = trim(lines[i])
        sub(/ *\/\/ .*/, "", line)
        text = text line " "
    }
    gsub(/" "/, "", text)  # a literal that goes on in the next line
    found = ""
    while (match(text, /"([^"\\]|\\.)*"/)) {
        line = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (line ~ / / && line ~ /[a-z]/ && index(found, line) == 0) found = found indent "    //     " line "\n"
    }
    return found == "" ? "" : indent "    // Its words:\n" found
}

# --- the step

FNR == NR {
    line = trim($0)
    word = line
    sub(/ .*/, "", word)
    rest = trim(substr(line, length(word) + 1))
    if (word == "task") task = substr(rest, 1, index(rest " ", " ") - 1)
    if (word == "in" || word == "file") current = rest
    if ((word == "write" || word == "remove") && current == source) {
        text_of[++count] = rest
        action_of[count] = word
        task_of[count] = task
    }
    next
}

# --- the file

{ lines[++total] = $0 }

function indent_of(line) { match(line, /^ */); return RLENGTH }

# The last line of the definition that begins in line `first`.
function end_of(first,    i, closing, body) {
    if (lines[first] ~ /;$/ || lines[first] ~ /[}]$/) return first
    closing = substr(lines[first], 1, indent_of(lines[first])) "}"
    body = lines[first] ~ /[{]$/
    for (i = first + 1; i <= total; ++i) {
        if (substr(lines[i], 1, length(closing)) == closing) return i
        # A declaration of several lines has no body.
        if (lines[i] ~ /;$/ && !body) return i
        if (lines[i] ~ /[{]$/) body = 1
    }
    fail("line " first " has no end")
}

# The line in which the body's { stands.
function opening_of(first,    i) {
    for (i = first; i <= total; ++i) if (lines[i] ~ /[{]$/ || lines[i] ~ /[{].*[}]$/) return i
    fail("line " first " has no body")
}

function find(text,    i, found) {
    found = 0
    for (i = 1; i <= total; ++i) {
        if (substr(trim(lines[i]), 1, length(text)) != text) continue
        # A declaration of the same function does not count.
        if (action == "write" && lines[i] ~ /;$/ && lines[i] !~ /[{]/) continue
        if (found) fail("lines " found " and " i " both begin with '" text "'")
        found = i
    }
    if (!found) fail("nothing begins with '" text "'")
    return found
}

END {
    if (failed) exit 1
    if (count == 0) fail("the step has nothing to write in it")
    file_name = source
    sub(/.*\//, "", file_name)
    for (n = 1; n <= count; ++n) {
        action = action_of[n]
        first = find(text_of[n])
        last = end_of(first)
        if (action == "remove") {
            while (first > 1 && trim(lines[first - 1]) ~ /^\/\//) --first
            if (trim(lines[last + 1]) == "") ++last
            for (i = first; i <= last; ++i) gone[i] = 1
            continue
        }
        call = sprintf("course::not_written(\"%s\", \"%s\", \"%s\");", file_name, name_of(text_of[n]), task_of[n])
        opening = opening_of(first)
        indent = substr(lines[first], 1, indent_of(lines[first]))
        words = words_of(first, last, indent)
        if (opening == last) sub(/[{].*/, "{", lines[opening])
        lines[opening] = lines[opening] "\n" words indent "    " call "\n" indent "}"
        for (i = opening + 1; i <= last; ++i) gone[i] = 1
    }
    in_comment = 1
    for (i = 1; i <= total; ++i) {
        if (in_comment && lines[i] !~ /^\/\//) {
            printf "//\n// Yours to write, step %s of the course: exercises/course/%s/README.md\n", step + 0, step
            in_comment = 0
        }
        if (i in gone) continue
        # Two blank lines where something went in between.
        if (lines[i] == "" && last_printed == "") continue
        if (!included && lines[i] ~ /^#include/) { print lines[i]; print ""; print "#include <exercises/course/not_written.hpp>"; included = 1; last_printed = "x"; continue }
        print lines[i]
        last_printed = lines[i]
    }
}
