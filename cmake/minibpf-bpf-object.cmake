# minibpf_add_bpf_object(TARGET SOURCE.bpf.c [CFLAGS FLAG...])
#
# Compiles BPF C with clang to SOURCE.bpf.o in the current binary directory, anew when the source or one of its headers has
# changed. TARGET is a program of yours, before which it is compiled, or a name for a new target. The object's path is the
# property BPF_OBJECT:
#
#     add_executable(my_tool my_tool.cpp)
#     minibpf_add_bpf_object(my_tool hello.bpf.c)
#     target_compile_definitions(my_tool PRIVATE HELLO="$<TARGET_PROPERTY:my_tool,BPF_OBJECT>")
include_guard(GLOBAL)

# In the source tree; an installed package has set it already.
if(NOT MINIBPF_BPF_INCLUDE_DIR)
    set(MINIBPF_BPF_INCLUDE_DIR ${CMAKE_CURRENT_LIST_DIR}/../progs/include)
endif()
set(MINIBPF_BPF_INCLUDE_DIR ${MINIBPF_BPF_INCLUDE_DIR} CACHE INTERNAL "minibpf's headers for BPF programs")

function(minibpf_add_bpf_object target source)
    cmake_parse_arguments(PARSE_ARGV 2 argument "" "" "CFLAGS")
    if(argument_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "minibpf_add_bpf_object: what is '${argument_UNPARSED_ARGUMENTS}'? Flags come after CFLAGS.")
    endif()
    if(NOT source MATCHES "\\.bpf\\.c$")
        message(FATAL_ERROR "minibpf_add_bpf_object: ${source} does not end in .bpf.c")
    endif()
    find_program(MINIBPF_CLANG NAMES clang clang-22 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14)
    if(NOT MINIBPF_CLANG)
        message(FATAL_ERROR "minibpf_add_bpf_object: there is no clang, which compiles BPF programs (apt-get install clang)")
    endif()
    get_filename_component(name ${source} NAME)
    string(REGEX REPLACE "\\.c$" ".o" name ${name})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name})
    # The kernel's names of machines, as headers that look into struct pt_regs want them.
    string(REPLACE "x86_64" "x86" machine ${CMAKE_SYSTEM_PROCESSOR})
    string(REPLACE "aarch64" "arm64" machine ${machine})
    add_custom_command(OUTPUT ${object}
        COMMAND ${MINIBPF_CLANG} -g -O2 -Wall -target bpf -D__TARGET_ARCH_${machine} -I${MINIBPF_BPF_INCLUDE_DIR}
                -idirafter /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu ${argument_CFLAGS}
                -MD -MF ${object}.d -MT ${object} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
        DEPENDS ${source}
        DEPFILE ${object}.d
        COMMENT "Compiling BPF object ${name}"
        VERBATIM)
    set(compiled ${target})
    if(TARGET ${target})
        set(compiled ${target}_${name})
        add_custom_target(${compiled} DEPENDS ${object})
        add_dependencies(${target} ${compiled})
    else()
        add_custom_target(${compiled} ALL DEPENDS ${object})
    endif()
    set_target_properties(${target} PROPERTIES BPF_OBJECT ${object})
endfunction()
