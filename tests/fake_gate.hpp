#pragma once
// A kernel for tests: everything succeeds unless the test says otherwise, memory is real, and nothing is forgotten.
//
//     FakeGate gate;
//     gate.files["/sys/kernel/tracing/events/syscalls/sys_enter_execve/id"] = "862\n";
//     gate.on<ProgLoad>([](const ProgLoad& call) -> std::optional<Answer> {
//         if (call.log.empty()) return FakeGate::failure(EACCES);
//         return std::nullopt;   // as ever: a new fd
//     });
//
//     const Object object = load(gate, spec);
//     CHECK(gate.count<MapCreate>() == 2);
//     CHECK(gate.calls<ProgLoad>()[0]->name == "hello");
//     CHECK(gate.open_fds().size() == 4);
//
// Mmap hands out zeroed memory, so a test can play the kernel's side of a ring buffer in it; of a file in `files` it
// hands out the content. No id and no pin is found unless a script answers GetNextId or ObjGet.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>

#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>

namespace minibpf::test {

/// One call that was made. What the call borrowed (instructions, keys, values, buffers) was copied, after it returned.
struct RecordedCall {
    Syscall call;
    Answer answer;
    std::string reason;
};

class FakeGate final : public KernelGate {
public:
    /// A script's answer to one kind of call; nothing leaves the call to the gate.
    template <class Call>
    using Script = std::function<std::optional<Answer>(const Call&)>;

    explicit FakeGate(int first_fd = 3) : kernel_(file_reader_, first_fd) {}

    static Answer failure(int error) { return {.value = -1, .error = error}; }

    /// What can be read where. Opening any other file for reading answers ENOENT, but for the tracefs and PMU files
    /// whose content DryRunGate makes up.
    std::map<std::string, std::string> files = {
        {"/sys/devices/system/cpu/possible", "0-1\n"},
        {"/sys/devices/system/cpu/online", "0-1\n"},
    };

    /// Asks `script` first at each call of this kind. Scripts that were added later are asked sooner.
    template <class Call>
    void on(Script<Call> script) {
        scripts_.push_front([script = std::move(script)](const Syscall& call) -> std::optional<Answer> {
            const Call* request = std::get_if<Call>(&call);
            return request != nullptr ? script(*request) : std::nullopt;
        });
    }

    /// Answers each call of this kind with `error`.
    template <class Call>
    void fail(int error) {
        on<Call>([error](const Call&) { return failure(error); });
    }

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        Answer answer = answer_to(call);
        answer.origin = Origin::kernel;
        complain(call, answer);
        log_.push_back({.call = owned(call), .answer = answer, .reason = reason.text()});
        return answer;
    }

    /// Every call so far, in order.
    const std::deque<RecordedCall>& log() const noexcept { return log_; }

    /// The calls of one kind, in order.
    template <class Call>
    std::vector<const Call*> calls() const {
        std::vector<const Call*> found;
        for (const RecordedCall& recorded : log_) {
            if (const Call* call = std::get_if<Call>(&recorded.call)) found.push_back(call);
        }
        return found;
    }

    template <class Call>
    std::size_t count() const {
        return calls<Call>().size();
    }

    /// The names of all calls in order: {"bpf(BPF_MAP_CREATE)", "close"}.
    std::vector<std::string> call_names() const {
        std::vector<std::string> names;
        for (const RecordedCall& recorded : log_) names.emplace_back(call_name(recorded.call));
        return names;
    }

    /// What was handed out and not given back: exact, as only this gate hands out.
    std::vector<int> open_fds() const { return kernel_.open_fds(); }
    std::size_t mapping_count() const noexcept { return kernel_.mapping_count(); }

    /// Misuse: closing what is not open, unmapping what is not mapped.
    const std::vector<std::string>& errors() const noexcept { return errors_; }

    /// The network interfaces that there are, and their numbers.
    std::map<std::string, std::uint32_t> interfaces = {{"lo", 1}, {"eth0", 2}};

private:
    // Reads `files` for DryRunGate, which turns these descriptors into its own, and is process 4711.
    class FileReader final : public KernelGate {
    public:
        FileReader(const std::map<std::string, std::string>& contents,
                   const std::map<std::string, std::uint32_t>& interfaces)
            : contents_(contents), interfaces_(interfaces) {}

        Answer enter(const Syscall& call, const Reason&) noexcept override {
            if (const OpenAt* open = std::get_if<OpenAt>(&call)) return open_file(*open);
            if (const Read* read = std::get_if<Read>(&call)) return read_file(*read);
            if (const Lseek* seek = std::get_if<Lseek>(&call)) return seek_file(*seek);
            if (const Close* close = std::get_if<Close>(&call)) open_.erase(close->fd);
            if (const Mmap* map = std::get_if<Mmap>(&call)) return map_file(*map);
            if (const Munmap* unmap = std::get_if<Munmap>(&call)) mapped_.erase(unmap->address);
            if (std::holds_alternative<GetPid>(call)) return {.value = 4711};
            if (const InterfaceIndex* index = std::get_if<InterfaceIndex>(&call)) return index_of(*index);
            return {};
        }

    private:
        struct OpenFile {
            std::string content;
            std::size_t position = 0;
        };

        Answer open_file(const OpenAt& call) {
            const auto found = contents_.find(call.path);
            if (found == contents_.end()) return failure(ENOENT);
            open_[++last_fd_].content = found->second;
            return {.value = last_fd_};
        }

        Answer read_file(const Read& call) {
            OpenFile& file = open_[call.fd];
            const std::string_view rest = std::string_view(file.content).substr(file.position);
            const std::size_t count = std::min(call.buffer.size(), rest.size());
            if (count > 0) std::memcpy(call.buffer.data(), rest.data(), count);
            file.position += count;
            return {.value = static_cast<long>(count)};
        }

        // To its beginning or its end: what one needs to learn a file's size.
        Answer seek_file(const Lseek& call) {
            OpenFile& file = open_[call.fd];
            if (call.offset != 0 || (call.whence != SEEK_SET && call.whence != SEEK_END)) return failure(EINVAL);
            file.position = call.whence == SEEK_END ? file.content.size() : 0;
            return {.value = static_cast<long>(file.position)};
        }

        Answer map_file(const Mmap& call) {
            std::string copy = open_[call.fd].content;
            copy.resize(call.length);
            auto memory = std::make_unique<std::string>(std::move(copy));
            const auto address = reinterpret_cast<std::uintptr_t>(memory->data());
            mapped_[address] = std::move(memory);
            return {.value = static_cast<long>(address)};
        }

        Answer index_of(const InterfaceIndex& call) {
            const auto found = interfaces_.find(call.name);
            if (found == interfaces_.end()) return failure(ENODEV);
            return {.value = 0, .out = found->second};
        }

        const std::map<std::string, std::string>& contents_;
        const std::map<std::string, std::uint32_t>& interfaces_;
        std::map<int, OpenFile> open_;
        std::map<std::uintptr_t, std::unique_ptr<std::string>> mapped_;
        int last_fd_ = 0;
    };

    Answer answer_to(const Syscall& call) {
        for (const auto& script : scripts_) {
            if (std::optional<Answer> answer = script(call)) return *answer;
        }
        return kernel_.enter(call);
    }

    void complain(const Syscall& call, const Answer& answer) {
        if (answer.ok()) return;
        if (const Close* close = std::get_if<Close>(&call)) {
            errors_.push_back("close(" + std::to_string(close->fd) + ") of a descriptor that is not open");
        }
        if (std::holds_alternative<Munmap>(call)) errors_.push_back("munmap of memory that is not mapped");
    }

    template <class T>
    std::span<T> kept(std::span<T> borrowed) {
        using Value = std::remove_const_t<T>;
        auto copy = std::make_shared<std::vector<Value>>(borrowed.begin(), borrowed.end());
        storage_.push_back(copy);
        return std::span<T>(copy->data(), copy->size());
    }

    // Copies what a call borrowed, so that it owes nothing to its maker.
    struct Owner {
        FakeGate& gate;
        template <class Call>
        void operator()(Call& call) const {
            if constexpr (requires { call.key; }) call.key = gate.kept(call.key);
            if constexpr (requires { call.value.size(); }) call.value = gate.kept(call.value);
            if constexpr (requires { call.next_key; }) call.next_key = gate.kept(call.next_key);
            if constexpr (requires { call.insns; }) call.insns = gate.kept(call.insns);
            if constexpr (requires { call.func_info; }) call.func_info = gate.kept(call.func_info);
            if constexpr (requires { call.line_info; }) call.line_info = gate.kept(call.line_info);
            if constexpr (requires { call.fd_array; }) call.fd_array = gate.kept(call.fd_array);
            if constexpr (requires { call.log; }) call.log = gate.kept(call.log);
            if constexpr (requires { call.btf; }) call.btf = gate.kept(call.btf);
            if constexpr (requires { call.info; }) call.info = gate.kept(call.info);
            if constexpr (requires { call.ctx; }) {
                call.data = gate.kept(call.data);
                call.data_out = gate.kept(call.data_out);
                call.ctx = gate.kept(call.ctx);
                call.ctx_out = gate.kept(call.ctx_out);
                call.result = nullptr;
            }
            if constexpr (requires { call.buffer; }) call.buffer = gate.kept(call.buffer);
            if constexpr (requires { call.ready; }) call.ready = gate.kept(call.ready);
            if constexpr (requires { call.data.subspan(0); }) call.data = gate.kept(call.data);
        }
    };

    Syscall owned(Syscall call) {
        std::visit(Owner{*this}, call);
        return call;
    }

    FileReader file_reader_{files, interfaces};
    DryRunGate kernel_;
    std::deque<std::function<std::optional<Answer>(const Syscall&)>> scripts_;
    std::deque<RecordedCall> log_;
    std::vector<std::shared_ptr<void>> storage_;
    std::vector<std::string> errors_;
};

}  // namespace minibpf::test
