// One text per system call, in the order of kernel/syscall.hpp.
#include <libminibpf/narrate/explain.hpp>

#include <array>
#include <cstdio>

#include <linux/perf_event.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace minibpf {

namespace {

// An overload for each alternative of Syscall; a new one that lacks a text does not compile.
struct Doing {
    std::string_view operator()(const MapCreate&) const {
        return "creates a map: memory that programs and user space share, looked into by key";
    }
    std::string_view operator()(const MapLookupElem&) const { return "copies the value of one key out of the map"; }
    std::string_view operator()(const MapUpdateElem&) const { return "copies one key and its value into the map"; }
    std::string_view operator()(const MapDeleteElem&) const { return "removes one key and its value from the map"; }
    std::string_view operator()(const MapGetNextKey&) const {
        return "asks which key follows; so one walks through a map";
    }
    std::string_view operator()(const MapFreeze&) const {
        return "takes away user space's right to write, so that the verifier may rely on the values";
    }
    std::string_view operator()(const ProgLoad&) const {
        return "hands the instructions to the verifier, and if it accepts them to the JIT compiler; nothing runs yet";
    }
    std::string_view operator()(const BtfLoad&) const {
        return "gives the kernel the object's types, for maps and programs to refer to";
    }
    std::string_view operator()(const RawTracepointOpen&) const {
        return "attaches the program: it runs at each hit until the descriptor is closed";
    }
    std::string_view operator()(const LinkCreate&) const {
        return "attaches the program by a link: it runs until the link's last descriptor or pin is gone";
    }
    std::string_view operator()(const LinkUpdate&) const {
        return "puts another program in the place of the one that the link runs, without a gap";
    }
    std::string_view operator()(const LinkDetach&) const {
        return "detaches the program, although the link is still held";
    }
    std::string_view operator()(const IterCreate&) const {
        return "opens the iterator: each read runs the program on what comes next, and gets what it wrote";
    }
    std::string_view operator()(const ProgAttach&) const {
        return "attaches the program without a link: it stays until it is detached or the target is gone";
    }
    std::string_view operator()(const ProgDetach&) const { return "detaches the program"; }
    std::string_view operator()(const ProgTestRun&) const {
        return "runs the program on made-up input, without its being attached, and says what it returned";
    }
    std::string_view operator()(const EnableStats&) const {
        return "has the kernel count every program's runs and their time, until the descriptor is closed";
    }
    std::string_view operator()(const ObjPin&) const {
        return "gives the object a name in a bpffs, which keeps it alive when all descriptors are closed";
    }
    std::string_view operator()(const ObjGet&) const { return "opens what was pinned under that name"; }
    std::string_view operator()(const ObjGetInfoByFd&) const { return "asks what the kernel knows about the object"; }
    std::string_view operator()(const GetNextId&) const {
        return "asks which id follows; so one walks through all that is loaded";
    }
    std::string_view operator()(const GetFdById&) const { return "opens the object that has this id"; }
    std::string_view operator()(const PerfEventOpen& call) const {
        return call.type == PERF_TYPE_SOFTWARE && call.config == PERF_COUNT_SW_BPF_OUTPUT
                   ? "opens a buffer that bpf_perf_event_output() writes to, on one CPU"
                   : "opens an event that a program can be attached to; it hits nothing yet";
    }
    std::string_view operator()(const PerfEventSetBpf&) const {
        return "attaches the program to the event: it runs at each hit";
    }
    std::string_view operator()(const PerfEventEnable&) const { return "switches the event on"; }
    std::string_view operator()(const PerfEventDisable&) const { return "switches the event off"; }
    std::string_view operator()(const OpenAt&) const { return "opens a file"; }
    std::string_view operator()(const Read&) const { return "reads from a file"; }
    std::string_view operator()(const Write&) const { return "writes to a file"; }
    std::string_view operator()(const Lseek& call) const {
        return call.offset == 0 && call.whence == SEEK_END ? "asks how long the file is"
                                                           : "moves to another place in the file";
    }
    std::string_view operator()(const ReadDirectory&) const { return "reads which files there are in a directory"; }
    std::string_view operator()(const ReadLink&) const { return "asks where a symbolic link points to"; }
    std::string_view operator()(const Close&) const {
        return "closes the descriptor; what nobody else holds or has pinned goes with it";
    }
    std::string_view operator()(const Mkdir&) const { return "makes a directory"; }
    std::string_view operator()(const Unlink&) const {
        return "removes the name; what nobody holds and nothing else names goes with it";
    }
    std::string_view operator()(const Mmap& call) const {
        if (call.is_private) return "makes the file's content visible here, without copying it";
        return "makes the kernel's memory visible here, so that it can be read without a call";
    }
    std::string_view operator()(const Munmap&) const { return "gives the memory back"; }
    std::string_view operator()(const EpollCreate&) const { return "opens a waiting room for many descriptors"; }
    std::string_view operator()(const EpollAdd&) const {
        return "has the waiting room woken when this descriptor has something to read";
    }
    std::string_view operator()(const EpollWait&) const {
        return "sleeps until one of the descriptors has something to read";
    }
    std::string_view operator()(const Mount&) const { return "mounts one of the kernel's own file systems"; }
    std::string_view operator()(const GetPid&) const { return "asks for the number of this process"; }
    std::string_view operator()(const PidfdOpen&) const { return "opens a descriptor that stands for the process"; }
    std::string_view operator()(const PidfdGetFd&) const { return "takes a copy of another process's descriptor"; }
    std::string_view operator()(const SocketCreate& call) const {
        switch (call.domain) {
            case AF_PACKET: return "opens a socket that is handed whole packets, with all their headers";
            case AF_NETLINK: return "opens a conversation with the kernel's network configuration";
            default: return "opens a socket, for network questions are put to one";
        }
    }
    std::string_view operator()(const InterfaceIndex&) const {
        return "asks which number the network interface has; the kernel's calls take numbers only";
    }
    std::string_view operator()(const BindPacket&) const { return "has the socket receive this interface's packets"; }
    std::string_view operator()(const BindNetlink&) const { return "gives the socket an address for the answers"; }
    std::string_view operator()(const SetSocketOption& call) const {
        if (call.level == SOL_NETLINK) return "has the kernel put its refusals in words";
        switch (call.name) {
            case SO_ATTACH_BPF: return "attaches the program to the socket: it says how much of each packet is let in";
            case SO_ATTACH_REUSEPORT_EBPF:
                return "attaches the program to all sockets that share this address: it chooses one for each packet";
            case SO_DETACH_REUSEPORT_BPF: return "detaches the program; the kernel chooses sockets by itself again";
            default: return "sets an option of the socket";
        }
    }
    std::string_view operator()(const SendTo&) const { return "asks the kernel to change its network configuration"; }
    std::string_view operator()(const ReceiveFrom&) const { return "reads the kernel's answer"; }
};

struct Opening {
    std::string operator()(const MapCreate& call) const { return named("map", call.name); }
    std::string operator()(const ProgLoad& call) const { return named("program", call.name); }
    std::string operator()(const BtfLoad&) const { return "BTF"; }
    std::string operator()(const RawTracepointOpen& call) const { return named("link to raw tracepoint", call.name); }
    std::string operator()(const LinkCreate&) const { return "link"; }
    std::string operator()(const IterCreate&) const { return "iterator"; }
    std::string operator()(const EnableStats&) const { return "statistics"; }
    std::string operator()(const ObjGet& call) const { return named("pinned", call.pathname); }
    std::string operator()(const GetFdById& call) const {
        constexpr std::array<std::string_view, 4> kinds = {"program", "map", "BTF", "link"};
        return fmt::format("{} with id {}", kinds[static_cast<std::size_t>(call.kind)], call.id);
    }
    std::string operator()(const PerfEventOpen& call) const {
        const bool is_buffer = call.type == PERF_TYPE_SOFTWARE && call.config == PERF_COUNT_SW_BPF_OUTPUT;
        return is_buffer ? fmt::format("perf buffer of CPU {}", call.cpu) : "perf event";
    }
    std::string operator()(const OpenAt& call) const { return named("file", call.path); }
    std::string operator()(const EpollCreate&) const { return "epoll"; }
    std::string operator()(const PidfdOpen& call) const { return fmt::format("process {}", call.pid); }
    std::string operator()(const PidfdGetFd& call) const { return fmt::format("its descriptor {}", call.target_fd); }
    std::string operator()(const SocketCreate&) const { return "socket"; }
    template <class Call>
    std::string operator()(const Call&) const {
        return {};
    }

    static std::string named(std::string_view kind, const std::string& name) {
        return name.empty() ? std::string(kind) : fmt::format("{} \"{}\"", kind, name);
    }
};

}  // namespace

std::string_view what_it_does(const Syscall& call) noexcept {
    return std::visit(Doing{}, call);
}

std::string what_it_opens(const Syscall& call) {
    return std::visit(Opening{}, call);
}

}  // namespace minibpf
