// A tracepoint's `format` file as a C struct.
#include <tests/catch.hpp>

#include <libminibpf/attach/tracepoint_format.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr const char* execve_format = R"(name: sys_enter_execve
ID: 862
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:int __syscall_nr;	offset:8;	size:4;	signed:1;
	field:const char * filename;	offset:16;	size:8;	signed:0;
	field:char comm[16];	offset:24;	size:16;	signed:0;
	field:unsigned long args[2];	offset:40;	size:16;	signed:0;
	field:__data_loc char[] name;	offset:56;	size:4;	signed:0;

print fmt: "filename: 0x%08lx", ((unsigned long)(REC->filename))
)";

}  // namespace

TEST_CASE("each field line has a name, a place and a size, and other lines are passed over", "[attach][tracepoint]") {
    const std::vector<TracepointField> fields = parse_tracepoint_format(execve_format);
    REQUIRE(fields.size() == 9);
    CHECK(fields[4].name == "__syscall_nr");
    CHECK(fields[4].is_signed);
    CHECK(fields[5].name == "filename");
    CHECK(fields[5].declaration == "const char * filename");
    CHECK(fields[5].offset == 16);
    CHECK(fields[5].size == 8);
    CHECK(fields[6].name == "comm");
    CHECK(fields[6].count == 16);
    CHECK(fields[8].name == "name");
    CHECK(fields[8].count == 0);
    CHECK(parse_tracepoint_format("").empty());
}

TEST_CASE("the struct has every field at its offset, with types of its size", "[attach][tracepoint]") {
    const std::string text = tracepoint_struct("sys_enter_execve", parse_tracepoint_format(execve_format));
    CHECK_THAT(text, contains("struct sys_enter_execve {\n    u16 common_type;") && contains("s32 __syscall_nr;") &&
                         contains("u8 pad_12[4];") && contains("u64 filename;") && contains("char comm[16];") &&
                         contains("u64 args[2];") && contains("u32 name;"));
    CHECK(text.ends_with("\n};"));
}

TEST_CASE("a field that is not aligned makes the struct a packed one", "[attach][tracepoint]") {
    const std::string text =
        tracepoint_struct("odd", parse_tracepoint_format("\tfield:u8 a;\toffset:0;\tsize:1;\tsigned:0;\n"
                                                         "\tfield:u32 b;\toffset:1;\tsize:4;\tsigned:0;\n"));
    CHECK_THAT(text, contains("u32 b;"));
    CHECK(text.ends_with("} __attribute__((packed));"));
}
