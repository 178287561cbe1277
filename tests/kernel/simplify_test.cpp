// What btf/simplify.hpp makes of BTF, before the judge: whatever it takes out, the kernel accepts what is left.
#include <libminibpf/btf/simplify.hpp>

#include <tests/kernel/live.hpp>
#include <tests/unit/btf/btf_builder.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

int btf_load_error(ByteView btf) {
    LiveGate gate;
    const Answer answer = gate.enter(BtfLoad{.btf = btf});
    if (answer.ok()) gate.enter(Close{answer.fd()});
    return answer.error;
}

/// Simplifies step by step, as the loader does, but goes on when the kernel is content. On an old kernel the first
/// forms may be refused; what was accepted once must be accepted in every simpler form.
void check_every_form(btf::Btf btf) {
    bool accepted = btf_load_error(btf.raw()) == 0;
    for (const btf::Simplification& step : btf::simplifications()) {
        INFO("without " << step.what);
        step.apply(btf);
        const bool now = btf_load_error(btf.raw()) == 0;
        CHECK((now || !accepted));
        accepted = accepted || now;
    }
    CHECK(accepted);
}

/// Of the kinds that clang 14 does not write, too.
btf::Btf newest_kinds() {
    using btf::Kind;
    using btf::TypeId;
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId large = b.enumeration64("large", true, {{"LEAST", -1}, {"MOST", 0x1'0000'0000}});
    const TypeId attribute = b.add(Kind::type_tag, "address_space(1)", 0, true, number);
    const TypeId record = b.structure("s", 24, {{"narrow", large, 0, 40}, {"wide", large, 64}});
    b.add(Kind::decl_tag, "preserve_access_index", 0, true, record, {0xffffffff});
    b.enumeration("below", 4, true, {{"MINUS", -1}});
    const TypeId proto = b.prototype(large, {{"", b.pointer(attribute)}, {"n", number}});
    const TypeId function = b.function("f", proto);
    b.add(Kind::decl_tag, "arg:nonnull, and so on", 0, false, function, {0});
    const TypeId var = b.variable("f.limit", b.floating("double", 8), BTF_VAR_STATIC);
    b.section("?odd/section", 12, {{var, 4, 8}});
    return b.build();
}

}  // namespace

TEST_CASE("the kernel accepts every simplified form of what clang writes", "[btf][kernel]") {
    require_bpf();
    for (const char* name : {"kernel_btf_kinds", "kernel_events", "programs", "variables", "maps"}) {
        INFO(name);
        check_every_form(*object_spec("tests/data/" + std::string(name) + ".bpf.o").btf);
    }
}

TEST_CASE("the kernel accepts every simplified form of the newest kinds", "[btf][kernel]") {
    require_bpf();
    check_every_form(newest_kinds());
}
