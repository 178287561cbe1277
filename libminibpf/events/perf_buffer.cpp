// Opening one perf event per CPU as a mailbox, and taking the records out of its ring.
//
// The event counts nothing by itself: PERF_COUNT_SW_BPF_OUTPUT only fires when a program calls bpf_perf_event_output(),
// which looks its CPU's event up in the map. That is why each event is put into the map under the number of its CPU.
#include <libminibpf/events/perf_buffer.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/kernel/page_size.hpp>

namespace minibpf {

PerfBuffer::PerfBuffer(Poller& poller, Map& map, OnSample on_sample, OnLost on_lost, std::size_t page_count)
    : gate_(poller.gate()), on_sample_(std::move(on_sample)), on_lost_(std::move(on_lost)) {
    for (int cpu : online_cpus(gate_)) {
        if (static_cast<std::uint32_t>(cpu) >= map.max_entries()) {
            cpus_without_slot_.push_back(cpu);
        } else {
            rings_.push_back(open_ring(cpu, map, page_count));
        }
    }
    for (Ring& ring : rings_) {
        ring.registration = poller.add(
            ring.event.get(), [this, &ring] { drain(ring); },
            [&] { return fmt::format("wakes us when CPU {} has written", ring.cpu); });
    }
}

PerfBuffer::Ring PerfBuffer::open_ring(int cpu, Map& map, std::size_t page_count) {
    const std::string doing = fmt::format("opening the ring of map '{}' for CPU {}", map.name(), cpu);
    const PerfEventOpen open{.type = PERF_TYPE_SOFTWARE,
                             .config = PERF_COUNT_SW_BPF_OUTPUT,
                             .sample_period = 1,
                             .sample_type = PERF_SAMPLE_RAW,
                             .wakeup_events = 1,
                             .pid = -1,
                             .cpu = cpu};
    const Answer opened =
        gate_.enter(open, [&] { return fmt::format("the mailbox of `{}` for CPU {}", map.name(), cpu); });
    if (!opened.ok()) throw kernel_error(doing, open, opened);
    Ring ring{.cpu = cpu, .event = Fd(gate_, opened.fd()), .memory = {}, .registration = {}};

    const Mmap mmap{.length = (page_count + 1) * page_size(), .prot = PROT_READ | PROT_WRITE, .fd = ring.event.get()};
    const Answer mapped = gate_.enter(
        mmap, [&] { return fmt::format("its ring: a page of positions, then {} pages of records", page_count); });
    if (!mapped.ok())
        throw kernel_error(doing, mmap, mapped,
                           mapped.error == EPERM ? "raise perf_event_mlock_kb, or run as root" : "");
    ring.memory = Mapping(gate_, reinterpret_cast<void*>(mapped.value), mmap.length);

    const PerfEventEnable enable{.event_fd = ring.event.get()};
    const Answer enabled = gate_.enter(enable);
    if (!enabled.ok()) throw kernel_error(doing, enable, enabled);

    const auto key = static_cast<std::uint32_t>(cpu);
    const auto value = static_cast<std::uint32_t>(ring.event.get());
    map.update(bytes_of(key), bytes_of(value), BPF_ANY,
               [&] { return fmt::format("{}[{}]: programs on CPU {} write into this ring", map.name(), cpu, cpu); });
    return ring;
}

void PerfBuffer::drain() {
    for (Ring& ring : rings_) drain(ring);
}

void PerfBuffer::drain(Ring& ring) {
    auto* control = reinterpret_cast<perf_event_mmap_page*>(ring.memory.bytes().data());
    const ByteView data = ByteView(ring.memory.bytes()).subspan(page_size());
    // head and tail only grow; their place in the ring is the rest after division by its size. Reading head before the
    // records (acquire) and writing tail after (release) is the contract with the kernel: kernel/events/ring_buffer.c.
    const std::uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
    std::uint64_t tail = control->data_tail;
    while (head - tail >= sizeof(perf_event_header)) {
        const std::size_t at = tail % data.size();
        const auto header =
            *read_at<perf_event_header>(data, at);  // records are 8-byte aligned, so a header never wraps
        if (header.size < sizeof(header) || header.size > head - tail) {
            tail = head;  // not what the kernel writes: nothing after it can be trusted
            break;
        }
        const std::size_t before_end = std::min<std::size_t>(header.size, data.size() - at);
        ByteView record = data.subspan(at, before_end);
        if (before_end < header.size) {
            wrapped_.assign(record.begin(), record.end());
            const ByteView rest = data.first(header.size - before_end);
            wrapped_.insert(wrapped_.end(), rest.begin(), rest.end());
            record = wrapped_;
        }
        handle(ring, record);
        tail += header.size;
        std::atomic_ref(control->data_tail).store(tail, std::memory_order_release);
    }
    std::atomic_ref(control->data_tail).store(tail, std::memory_order_release);
}

// PERF_RECORD_SAMPLE with PERF_SAMPLE_RAW: header, u32 size, the bytes.  PERF_RECORD_LOST: header, u64 id, u64 lost.
void PerfBuffer::handle(const Ring& ring, ByteView record) {
    const auto header = *read_at<perf_event_header>(record, 0);
    if (header.type == PERF_RECORD_SAMPLE) {
        const std::optional<std::uint32_t> size = read_at<std::uint32_t>(record, sizeof(header));
        if (!size) return;
        if (const std::optional<ByteView> sample = slice(record, sizeof(header) + sizeof(*size), *size))
            on_sample_(ring.cpu, *sample);
    } else if (header.type == PERF_RECORD_LOST) {
        if (const std::optional<std::uint64_t> lost = read_at<std::uint64_t>(record, sizeof(header) + 8))
            on_lost_(ring.cpu, *lost);
    }
}

}  // namespace minibpf
