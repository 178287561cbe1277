// A map's elements, in and out, against a kernel that is a test's own.
#include <map>
#include <string>
#include <vector>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/events/map_view.hpp>
#include <libminibpf/kernel/page_size.hpp>
#include <libminibpf/load/loader.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

// A kernel that keeps elements, in the order of their keys.
struct MapFixture {
    explicit MapFixture(bpf_map_type type, std::uint32_t value_size = 8, std::uint32_t max_entries = 100) {
        spec.name = "counts";
        spec.type = type;
        spec.key_size = 4;
        spec.value_size = value_size;
        gate.on<MapUpdateElem>([this](const MapUpdateElem& call) -> std::optional<Answer> {
            elements[text(call.key)] = text(call.value);
            return Answer{};
        });
        gate.on<MapLookupElem>([this](const MapLookupElem& call) -> std::optional<Answer> {
            const auto found = elements.find(text(call.key));
            if (found == elements.end()) return FakeGate::failure(ENOENT);
            std::memcpy(call.value.data(), found->second.data(), std::min(call.value.size(), found->second.size()));
            return Answer{};
        });
        gate.on<MapDeleteElem>([this](const MapDeleteElem& call) -> std::optional<Answer> {
            return elements.erase(text(call.key)) == 1 ? Answer{} : FakeGate::failure(ENOENT);
        });
        gate.on<MapGetNextKey>([this](const MapGetNextKey& call) -> std::optional<Answer> {
            const auto next = call.key.empty() ? elements.begin() : elements.upper_bound(text(call.key));
            if (next == elements.end()) return FakeGate::failure(ENOENT);
            std::memcpy(call.next_key.data(), next->first.data(), call.next_key.size());
            return Answer{};
        });
        map.emplace(gate, object, spec, max_entries, Fd(gate, gate.enter(MapCreate{}).fd()));
    }

    static std::string text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

    FakeGate gate;
    ObjectSpec object;
    MapSpec spec;
    std::map<std::string, std::string> elements;
    std::optional<Map> map;
};

}  // namespace

TEST_CASE("an element is set, read and removed by one call each", "[load][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_HASH);
    const std::uint32_t key = 1000;
    const std::uint64_t value = 42;
    CHECK_FALSE(fixture.map->lookup(bytes_of(key)));
    fixture.map->update(bytes_of(key), bytes_of(value), BPF_NOEXIST, "counted anew");
    const MapUpdateElem& update = *fixture.gate.calls<MapUpdateElem>().at(0);
    CHECK(update.map_fd == fixture.map->fd());
    CHECK(update.flags == BPF_NOEXIST);
    CHECK(fixture.gate.log().back().reason == "counted anew");
    REQUIRE(fixture.map->lookup(bytes_of(key)));
    CHECK(read_at<std::uint64_t>(*fixture.map->lookup(bytes_of(key)), 0) == 42u);
    CHECK(fixture.map->next_key({}) == Bytes(bytes_of(key).begin(), bytes_of(key).end()));
    CHECK_FALSE(fixture.map->next_key(bytes_of(key)));
    CHECK(fixture.map->remove(bytes_of(key)));
    CHECK_FALSE(fixture.map->remove(bytes_of(key)));
    CHECK_FALSE(fixture.map->next_key({}));
}

TEST_CASE("a key or a value of the wrong size is the caller's mistake, found before any call", "[load][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_HASH);
    const std::uint32_t four = 0;
    const std::uint64_t eight = 0;
    const std::size_t calls = fixture.gate.log().size();
    for (const auto& work : std::vector<std::function<void()>>{
             [&] { fixture.map->update(bytes_of(eight), bytes_of(eight)); },
             [&] { fixture.map->update(bytes_of(four), bytes_of(four)); },
             [&] { (void)fixture.map->lookup(bytes_of(eight)); },
             [&] { (void)fixture.map->remove(bytes_of(eight)); },
         }) {
        const Error error = error_of(work);
        CHECK(error.detail().blame == Blame::usage);
        CHECK_THAT(error.detail().doing, test::contains("'counts'"));
    }
    CHECK(fixture.gate.log().size() == calls);
}

TEST_CASE("an element that cannot be set says what was asked, and why", "[load][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_HASH);
    const std::uint32_t key = 7;
    const std::uint64_t value = 0;
    fixture.gate.fail<MapUpdateElem>(E2BIG);
    const Error full = error_of([&] { fixture.map->update(bytes_of(key), bytes_of(value)); });
    CHECK(full.detail().doing == "setting counts[7]");
    CHECK(full.detail().call == "bpf(BPF_MAP_UPDATE_ELEM)");
    CHECK_THAT(full.detail().hint, test::contains("max_entries=100"));
    fixture.gate.fail<MapUpdateElem>(EPERM);
    const Error frozen = error_of([&] { fixture.map->update(bytes_of(key), bytes_of(value)); });
    CHECK_THAT(frozen.detail().hint, test::contains("frozen"));
    fixture.gate.fail<MapLookupElem>(EINVAL);
    CHECK(error_of([&] { (void)fixture.map->lookup(bytes_of(key)); }).detail().code == EINVAL);
    fixture.gate.fail<MapDeleteElem>(EINVAL);
    CHECK(error_of([&] { (void)fixture.map->remove(bytes_of(key)); }).detail().code == EINVAL);
    fixture.gate.fail<MapGetNextKey>(EBADF);
    CHECK(error_of([&] { (void)fixture.map->next_key({}); }).detail().code == EBADF);
}

TEST_CASE("a per-CPU map's values lie one after another, each at a multiple of 8 bytes", "[load][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_PERCPU_HASH, 12);
    fixture.gate.files["/sys/devices/system/cpu/possible"] = "0-2\n";
    CHECK(fixture.map->is_per_cpu());
    const std::uint32_t key = 0;
    Bytes values(3 * 16);
    for (std::size_t cpu = 0; cpu < 3; ++cpu) values[cpu * 16] = static_cast<std::byte>('a' + cpu);
    fixture.map->update(bytes_of(key), values);
    CHECK_THROWS_AS(fixture.map->update(bytes_of(key), ByteView(values).first(12)), Error);
    const Bytes read = fixture.map->lookup(bytes_of(key)).value();
    CHECK(read == values);
    const std::vector<ByteView> by_cpu = fixture.map->values_by_cpu(read);
    REQUIRE(by_cpu.size() == 3);
    for (std::size_t cpu = 0; cpu < 3; ++cpu) {
        CHECK(by_cpu[cpu].size() == 12);
        CHECK(by_cpu[cpu][0] == static_cast<std::byte>('a' + cpu));
    }
    MapFixture plain(BPF_MAP_TYPE_HASH);
    CHECK_FALSE(plain.map->is_per_cpu());
    CHECK(plain.map->values_by_cpu(ByteView(values).first(8)).size() == 1);
}

TEST_CASE("a map is walked key by key, and no further than it has room for", "[events][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_HASH, 8, 3);
    for (const char* key : {"aaaa", "bbbb", "cccc", "dddd"}) fixture.elements[key] = std::string("12345678");
    std::vector<std::string> keys;
    for_each_element(*fixture.map, [&](ByteView key, ByteView value) {
        keys.push_back(MapFixture::text(key));
        CHECK(MapFixture::text(value) == "12345678");
        return true;
    });
    CHECK(keys == std::vector<std::string>{"aaaa", "bbbb", "cccc"});  // a walk that begins anew would never end
    keys.clear();
    for_each_element(*fixture.map, [&](ByteView key, ByteView) {
        keys.push_back(MapFixture::text(key));
        return false;
    });
    CHECK(keys == std::vector<std::string>{"aaaa"});
}

TEST_CASE("an element that is gone when its value is asked for is passed over", "[events][maps]") {
    MapFixture fixture(BPF_MAP_TYPE_HASH);
    for (const char* key : {"aaaa", "bbbb"}) fixture.elements[key] = std::string(8, 'x');
    fixture.gate.on<MapLookupElem>([](const MapLookupElem& call) -> std::optional<Answer> {
        if (MapFixture::text(call.key) == "aaaa") return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    std::vector<std::string> keys;
    for_each_element(*fixture.map, [&](ByteView key, ByteView) {
        keys.push_back(MapFixture::text(key));
        return true;
    });
    CHECK(keys == std::vector<std::string>{"bbbb"});
}

TEST_CASE("a ring buffer's size is a power of two, and no less than a page", "[load][maps]") {
    const auto size_for = [](std::uint32_t wanted) {
        FakeGate gate;
        ObjectSpec spec;
        spec.maps.push_back(
            {.name = "ring", .kernel_name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = wanted});
        const Object object = load(gate, std::move(spec));
        return gate.calls<MapCreate>().at(0)->max_entries;
    };
    const auto page = static_cast<std::uint32_t>(page_size());
    CHECK(size_for(1) == page);
    CHECK(size_for(page) == page);
    CHECK(size_for(page + 1) == 2 * page);
    CHECK(size_for(3 * page) == 4 * page);
    CHECK(size_for(0) == 0);  // the kernel says what it thinks of that
}
