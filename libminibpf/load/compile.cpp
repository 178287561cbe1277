// clang runs beside us and writes the object to its standard output, so that no file is left anywhere.
#include <libminibpf/load/compile.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <libminibpf/base/error.hpp>

namespace minibpf {

namespace {

constexpr int no_such_command = 127;  // the shell's exit status

std::string shell_quoted(std::string_view text) {
    std::string quoted = "'";
    for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string machine_name() {
    utsname machine{};
    uname(&machine);
    return machine.machine;
}

// `clang`, or the newest clang-NN: Debian's package of one version brings only that name. The shell knows what PATH
// has.
std::string clang_in_path() {
    constexpr int newest = 40, oldest = 10;  // clang 10 is the first that writes CO-RE relocations
    std::string names = "clang";
    for (int version = newest; version >= oldest; --version) names += fmt::format(" clang-{}", version);
    const std::string search =
        fmt::format("for c in {}; do command -v $c > /dev/null && echo $c && break; done", names);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(search.c_str(), "re"), pclose);
    std::array<char, 16> name{};
    if (!pipe || std::fgets(name.data(), name.size(), pipe.get()) == nullptr) return "clang";
    return std::string(name.data(), std::strcspn(name.data(), "\n"));
}

// As headers that look into struct pt_regs want to know it: the kernel's names in arch/.
std::string target_arch() {
    const std::string machine = machine_name();
    if (machine == "x86_64") return "x86";
    if (machine == "aarch64") return "arm64";
    return machine;
}

// A directory that is not there is none of clang's worries: in the source tree it is the first, installed the second.
// Debian and its kin keep <asm/types.h> apart from other headers.
std::string clang_command(const CompileOptions& options) {
    std::string command = fmt::format("{} -g -O2 -Wall -target bpf -D__TARGET_ARCH_{}", clang_in_path(), target_arch());
    for (const std::string& directory : options.include_directories) command += " -I" + shell_quoted(directory);
    command += fmt::format(" -I{} -I{}", shell_quoted(MINIBPF_SOURCE_BPF_INCLUDE), shell_quoted(MINIBPF_BPF_INCLUDE));
    command += fmt::format(" -idirafter /usr/include/{}-linux-gnu", machine_name());
    for (const std::string& flag : options.cflags) command += " " + flag;
    return command;
}

Bytes output_of(const std::string& command, const std::string& doing) {
    std::FILE* pipe = popen(command.c_str(), "re");
    if (pipe == nullptr) throw Error({.doing = doing, .call = "popen", .code = errno, .blame = Blame::facility});
    Bytes object;
    std::array<char, 65536> chunk;
    for (std::size_t size; (size = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
        const ByteView bytes = std::as_bytes(std::span(chunk).first(size));
        object.insert(object.end(), bytes.begin(), bytes.end());
    }
    const int status = pclose(pipe);
    if (status == 0) return object;
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_such_command) {
        throw Error(
            {.doing = doing + ": there is no clang", .hint = "apt-get install clang", .blame = Blame::facility});
    }
    throw Error(
        {.doing = doing, .hint = "clang's messages are above; it was run as: " + command, .blame = Blame::object});
}

}  // namespace

Bytes compile_file(const std::string& path, const CompileOptions& options) {
    return output_of(fmt::format("{} -c {} -o -", clang_command(options), shell_quoted(path)), "compiling " + path);
}

// Through a file without a name, which clang takes for its standard input.
Bytes compile_source(std::string_view source, const CompileOptions& options) {
    const std::string doing = "compiling source in memory";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    if (!file || std::fwrite(source.data(), 1, source.size(), file.get()) != source.size() ||
        std::fflush(file.get()) != 0)
        throw Error({.doing = doing, .call = "tmpfile", .code = errno, .blame = Blame::facility});
    std::rewind(file.get());
    return output_of(fmt::format("{} -x c -c - -o - <&{}", clang_command(options), fileno(file.get())), doing);
}

}  // namespace minibpf
