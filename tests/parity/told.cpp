// What the kernel is told of a program beside its instructions: the kernel does not report it, so it is taken down from
// the call itself. Both libraries call syscall(3), which the runner's own definition comes before.
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <tests/parity/told.hpp>

namespace minibpf::test {

namespace {

std::string& lines() {
    static std::string all;
    return all;
}

void take_down(const bpf_attr& attr, std::size_t size) {
    bpf_attr whole{};  // an older library's is shorter
    std::memcpy(&whole, &attr, size < sizeof whole ? size : sizeof whole);
    const std::string name(whole.prog_name, strnlen(whole.prog_name, sizeof whole.prog_name));
    const std::string subject = "told " + name + " = ";
    if (name.empty() || lines().find(subject) != std::string::npos) return;  // the second time with a log
    lines() += subject + "type " + std::to_string(whole.prog_type) + ", expected_attach_type " +
               std::to_string(whole.expected_attach_type) + ", flags " + std::to_string(whole.prog_flags) +
               ", attach_btf_id " + std::to_string(whole.attach_btf_id) + "\n";
}

}  // namespace

std::string told_lines() {
    return lines();
}

}  // namespace minibpf::test

extern "C" __attribute__((visibility("default"))) long syscall(long number, ...) noexcept {
    using Syscall = long (*)(long, long, long, long, long, long, long);
    static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (long& argument : arguments) argument = va_arg(list, long);
    va_end(list);
    if (number == SYS_bpf && arguments[0] == BPF_PROG_LOAD) {
        minibpf::test::take_down(*reinterpret_cast<const bpf_attr*>(arguments[1]),
                                 static_cast<std::size_t>(arguments[2]));
    }
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
