// Addresses to names: tables of the kernel's functions and of files, from text and from a made-up /proc.
#include <unistd.h>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>

#include <libminibpf/events/stack_symbols.hpp>
#include <libminibpf/kernel/live_gate.hpp>

using namespace minibpf;
using minibpf::test::FakeGate;

namespace {

constexpr const char* kallsyms =
    "ffffffff81000000 T _text\n"
    "ffffffff81a1c040 T vfs_read\n"
    "ffffffff81a1c040 t __pfx_of_the_same\n"
    "ffffffff81a1d000 t vfs_write\n"
    "ffffffff82000000 D jiffies\n"
    "ffffffffc04d1000 t br_forward\t[bridge]\n";

constexpr const char* maps =
    "555500000000-555500001000 r--p 00000000 fe:00 12                         /usr/bin/a program\n"
    "555500001000-555500002000 r-xp 00001000 fe:00 12                         /usr/bin/a program\n"
    "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
    "7ffff7fc9000-7ffff7fcb000 r-xp 00000000 00:00 0                          [vdso]\n"
    "no line of maps\n";

}  // namespace

TEST_CASE("a kernel function's name has the offset in it, and the module it belongs to", "[events]") {
    const FunctionTable table = parse_kallsyms(kallsyms);
    CHECK(table.name_at(0xffffffff81a1c040) == "vfs_read");
    CHECK(table.name_at(0xffffffff81a1c0f3) == "vfs_read+0xb3");
    CHECK(table.name_at(0xffffffff81a1d001) == "vfs_write+0x1");
    CHECK(table.name_at(0xffffffffc04d1010) == "br_forward [bridge]+0x10");
    CHECK(table.name_at(0xffffffff80ffffff).empty());                  // before the first
    CHECK(table.name_at(0xffffffff82000004) == "vfs_write+0x5e3004");  // data is no function
}

TEST_CASE("addresses that the kernel hides give no names", "[events]") {
    const FunctionTable table = parse_kallsyms("0000000000000000 T vfs_read\n0000000000000000 T vfs_write\n");
    CHECK(table.name_at(0).empty());
    CHECK(table.name_at(0xffffffff81a1c040).empty());
    CHECK(parse_kallsyms("").name_at(1).empty());
    CHECK(parse_kallsyms("what\nffff\n\nffffffff81a1c040 T").name_at(1).empty());
}

TEST_CASE("a function that has a size ends there", "[events]") {
    const FunctionTable table({{0x2000, 0x10, "second"}, {0x1000, 0x20, "first"}, {0x3000, 0, "third"}});
    CHECK(table.name_at(0x101f) == "first+0x1f");
    CHECK(table.name_at(0x1020).empty());
    CHECK(table.name_at(0x200f) == "second+0xf");
    CHECK(table.name_at(0x4000) == "third+0x1000");
}

TEST_CASE("lines of /proc/PID/maps say which part of which file lies where", "[events]") {
    const std::vector<MappedFile> files = parse_maps(maps);
    REQUIRE(files.size() == 4);
    CHECK(files[1].begin == 0x555500001000);
    CHECK(files[1].end == 0x555500002000);
    CHECK(files[1].offset == 0x1000);
    CHECK(files[1].identity == "fe:00 12");
    CHECK(files[1].path == "/usr/bin/a program");
    CHECK(files[2].path.empty());
    CHECK(files[3].path == "[vdso]");
}

TEST_CASE("a process's addresses are named by the files that it has mapped", "[events]") {
    FakeGate gate;
    gate.files["/proc/812/maps"] = maps;
    gate.files["/proc/812/root" + std::string("/usr/bin/a program")] = "no ELF file";
    StackSymbols symbols(gate);
    CHECK(symbols.user(812, 0x555500001234) == "a program+0x1234");
    CHECK(symbols.user(812, 0x7f0000000010) == "0x7f0000000010");  // memory of no file: compiled at run time, perhaps
    CHECK(symbols.user(812, 0x7ffff7fc9010) == "[vdso]+0x10");
    CHECK(symbols.user(812, 0x10) == "0x10");
    CHECK(symbols.user(813, 0x555500001234) == "0x555500001234");  // no such process
    CHECK(gate.open_fds().empty());
}

TEST_CASE("names of the kernel and of processes are read once, and their lack is no error", "[events]") {
    FakeGate gate;
    gate.files["/proc/812/maps"] = maps;
    StackSymbols symbols(gate);
    for (int i = 0; i < 3; ++i) {
        CHECK(symbols.kernel(0xffffffff81a1c040) == "0xffffffff81a1c040");
        CHECK(symbols.user(812, 0x555500001234) == "a program+0x1234");
    }
    CHECK(gate.count<OpenAt>() == 3);
}

TEST_CASE("the kernel's names come out of /proc/kallsyms", "[events]") {
    FakeGate gate;
    gate.files["/proc/kallsyms"] = kallsyms;
    StackSymbols symbols(gate);
    CHECK(symbols.kernel(0xffffffff81a1c0f3) == "vfs_read+0xb3");
    CHECK(symbols.kernel(0x10) == "0x10");
}

TEST_CASE("this test finds its own function, by a name as C++ writes it", "[events]") {
    LiveGate gate;
    StackSymbols symbols(gate);
    const auto address = reinterpret_cast<std::uint64_t>(&parse_maps);
    CHECK(symbols.user(getpid(), address).starts_with("minibpf::parse_maps("));
    CHECK(symbols.user(getpid(), address + 1).ends_with("+0x1"));
}
