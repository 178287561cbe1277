// The kernel's side of the rings is played here: the gate's mappings are real memory.
#include <linux/perf_event.h>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>

#include <libminibpf/kernel/page_size.hpp>
#include <libminibpf/events/perf_buffer.hpp>
#include <libminibpf/events/ring_buffer.hpp>

using namespace minibpf;
using minibpf::test::FakeGate;

namespace {

struct LoadedMap {
    explicit LoadedMap(FakeGate& gate, bpf_map_type type, std::uint32_t max_entries) {
        spec.name = "output";
        spec.type = type;
        spec.key_size = spec.value_size = 4;
        map.emplace(gate, object, spec, max_entries, Fd(gate, gate.enter(MapCreate{}).fd()));
    }
    ObjectSpec object;
    MapSpec spec;
    std::optional<Map> map;
};

// What the kernel does with the one ring of a perf buffer.
class PerfWriter {
public:
    explicit PerfWriter(const FakeGate& gate) {
        for (const auto& recorded : gate.log()) {
            if (std::holds_alternative<Mmap>(recorded.call)) memory_ = reinterpret_cast<char*>(recorded.answer.value);
            if (const auto* mmap = std::get_if<Mmap>(&recorded.call)) data_size_ = mmap->length - page_size();
        }
    }

    perf_event_mmap_page& control() { return *reinterpret_cast<perf_event_mmap_page*>(memory_); }
    std::size_t data_size() const { return data_size_; }

    void write(std::uint32_t type, const std::string& body) {
        const perf_event_header header{
            .type = type, .misc = 0, .size = static_cast<std::uint16_t>(sizeof(perf_event_header) + body.size())};
        put(std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + body);
    }

    void write_sample(const std::string& sample) {
        std::string body(4, '\0');
        const auto size = static_cast<std::uint32_t>(sample.size());
        std::memcpy(body.data(), &size, 4);
        body += sample;
        body.resize((body.size() + 7) / 8 * 8);
        write(PERF_RECORD_SAMPLE, body);
    }

    void put(const std::string& bytes) {
        for (char byte : bytes) memory_[page_size() + control().data_head++ % data_size_] = byte;
    }

private:
    char* memory_ = nullptr;
    std::size_t data_size_ = 0;
};

struct PerfFixture {
    PerfFixture() {
        gate.files["/sys/devices/system/cpu/online"] = "0\n";
        loaded.emplace(gate, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 1);
        poller.emplace(gate);
        buffer.emplace(
            *poller, *loaded->map,
            [this](int, ByteView sample) {
                samples.emplace_back(reinterpret_cast<const char*>(sample.data()), sample.size());
            },
            [this](int, std::uint64_t count) { lost += count; }, 1);
    }
    FakeGate gate;
    std::optional<LoadedMap> loaded;
    std::vector<std::string> samples;
    std::uint64_t lost = 0;
    std::optional<Poller> poller;
    std::optional<PerfBuffer> buffer;
};

}  // namespace

TEST_CASE("a perf buffer opens, maps, enables and registers one ring for each online CPU", "[events]") {
    FakeGate gate;
    gate.files["/sys/devices/system/cpu/online"] = "0,2\n";
    LoadedMap loaded(gate, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4);
    Poller poller(gate);
    const PerfBuffer buffer(
        poller, *loaded.map, [](int, ByteView) {}, [](int, std::uint64_t) {}, 8);
    const auto opens = gate.calls<PerfEventOpen>();
    REQUIRE(opens.size() == 2);
    CHECK(opens[1]->cpu == 2);
    CHECK(opens[1]->config == PERF_COUNT_SW_BPF_OUTPUT);
    CHECK(gate.calls<Mmap>()[0]->length == 9 * page_size());
    CHECK(gate.count<PerfEventEnable>() == 2);
    const auto updates = gate.calls<MapUpdateElem>();
    REQUIRE(updates.size() == 2);
    CHECK(read_at<std::uint32_t>(updates[1]->key, 0) == 2u);
    CHECK(gate.count<EpollAdd>() == 2);
}

TEST_CASE("a perf array with fewer slots than CPUs gets the rings that fit, and the others are named", "[events]") {
    FakeGate gate;
    gate.files["/sys/devices/system/cpu/online"] = "0-3\n";
    LoadedMap loaded(gate, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 2);
    Poller poller(gate);
    const PerfBuffer buffer(
        poller, *loaded.map, [](int, ByteView) {}, [](int, std::uint64_t) {}, 8);
    CHECK(gate.count<PerfEventOpen>() == 2);
    CHECK(buffer.cpus_without_slot() == std::vector<int>{2, 3});
}

TEST_CASE("samples come out of the ring as they went in", "[events]") {
    PerfFixture fixture;
    PerfWriter kernel(fixture.gate);
    kernel.write_sample("hello");
    kernel.write_sample("world!");
    fixture.buffer->drain();
    CHECK(fixture.samples == std::vector<std::string>{"hello", "world!"});
    CHECK(kernel.control().data_tail == kernel.control().data_head);
}

TEST_CASE("a sample that runs over the end of the ring is put together", "[events]") {
    PerfFixture fixture;
    PerfWriter kernel(fixture.gate);
    const std::string sample(100, 'x');
    std::size_t count = 0;
    while (kernel.control().data_head < 3 * kernel.data_size()) {
        kernel.write_sample(sample);
        fixture.buffer->drain();
        ++count;
    }
    CHECK(fixture.samples == std::vector<std::string>(count, sample));
}

TEST_CASE("lost samples are counted", "[events]") {
    PerfFixture fixture;
    PerfWriter kernel(fixture.gate);
    std::string body(16, '\0');
    body[8] = 7;
    kernel.write(PERF_RECORD_LOST, body);
    fixture.buffer->drain();
    CHECK(fixture.lost == 7);
    CHECK(fixture.samples.empty());
}

TEST_CASE("a record that cannot be one ends the reading, and the ring goes on afterwards", "[events]") {
    PerfFixture fixture;
    PerfWriter kernel(fixture.gate);
    kernel.put(std::string(16, '\0'));  // size 0
    fixture.buffer->drain();
    CHECK(fixture.samples.empty());
    kernel.write_sample("after");
    fixture.buffer->drain();
    CHECK(fixture.samples == std::vector<std::string>{"after"});
}

TEST_CASE("a sample that claims more bytes than its record has is dropped", "[events]") {
    PerfFixture fixture;
    PerfWriter kernel(fixture.gate);
    std::string body(8, '\0');
    body[1] = 1;  // 256 bytes
    kernel.write(PERF_RECORD_SAMPLE, body);
    fixture.buffer->drain();
    CHECK(fixture.samples.empty());
}

TEST_CASE("closing a perf buffer unmaps and closes every ring", "[events]") {
    FakeGate gate;
    {
        gate.files["/sys/devices/system/cpu/online"] = "0-1\n";
        LoadedMap loaded(gate, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 2);
        Poller poller(gate);
        const PerfBuffer buffer(
            poller, *loaded.map, [](int, ByteView) {}, [](int, std::uint64_t) {});
    }
    CHECK(gate.open_fds().empty());
    CHECK(gate.mapping_count() == 0);
    CHECK(gate.errors().empty());
}

namespace {

struct RingFixture {
    RingFixture() {
        loaded.emplace(gate, BPF_MAP_TYPE_RINGBUF, 4096);
        poller.emplace(gate);
        ring.emplace(*poller, *loaded->map, [this](ByteView sample) {
            samples.emplace_back(reinterpret_cast<const char*>(sample.data()), sample.size());
        });
        std::vector<char*> mappings;
        for (const auto& recorded : gate.log()) {
            if (std::holds_alternative<Mmap>(recorded.call))
                mappings.push_back(reinterpret_cast<char*>(recorded.answer.value));
        }
        consumer = mappings.at(0);
        producer = mappings.at(1);
    }

    void write(const std::string& sample, std::uint32_t flags = 0) {
        std::uint64_t& position = *reinterpret_cast<std::uint64_t*>(producer);
        const std::uint32_t word = static_cast<std::uint32_t>(sample.size()) | flags;
        std::string record(reinterpret_cast<const char*>(&word), 4);
        record += std::string(4, '\0') + sample;
        for (std::size_t i = 0; i < record.size(); ++i) {
            const std::size_t at = (position + i) % 4096;
            producer[page_size() + at] = producer[page_size() + 4096 + at] =
                record[i];  // the kernel maps the data twice
        }
        position += (record.size() + 7) / 8 * 8;
    }

    FakeGate gate;
    std::optional<LoadedMap> loaded;
    std::vector<std::string> samples;
    std::optional<Poller> poller;
    std::optional<RingBuffer> ring;
    char* consumer = nullptr;
    char* producer = nullptr;
};

}  // namespace

TEST_CASE("ring buffer records come out in order, discarded ones do not", "[events]") {
    RingFixture fixture;
    fixture.write("one");
    fixture.write("given up", BPF_RINGBUF_DISCARD_BIT);
    fixture.write("two");
    fixture.ring->drain();
    CHECK(fixture.samples == std::vector<std::string>{"one", "two"});
    CHECK(std::memcmp(fixture.consumer, fixture.producer, 8) == 0);
}

TEST_CASE("a ring buffer record that is not submitted yet holds up those behind it", "[events]") {
    RingFixture fixture;
    fixture.write("one");
    fixture.write("busy", BPF_RINGBUF_BUSY_BIT);
    fixture.write("two");
    fixture.ring->drain();
    CHECK(fixture.samples == std::vector<std::string>{"one"});
}

TEST_CASE("ring buffer records that run over the end come out whole", "[events]") {
    RingFixture fixture;
    const std::string sample(1000, 'y');
    for (int i = 0; i < 20; ++i) {
        fixture.write(sample);
        fixture.ring->drain();
    }
    CHECK(fixture.samples == std::vector<std::string>(20, sample));
}
