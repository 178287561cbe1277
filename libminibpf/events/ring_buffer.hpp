// Reading what programs send with bpf_ringbuf_output() or _submit(): one ring for all CPUs (Linux 5.8).
//
//     consumer page (ours to write)   producer page (the kernel's)   data, mapped twice in a row
//     +----------------------------+  +---------------------------+  +------------+------------+
//     | consumer_pos               |  | producer_pos              |  |  records   |  the same  |
//     +----------------------------+  +---------------------------+  +------------+------------+
//
// Because the data is mapped twice, a record that runs over the end is still in one piece (kernel/bpf/ringbuf.c).
#pragma once

#include <functional>

#include <libminibpf/events/poller.hpp>
#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// The ring of a BPF_MAP_TYPE_RINGBUF map.
class RingBuffer {
public:
    using OnSample = std::function<void(ByteView sample)>;  ///< `sample` is valid during the call only

    /// Maps the ring and adds it to `poller`.
    RingBuffer(Poller& poller, Map& map, OnSample on_sample);
    RingBuffer(const RingBuffer&) = delete;
    RingBuffer& operator=(const RingBuffer&) = delete;

    /// Reads what the ring holds now.
    void drain();

private:
    Mapping map_pages(const Map& map, const Mmap& call, const char* what);

    KernelGate& gate_;
    OnSample on_sample_;
    std::size_t size_;  ///< of the data, bytes: a power of two
    Mapping consumer_;
    Mapping producer_;
    Poller::Registration registration_;
};

}  // namespace minibpf

#pragma GCC visibility pop
