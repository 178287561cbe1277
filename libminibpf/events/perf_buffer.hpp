// Reading what programs send with bpf_perf_event_output(): one ring for each CPU, written by the kernel, read by us.
//
//     page 0: struct perf_event_mmap_page          pages 1..n: records, one after another, wrapping at the end
//     +--------------------------------+---------------------------------------------+
//     | data_head (kernel)  data_tail  |  ...read | SAMPLE | SAMPLE | LOST | free...  |
//     +--------------------------------+----------^-----------------------^----------+
//                                             data_tail               data_head
//
// Kernel: include/uapi/linux/perf_event.h, perf_event_open(2) "MMAP layout".
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <libminibpf/events/poller.hpp>
#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// The rings of a BPF_MAP_TYPE_PERF_EVENT_ARRAY, one for each CPU that is online.
class PerfBuffer {
public:
    /// `sample` is valid during the call only. perf pads samples, so that size + 4 is a multiple of 8.
    using OnSample = std::function<void(int cpu, ByteView sample)>;
    /// `count` samples were dropped because the ring was full.
    using OnLost = std::function<void(int cpu, std::uint64_t count)>;

    /// Opens and maps the rings, puts them into `map`, and adds them to `poller`. `page_count` is a power of two.
    PerfBuffer(Poller& poller, Map& map, OnSample on_sample, OnLost on_lost, std::size_t page_count = 64);
    PerfBuffer(const PerfBuffer&) = delete;
    PerfBuffer& operator=(const PerfBuffer&) = delete;

    /// Reads what all rings hold now.
    void drain();

    /// CPUs that are online and beyond the map's last slot: what programs send there with BPF_F_CURRENT_CPU is lost.
    const std::vector<int>& cpus_without_slot() const noexcept { return cpus_without_slot_; }

private:
    struct Ring {
        int cpu;
        Fd event;
        Mapping memory;
        Poller::Registration registration;
    };

    Ring open_ring(int cpu, Map& map, std::size_t page_count);
    void drain(Ring& ring);
    void handle(const Ring& ring, ByteView record);

    KernelGate& gate_;
    OnSample on_sample_;
    OnLost on_lost_;
    std::vector<Ring> rings_;
    std::vector<int> cpus_without_slot_;
    Bytes wrapped_;  // a record that runs over the end of its ring, put together
};

}  // namespace minibpf

#pragma GCC visibility pop
