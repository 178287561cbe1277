// Fitting a struct_ops variable to the running kernel's struct. The kernel takes the table inside a struct of its own:
//
//     struct bpf_struct_ops_tcp_congestion_ops {      the map's value, btf_vmlinux_value_type_id
//         refcount_t refcnt;
//         enum bpf_struct_ops_state state;
//         struct tcp_congestion_ops data;             the table; functions are given as program fds
//     };
#pragma once

#include <vector>

#include <libminibpf/load/kernel_types.hpp>

namespace minibpf {

/// A function member of the table.
struct StructOpsMember {
    std::size_t function = 0;        ///< index in ObjectSpec::functions
    std::uint32_t member_index = 0;  ///< in the kernel's struct: the program's expected_attach_type
    std::uint32_t value_offset = 0;  ///< where the program's fd goes in the map's value, bytes
};

struct StructOps {
    std::uint32_t type_id = 0;        ///< of the table: the programs' attach_btf_id
    std::uint32_t value_type_id = 0;  ///< of the map's value
    int btf_fd = 0;                   ///< of the module that has them; 0: vmlinux
    Bytes value;                      ///< the map's value, without the programs' fds
    std::vector<StructOpsMember> members;
};

/// Throws Error naming the map and the member that the kernel's struct lacks or has in another form.
StructOps fit_struct_ops(KernelTypes& types, const ObjectSpec& object, const MapSpec& map);

}  // namespace minibpf
