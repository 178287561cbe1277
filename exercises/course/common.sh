# Sourced by begin and check: which step is meant, and where the student's files are.
#
# Expects: $course, this directory.

root=$(dirname "$(dirname "$course")")
. "$root/scripts/setup.sh"

# The student's folders are beside the steps, unless --in or MINIBPF_COURSE_DIR says otherwise.
work=${MINIBPF_COURSE_DIR:-$course}

# give_back DIRECTORY…: what root makes in somebody's directory, by sudo, belongs to them like the rest of it.
give_back() {
    local directory owner
    [ "$(id -u)" = 0 ] || return 0
    for directory in "$@"; do
        owner=$(stat -c %u:%g "$directory" 2> /dev/null) || continue
        [ "${owner%%:*}" = 0 ] || chown -R --from=0 "$owner" "$directory"
    done
}

# find_step 5|05|05-elf|elf|course/5: sets $step to "05-elf" and $number to 5.
find_step() {
    local wanted=${1#course/} folder name
    for folder in "$course"/[0-9]*/; do
        name=$(basename "$folder")
        number=$((10#${name%%-*}))
        step=$name
        case $wanted in "$name" | "${name#*-}" | "$number" | "${name%%-*}") return ;; esac
    done
    say "the course has no step '$1'. Its steps are:"
    list_steps >&2
    exit 2
}

list_steps() {
    local folder name
    for folder in "$course"/[0-9]*/; do
        name=$(basename "$folder")
        printf '  %-20s %s\n' "$name" "$(step_lines "$name" title)"
    done
}

# step_lines STEP WORD: what stands behind WORD in the step's description, a line for each time.
step_lines() {
    sed -n "s/^$2  *//p" "$course/$1/step"
}

# The names of a step's files in the student's folder.
files_of() {
    local file
    step_lines "$1" stand-alone
    for file in $(step_lines "$1" file); do basename "$file"; done
}
