// The runner that loads nothing: how much memory a static program takes by itself.
#include "runner.hpp"

const char* loader_name() {
    return "nothing";
}

extern "C" bool open_and_load(const char*) {
    return true;
}
