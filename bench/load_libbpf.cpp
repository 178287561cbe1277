// The libbpf runner. Of libbpf's interface it uses what every version from 1.0 on has.
#include <string>

#include <bpf/libbpf.h>

#include "runner.hpp"

const char* loader_name() {
    static const std::string name = std::string("libbpf ") + (libbpf_version_string() + 1);  // "v1.1"
    return name.c_str();
}

extern "C" bool open_and_load(const char* path) {
    bpf_object* object = bpf_object__open(path);
    return object && bpf_object__load(object) == 0;
}
