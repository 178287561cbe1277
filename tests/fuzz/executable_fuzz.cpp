// Bytes as an executable, as the dynamic linker's cache, and as a USDT probe's arguments: what comes out lies inside
// the bytes, or there is an Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <libminibpf/attach/usdt_arguments.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/elf/executable.hpp>
#include <libminibpf/elf/library_cache.hpp>

using namespace minibpf;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void try_arguments(std::string_view text) {
    try {
        const UsdtSpec spec = parse_usdt_arguments(text);
        require(spec.argument_count >= 0 && std::size_t(spec.argument_count) <= UsdtSpec::most_arguments);
    } catch (const Error&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes = std::as_bytes(std::span(data, size));
    try {
        const elf::Executable executable = elf::parse_executable(bytes, "fuzz");
        for (const elf::FunctionSymbol& function : executable.functions) require(function.offset < size);
        for (const elf::UsdtNote& note : executable.usdt_notes) {
            require(note.offset < size && note.semaphore_offset < size);
            try_arguments(note.arguments);
        }
    } catch (const Error&) {
    }
    elf::find_library(bytes, "libc");
    try_arguments({reinterpret_cast<const char*>(data), size});
    return 0;
}
