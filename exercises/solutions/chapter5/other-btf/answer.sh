# dump FILE OPTION...: what the kernel has, without the map's number, which is another one each time
dump() {
    loader -q exercises/checker/offsets.bpf.o --no-attach "${@:2}" -c 'loader prog dump read_offset' | grep -v map > "$1"
}
dump kernel.txt
dump other.txt --btf exercises/checker/other_kernel.bpf.o
# The lines of the one that the other has not.
echo "kernel=$(grep -v -x -F -f other.txt kernel.txt | grep -o '[0-9]*$')"
echo "other=$(grep -v -x -F -f kernel.txt other.txt | grep -o '[0-9]*$')"
