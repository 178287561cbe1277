#pragma once
// A gate that remembers what passed it: how many calls of which kind, and what was done with one file.

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf::test {

class WatchingGate final : public KernelGate {
public:
    /// Watches the descriptors of the file `path` in particular. `next` outlives this.
    explicit WatchingGate(KernelGate& next, std::string path = {}) : next_(next), path_(std::move(path)) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        const Answer answer = next_.enter(call, reason);
        names_.emplace_back(call_name(call));
        if (const auto* open = std::get_if<OpenAt>(&call); open != nullptr && open->path == path_) {
            ++opened_;
            if (answer.ok()) fds_.insert(answer.fd());
        }
        if (const auto* read = std::get_if<Read>(&call)) reads_ += fds_.contains(read->fd);
        if (const auto* map = std::get_if<Mmap>(&call)) mappings_ += answer.ok() && fds_.contains(map->fd);
        if (const auto* close = std::get_if<Close>(&call)) fds_.erase(close->fd);
        if (const auto* told = std::get_if<ObjGetInfoByFd>(&call); told != nullptr && answer.ok()) {
            infos_.emplace_back(told->info.begin(), told->info.end());
        }
        return answer;
    }

    /// bpf(2) calls of every command.
    std::size_t bpf_calls() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(names_, [](const std::string& name) { return name.starts_with("bpf("); }));
    }
    const std::vector<std::string>& names() const noexcept { return names_; }

    int times_opened() const noexcept { return opened_; }
    int times_read() const noexcept { return reads_; }
    int times_mapped() const noexcept { return mappings_; }
    /// What BPF_OBJ_GET_INFO_BY_FD wrote, one for each call that succeeded.
    const std::vector<std::vector<std::byte>>& infos() const noexcept { return infos_; }

private:
    KernelGate& next_;
    std::string path_;
    std::set<int> fds_;
    std::vector<std::string> names_;
    std::vector<std::vector<std::byte>> infos_;
    int opened_ = 0, reads_ = 0, mappings_ = 0;
};

}  // namespace minibpf::test
