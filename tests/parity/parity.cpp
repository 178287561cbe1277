// Compares what the kernel has after libbpf and after minibpf loaded the same object: one line for each object, the
// differences below it. See --help and tests/parity/run.
//
// An object that one of the two does not load whole is tried again program by program, so that one program for which
// this kernel has no hook does not hide the others. Where both load it, its optional programs are tried by themselves.
//
// What each tells the kernel of a program (type, expected attach type, flags, target) is compared whether or not the
// kernel takes it. Of objects that libbpf refuses, tests/parity/expected says how much minibpf loads at the least.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>

#include <tests/parity/kernel_report.hpp>
#include <tests/paths.hpp>

namespace {

namespace fs = std::filesystem;

// What one attempt came to: a reason, or facts like "program xdp_pass: tag" -> "3b185187f1855c4c".
struct Outcome {
    bool loaded = false;
    std::string reason = "it was not opened";
    std::map<std::string, std::string> facts;
    std::map<std::string, std::string> told;  // by the program's name in the kernel
};

using Attempts = std::map<std::string, Outcome>;  // by the program's name; the whole object has a name of its own

const std::string whole = "the whole object";

struct Options {
    fs::path libbpf, minibpf;  // the runners
    std::string core_btf;
    std::map<std::string, std::size_t> expected;  // programs, by the end of the object's path
    bool verbose = false;
    bool summary_only = false;
};

// --- running

std::string quoted(const std::string& word) {
    std::string result = "'";
    for (const char letter : word) result += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return result + "'";
}

bool take_prefix(std::string& line, const std::string& prefix) {
    if (!line.starts_with(prefix)) return false;
    line.erase(0, prefix.size());
    return true;
}

void run(const Options& options, const fs::path& runner, const std::string& arguments, Attempts& attempts) {
    const std::string btf = options.core_btf.empty() ? "" : "--btf " + quoted(options.core_btf) + " ";
    const std::string command = quoted(runner) + " " + btf + arguments + (options.verbose ? "" : " 2> /dev/null");
    std::fflush(stdout);
    std::FILE* output = popen(command.c_str(), "r");
    if (output == nullptr) std::abort();
    Outcome* outcome = nullptr;
    char* buffer = nullptr;
    std::size_t capacity = 0;
    for (ssize_t length; (length = getline(&buffer, &capacity, output)) > 0;) {
        std::string line(buffer, static_cast<std::size_t>(length - 1));
        if (take_prefix(line, "attempt: ")) {
            outcome = &attempts[line];
        } else if (line == "loaded") {
            outcome->loaded = true;
        } else if (take_prefix(line, "refused: ")) {
            outcome->reason = line;
        } else if (const std::size_t equals = line.find(" = "); equals != std::string::npos && outcome != nullptr) {
            const std::string value = line.substr(equals + 3);
            line.resize(equals);
            (take_prefix(line, "told ") ? outcome->told : outcome->facts)[line] = value;
        }
    }
    std::free(buffer);
    const int status = pclose(output);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::fprintf(stderr, "parity: %s ended with status %d\n", command.c_str(), status);
        std::exit(2);
    }
}

// --- comparing

std::string subject_of(const std::string& fact) {
    return fact.substr(0, fact.find(": "));
}

std::set<std::string> data_sections(const Outcome& outcome) {
    std::set<std::string> subjects;
    for (const auto& [fact, value] : outcome.facts) {
        if (fact.starts_with("data ")) subjects.insert(subject_of(fact));
    }
    return subjects;
}

// minibpf makes no map of a data section that no program refers to, libbpf does (docs/decisions/0005-fewest-calls.md).
// One that a program did refer to shows in "refers to" and in "maps", which are compared.
void forget_data_sections_of_one(Outcome& outcome, const Outcome& other) {
    const std::set<std::string> there = data_sections(other);
    for (const std::string& subject : data_sections(outcome)) {
        if (there.contains(subject)) continue;
        std::erase_if(outcome.facts, [&](const auto& fact) { return subject_of(fact.first) == subject; });
    }
}

// libbpf goes on without an object's BTF where the kernel does not take it. minibpf has more simplifications to offer:
// libbpf 1.1 leaves in, for instance, names of sections that begin with '?'.
bool gives_up_btf(const Outcome& libbpf, const Outcome& minibpf) {
    const auto has_btf = [](const Outcome& outcome) {
        return std::any_of(outcome.facts.begin(), outcome.facts.end(), [](const auto& fact) {
            return fact.first.ends_with(": has BTF") && (fact.second == "yes" || fact.second.starts_with("map 1"));
        });
    };
    return !has_btf(libbpf) && has_btf(minibpf);
}

void forget_btf(Outcome& outcome) {
    std::erase_if(outcome.facts, [](const auto& fact) {
        return fact.first.ends_with(": has BTF") || fact.first.find("func_info") != std::string::npos ||
               fact.first.find("line_info") != std::string::npos;
    });
}

// libbpf 1.5 and newer loads the members of tables of functions together with the tables, whichever programs are asked
// for.
void forget_other_programs(Outcome& outcome, const std::string& program) {
    const std::string subject = "program " + program;
    std::erase_if(outcome.facts, [&](const auto& fact) {
        return fact.first.starts_with("program ") && subject_of(fact.first) != subject;
    });
}

std::vector<std::string> differences(Outcome libbpf, Outcome minibpf, bool without_btf) {
    if (without_btf) {
        forget_btf(libbpf);
        forget_btf(minibpf);
    }
    forget_data_sections_of_one(libbpf, minibpf);
    forget_data_sections_of_one(minibpf, libbpf);
    std::set<std::string> facts;
    for (const auto& [fact, value] : libbpf.facts) facts.insert(fact);
    for (const auto& [fact, value] : minibpf.facts) facts.insert(fact);
    std::vector<std::string> found;
    const auto value_in = [](const Outcome& outcome, const std::string& fact) {
        const auto at = outcome.facts.find(fact);
        return at == outcome.facts.end() ? "nothing" : at->second;
    };
    for (const std::string& fact : facts) {
        const std::string theirs = value_in(libbpf, fact), ours = value_in(minibpf, fact);
        if (theirs != ours && theirs != minibpf::test::any_tag)
            found.push_back(fact + ": libbpf " + theirs + ", minibpf " + ours);
    }
    return found;
}

// libbpf also loads programs of its own, to see what the kernel can do. Where it does not know a section, as libbpf 1.1
// does not know "?.struct_ops", the programs have no target.
std::vector<std::string> told_differently(const Outcome& libbpf, const Outcome& minibpf) {
    std::vector<std::string> found;
    for (const auto& [program, theirs] : libbpf.told) {
        const auto ours = minibpf.told.find(program);
        if (ours == minibpf.told.end() || ours->second == theirs) continue;
        constexpr std::string_view no_target = "attach_btf_id 0";
        const bool knows_less = theirs.ends_with(no_target) && !ours->second.ends_with(no_target);
        if (libbpf.loaded || !knows_less)
            found.push_back("told of " + program + ": libbpf " + theirs + ", minibpf " + ours->second);
    }
    return found;
}

enum class Verdict { both_refuse, same, loads_more, refuses, loads_less, differs, crashes };  // the worse, the higher

constexpr const char* verdict_names[] = {
    "both refuse", "same",           "minibpf loads more", "minibpf refuses", "minibpf loads less than before",
    "differs",     "minibpf crashes"};

struct Comparison {
    Verdict verdict = Verdict::both_refuse;
    std::vector<std::string> remarks;
    std::size_t libbpf_programs = 0, minibpf_programs = 0, same_tags = 0;
};

std::size_t programs_in(const Outcome& outcome) {
    return static_cast<std::size_t>(std::count_if(outcome.facts.begin(), outcome.facts.end(), [](const auto& fact) {
        return fact.first.starts_with("program ") && fact.first.ends_with(": tag");
    }));
}

// libbpf calls it a success when there was nothing to load: no maps and no programs but optional ones. It also has no
// programs in an object whose only functions are in .text, where minibpf asks what kind of program they are.
bool loads_nothing(const Outcome& libbpf, const Outcome& minibpf) {
    if (libbpf.facts.empty()) return true;
    return programs_in(libbpf) == 0 && minibpf.reason.find("lies in section '.text'") != std::string::npos;
}

std::size_t same_tags(const Outcome& libbpf, const Outcome& minibpf) {
    return static_cast<std::size_t>(std::count_if(libbpf.facts.begin(), libbpf.facts.end(), [&](const auto& fact) {
        const auto ours = minibpf.facts.find(fact.first);
        return fact.first.ends_with(": tag") && ours != minibpf.facts.end() && ours->second == fact.second;
    }));
}

Verdict compare_attempt(const Options& options, const std::string& name, const Outcome& libbpf, const Outcome& minibpf,
                        Comparison& result) {
    result.libbpf_programs += programs_in(libbpf);
    result.minibpf_programs += programs_in(minibpf);
    result.same_tags += same_tags(libbpf, minibpf);
    const auto remark = [&](const std::string& what) {
        result.remarks.push_back(name == whole ? what : name + ": " + what);
    };
    const std::vector<std::string> told = told_differently(libbpf, minibpf);
    for (const std::string& difference : told) remark(difference);
    if (!told.empty()) return Verdict::differs;
    if (libbpf.loaded && minibpf.loaded) {
        const bool without_btf = gives_up_btf(libbpf, minibpf);
        if (without_btf) remark("libbpf gives up its BTF");
        const std::vector<std::string> found = differences(libbpf, minibpf, without_btf);
        for (const std::string& difference : found) remark(difference);
        if (!found.empty()) return Verdict::differs;
        return without_btf ? Verdict::loads_more : Verdict::same;
    }
    if (minibpf.reason.starts_with("died of")) {
        remark("minibpf " + minibpf.reason);
        return Verdict::crashes;
    }
    if (libbpf.loaded && !loads_nothing(libbpf, minibpf)) {
        remark("minibpf refuses: " + minibpf.reason);
        return Verdict::refuses;
    }
    if (minibpf.loaded) {
        remark("libbpf refuses: " + libbpf.reason);
        return Verdict::loads_more;
    }
    if (options.verbose) remark("both refuse; libbpf: " + libbpf.reason + "; minibpf: " + minibpf.reason);
    return Verdict::both_refuse;
}

// Where libbpf refuses an object as well, nothing but what minibpf loaded before shows a loss.
void compare_with_expected(const Options& options, const fs::path& object, Comparison& result) {
    for (const auto& [name, programs] : options.expected) {
        if (!object.string().ends_with("/" + name) || result.minibpf_programs >= programs) continue;
        result.remarks.push_back("tests/parity/expected has " + std::to_string(programs) + " programs");
        result.verdict = std::max(result.verdict, Verdict::loads_less);
    }
}

std::map<std::string, std::size_t> read_expected(const fs::path& path) {
    std::map<std::string, std::size_t> expected;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t space = line.find(' ');
        if (line.starts_with('#') || space == std::string::npos) continue;
        expected[line.substr(0, space)] = std::stoul(line.substr(space + 1));
    }
    return expected;
}

Comparison compare(const Options& options, const fs::path& object) {
    Attempts libbpf, minibpf;
    run(options, options.libbpf, quoted(object), libbpf);
    run(options, options.minibpf, quoted(object), minibpf);
    Comparison result;
    result.verdict = compare_attempt(options, whole, libbpf[whole], minibpf[whole], result);
    const bool both_load = libbpf[whole].loaded && minibpf[whole].loaded;
    const std::string which = both_load ? "--optional " : "--each ";
    run(options, options.libbpf, which + quoted(object), libbpf);
    run(options, options.minibpf, which + quoted(object), minibpf);
    std::set<std::string> names;
    for (const auto& [name, outcome] : libbpf) names.insert(name);
    for (const auto& [name, outcome] : minibpf) names.insert(name);
    names.erase(whole);
    if (!both_load) result.libbpf_programs = result.minibpf_programs = result.same_tags = 0;
    for (const std::string& name : names) {
        forget_other_programs(libbpf[name], name);
        result.verdict = std::max(result.verdict, compare_attempt(options, name, libbpf[name], minibpf[name], result));
    }
    compare_with_expected(options, object, result);
    return result;
}

// --- telling

bool is_bad(Verdict verdict) {
    return verdict >= Verdict::refuses;
}

void print(const Options& options, const fs::path& object, const Comparison& comparison) {
    if (options.summary_only && !is_bad(comparison.verdict)) return;
    std::printf("%-60s %4zu %4zu  %s\n", object.c_str(), comparison.libbpf_programs, comparison.minibpf_programs,
                verdict_names[static_cast<int>(comparison.verdict)]);
    const std::size_t count = comparison.remarks.size();
    const std::size_t shown = options.verbose ? count : std::min<std::size_t>(count, 12);
    for (std::size_t i = 0; i < shown; ++i) std::printf("    %s\n", comparison.remarks[i].c_str());
    if (shown < count) std::printf("    and %zu more; -v shows all\n", count - shown);
    std::fflush(stdout);
}

bool is_object(const fs::path& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return false;
    char magic[4] = {};
    const std::size_t length = std::fread(magic, 1, sizeof magic, file);
    std::fclose(file);
    return std::string_view(magic, length) == "\177ELF";
}

std::vector<fs::path> objects_in(const fs::path& path) {
    if (!fs::is_directory(path)) return {path};
    std::vector<fs::path> objects;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
        if (entry.is_regular_file() && is_object(entry.path())) objects.push_back(entry.path());
    }
    std::sort(objects.begin(), objects.end());
    return objects;
}

constexpr const char* usage =
    "Usage: parity [OPTION]… OBJECT-OR-DIRECTORY…\n"
    "\n"
    "Loads each object with libbpf and with minibpf and compares what the kernel reports: programs (type, tag,\n"
    "instructions, BTF, maps) and maps (shape, BTF, contents of data sections, slots). Needs root; attaches nothing.\n"
    "\n"
    "  -v              also what the libraries say, and why both refuse\n"
    "  -q              only the objects that differ or that minibpf refuses\n"
    "  --btf FILE      CO-RE goes by this BTF instead of the running kernel's\n"
    "  --libbpf FILE   another build of parity_libbpf\n"
    "\n"
    "The columns: object, programs loaded by libbpf, programs loaded by minibpf, verdict.\n"
    "Exit status: 0; 1 if an object differs, or minibpf loads less of it than libbpf or tests/parity/expected say; 2 "
    "if it could not be tried; 77 without objects.\n";

}  // namespace

int main(int argc, char** argv) {
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    Options options{.libbpf = here / "parity_libbpf", .minibpf = here / "parity_minibpf"};
    options.expected = read_expected(minibpf::test::source_dir() / "tests/parity/expected");
    std::vector<fs::path> objects;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "-v") {
            options.verbose = true;
        } else if (argument == "-q") {
            options.summary_only = true;
        } else if (argument == "--libbpf" && i + 1 < argc) {
            options.libbpf = argv[++i];
        } else if (argument == "--btf" && i + 1 < argc) {
            options.core_btf = argv[++i];
        } else if (argument == "-h" || argument == "--help" || argument.front() == '-') {
            std::fputs(usage, stdout);
            return argument == "-h" || argument == "--help" ? 0 : 2;
        } else if (!fs::exists(argument)) {
            std::fprintf(stderr, "SKIP: there is no %s\n", argument.c_str());
            return 77;
        } else {
            for (const fs::path& object : objects_in(argument)) objects.push_back(object);
        }
    }
    if (objects.empty()) {
        std::fputs("SKIP: no object to compare\n", stderr);
        return 77;
    }

    std::map<Verdict, std::size_t> counts;
    std::size_t programs = 0;
    std::printf("%-60s %4s %4s  %s\n", "object", "lib", "mini", "verdict");
    for (const fs::path& object : objects) {
        const Comparison comparison = compare(options, object);
        print(options, object, comparison);
        ++counts[comparison.verdict];
        programs += comparison.same_tags;
    }
    std::printf("%zu objects:", objects.size());
    for (const auto& [verdict, count] : counts)
        std::printf(" %zu %s,", count, verdict_names[static_cast<int>(verdict)]);
    std::printf(" %zu programs with equal tags\n", programs);
    return !counts.empty() && is_bad(counts.rbegin()->first) ? 1 : 0;
}
