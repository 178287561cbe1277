# Exercise: print the number of the BTF of the program inspect_me (btf=), the type of the values of inspect_map (value=), and the
# member score of its value under key 7 (score=). exercises/checker/inspected.bpf.o is the object that was loaded.

loader prog show inspect_me
