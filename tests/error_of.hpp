#pragma once
// The Error that some work throws: const Error error = error_of([&] { load(gate, spec); });

#include <functional>
#include <stdexcept>

#include <libminibpf/base/error.hpp>

namespace minibpf::test {

inline Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("no Error was thrown");
}

}  // namespace minibpf::test
