// Taking records out of a BPF ring buffer.
//
// Each record has a header of two words: its length with two flags in the top bits, and a page offset that is the
// kernel's own business. BUSY: reserved, not yet submitted, so reading stops there. DISCARD: given up, to be skipped.
#include <libminibpf/events/ring_buffer.hpp>

#include <atomic>

#include <fmt/format.h>
#include <sys/mman.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/kernel/page_size.hpp>

namespace minibpf {

Mapping RingBuffer::map_pages(const Map& map, const Mmap& call, const char* what) {
    const Answer answer = gate_.enter(call, what);
    if (!answer.ok()) throw kernel_error(fmt::format("mapping ring buffer '{}'", map.name()), call, answer);
    return Mapping(gate_, reinterpret_cast<void*>(answer.value), call.length);
}

RingBuffer::RingBuffer(Poller& poller, Map& map, OnSample on_sample)
    : gate_(poller.gate()), on_sample_(std::move(on_sample)), size_(map.max_entries()) {
    consumer_ = map_pages(map, {.length = page_size(), .prot = PROT_READ | PROT_WRITE, .fd = map.fd()},
                          "the consumer's page: how far we have read, the one place that we may write");
    producer_ =
        map_pages(map, {.length = page_size() + 2 * size_, .prot = PROT_READ, .fd = map.fd(), .offset = page_size()},
                  "the producer's page, and the data twice in a row");
    registration_ = poller.add(
        map.fd(), [this] { drain(); }, [&] { return fmt::format("wakes us when `{}` has records", map.name()); });
}

void RingBuffer::drain() {
    auto* consumer_word = reinterpret_cast<std::uint64_t*>(consumer_.bytes().data());
    auto* producer_word = reinterpret_cast<std::uint64_t*>(producer_.bytes().data());
    const ByteView data = ByteView(producer_.bytes()).subspan(page_size());
    std::uint64_t position = std::atomic_ref(*consumer_word).load(std::memory_order_acquire);
    // Read once: what is written while we handle samples, perhaps because we do, waits for the next time.
    const std::uint64_t end = std::atomic_ref(*producer_word).load(std::memory_order_acquire);
    while (position < end) {
        const std::size_t at = position & (size_ - 1);
        auto* header = reinterpret_cast<std::uint32_t*>(producer_.bytes().data() + page_size() + at);
        const std::uint32_t word = std::atomic_ref(*header).load(std::memory_order_acquire);
        if ((word & BPF_RINGBUF_BUSY_BIT) != 0) return;
        const std::uint32_t length = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        const std::optional<ByteView> sample = slice(data, at + BPF_RINGBUF_HDR_SZ, length);
        if (!sample) return;  // longer than the ring: not what the kernel writes
        if ((word & BPF_RINGBUF_DISCARD_BIT) == 0) on_sample_(*sample);
        position += (BPF_RINGBUF_HDR_SZ + length + 7) & ~std::uint64_t{7};
        std::atomic_ref(*consumer_word).store(position, std::memory_order_release);
    }
}

}  // namespace minibpf
