# Sourced by ./loader and ./check: finding and installing what the build needs, and building it into build/.
# Everything said here goes to standard error; standard output belongs to the programs.
#
# Expects: $root, the top of the source tree. MINIBPF_BUILD_DIR in the environment builds somewhere else than build/.

build=${MINIBPF_BUILD_DIR:-$root/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac

say() { printf 'minibpf: %s\n' "$*" >&2; }

die() {  # STATUS MESSAGE…
    local status=$1
    shift
    say "$@"
    exit "$status"
}

# --- what is needed: a Debian package, how to see without dpkg that it is there, and what it is for

for_loader='
g++               command:c++                          compiles minibpf
cmake             command:cmake                        describes the build
ninja-build       command:ninja                        runs the build
make              command:make                         builds the BPF programs
clang             tool:clang                           compiles BPF programs
zlib1g-dev        header:zlib.h                        unpacks /proc/config.gz
libfmt-dev        header:fmt/core.h                    formats text
libcli11-dev      header:CLI/CLI.hpp                   reads the command line
nlohmann-json3-dev  header:nlohmann/json.hpp           writes JSON
'
for_tests='
catch2            catch2:                              runs the tests
llvm              tool:llvm-objcopy                    cuts programs out of their ELF files
strace            command:strace                       prints system calls, to compare with
pkg-config        command:pkg-config                   finds an installed minibpf
iproute2          command:ip                           makes network interfaces for tests
libbpf-dev        header:bpf/libbpf.h                  loads objects too, to compare with
bpftool           file:/usr/sbin/bpftool               links objects of several files
xdp-tools         file:/usr/sbin/xdp-loader            has compiled BPF programs to try
xdp-tests         file:/usr/libexec/xdp-tools/test-tool                              has more of them
libbpf-tools      file:/usr/sbin/biosnoop                                            has more of them
ir-keytable       file:/usr/bin/ir-keytable                                          has more of them
golang-github-cilium-ebpf-dev  file:/usr/share/gocode/src/github.com/cilium/ebpf/testdata  has more of them
'
for_site='
mkdocs-material   file:/usr/share/mkdocs/themes/material/mkdocs_theme.yml            makes the pages
doxygen           command:doxygen                      makes the reference of the headers
'
for_fuzz='
libclang-rt-dev   fuzzer:                              fuzzes the parsers
'
for_vm='
qemu-system-x86   command:qemu-system-x86_64           boots other kernels
busybox-static    static:busybox                       is the userland of those kernels
cpio              command:cpio                         packs it
xz-utils          command:xz                           unpacks their modules
'

present() {  # KIND:NAME
    local name=${1#*:} directory
    case $1 in
        command:*) command -v "$name" > /dev/null ;;
        tool:*)    [ -n "$(tool "$name")" ] ;;
        header:*)  [ -e "/usr/include/$name" ] || [ -e "/usr/local/include/$name" ] || compgen -G "/usr/include/*/$name" > /dev/null ;;
        catch2:*)  present header:catch2/catch.hpp || present header:catch2/catch_all.hpp ;;
        file:*)    [ -e "$name" ] ;;
        static:*)  [ -x "/bin/$name" ] && ! ldd "/bin/$name" > /dev/null 2>&1 ;;
        fuzzer:*)  directory=$("$(tool clang)" --print-resource-dir 2> /dev/null) &&
                       [ -n "$(find "$directory/lib" -name 'libclang_rt.fuzzer*.a' -print -quit 2> /dev/null)" ] ;;
    esac
}

tool() {  # NAME: its path, or that of the newest NAME-NN
    command -v "$1" || compgen -c "$1-" | grep -E "^$1-[0-9]+$" | sort -t- -k2 -nr | head -n 1
}

# --- installing

# install_missing WHAT-FOR TABLE: returns when everything in TABLE is there; exits 4 when that takes somebody else.
install_missing() {
    local purpose=$1 table=$2 package test reason missing=() reasons=() log failed=
    while read -r package test reason; do
        [ -n "$package" ] || continue
        present "$test" && continue
        missing+=("$package")
        reasons+=("$package ($reason)")
    done <<< "$table"
    [ ${#missing[@]} -gt 0 ] || return 0

    local list
    printf -v list '%s, ' "${reasons[@]}"
    list=${list%, }
    if ! command -v apt-get > /dev/null; then
        die 4 "$purpose needs, by the names of their Debian packages: $list. Please install them with this system's package manager."
    fi
    if [ "$(id -u)" != 0 ]; then
        say "$purpose needs: $list. Please run:"
        printf 'sudo apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
        exit 4
    fi

    say "installing what $purpose needs: $list"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if package_lists_are_old; then apt-get update < /dev/null > "$log" 2>&1 || true; fi
    apt-get install -y --no-install-recommends "${missing[@]}" < /dev/null >> "$log" 2>&1 ||
        { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } < /dev/null >> "$log" 2>&1 || failed=1
    # apt-get also fails for another package that it could not set up long ago; that is none of our business.
    for package in "${missing[@]}"; do
        test=$(awk -v package="$package" '$1 == package { print $2 }' <<< "$table")
        present "$test" && continue
        if [ -n "$failed" ]; then
            cat "$log" >&2
            rm -f "$log"
            die 4 "apt-get could not install $package; what it said is above"
        fi
        rm -f "$log"
        die 4 "$package was installed, but $test is still not found"
    done
    rm -f "$log"
}

package_lists_are_old() {  # none, or none younger than a week
    [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -7 -print -quit 2> /dev/null)" ]
}

# --- building

# Files whose change calls for a build of the loader. Directories count too: their date changes when a file comes or goes.
loader_sources=(libminibpf cli progs cmake CMakeLists.txt Makefile.bpf)
# The same for the checker of the exercises; not the exercises themselves, which are for the checker to compile.
checker_sources=(exercises/checker exercises/CMakeLists.txt)

# up_to_date NAME SOURCE…: was the build called NAME made of these sources, here?
up_to_date() {
    local stamp=$build/.$1-built made_in=
    [ -f "$stamp" ] || return 1
    read -r made_in < "$stamp"
    [ "$made_in" = "$root" ] || return 1
    shift
    [ -z "$(cd "$root" && find "$@" -newer "$stamp" -print -quit 2> /dev/null)" ]
}

# Holds the build directory for this process: `with_lock COMMAND…`. The lock does not outlive the command's process.
with_lock() {
    if ! mkdir -p "$build" 2> /dev/null || ! [ -w "$build" ]; then
        die 4 "cannot write to $build, which belongs to $(stat -c %U "$build" 2> /dev/null || echo 'somebody else'). Please run as that user, or set MINIBPF_BUILD_DIR to a directory of your own."
    fi
    (
        flock 9
        "$@" 9>&-
    ) 9> "$build/.lock"
}

# build NAME EXPECTATION CMAKE-OPTION… -- TARGET…: configures and builds, with progress on a terminal; on failure shows the
# compiler's words whole. The stamp has the date of the beginning, so that a file saved meanwhile is not missed.
build() {
    local name=$1 expectation=$2 options=() log status started=$SECONDS
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    log=$build/.$name-log
    # A build directory that was moved or copied with its tree remembers the old place.
    if [ -f "$build/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt"; then
        rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles"
    fi
    [ -f "$build/CMakeCache.txt" ] || options+=(-G Ninja)
    touch "$build/.$name-begin"

    say "building $expectation…"
    if ! cmake -S "$root" -B "$build" "${options[@]}" < /dev/null > "$log" 2>&1; then
        cat "$log" >&2
        die 1 "CMake could not configure the build; its words are above"
    fi
    cmake --build "$build" --target "$@" < /dev/null 2>&1 | tee "$log" | show_progress
    status=${PIPESTATUS[0]}
    if [ "$status" != 0 ]; then
        grep -v '^\[[0-9]*/[0-9]*\] \(Building\|Linking\|Scanning\|Re-\|BPF\)' "$log" >&2
        die 1 "the build failed; the compiler's words are above"
    fi
    [ $((SECONDS - started)) -lt 5 ] || say "built in $((SECONDS - started)) s"
    printf '%s\n' "$root" > "$build/.$name-begin.new"
    touch -r "$build/.$name-begin" "$build/.$name-begin.new"
    mv -f "$build/.$name-begin.new" "$build/.$name-built"
    rm -f "$build/.$name-begin"
}

# Shows ninja's [12/34] in one line that rewrites itself; silent when standard error is not a terminal.
show_progress() {
    if [ ! -t 2 ]; then cat > /dev/null; return; fi
    local line
    while IFS= read -r line; do
        case $line in "["*/*"] "*) printf '\rminibpf: %s' "${line%%]*}]" >&2 ;; esac
    done
    printf '\r\033[K' >&2
}
