#include <tests/catch.hpp>

#include <libminibpf/btf/value.hpp>
#include <tests/unit/btf/btf_builder.hpp>

using namespace minibpf;
using namespace minibpf::btf;
using minibpf::test::BtfBuilder;

TEST_CASE("types are written as C declares them", "[btf][value]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4, BTF_INT_SIGNED);
    const TypeId character = b.integer("char", 1);
    const TypeId constant = b.add(Kind::const_, "", 0, false, number);
    const TypeId data = b.structure("data_t", 4, {{"a", number, 0}});
    const TypeId text = b.array(character, 12);
    const TypeId grid = b.array(b.array(number, 3), 2);
    const TypeId to_constant = b.pointer(constant);
    const TypeId constant_pointer = b.add(Kind::const_, "", 0, false, b.pointer(character));
    const TypeId to_array = b.pointer(text);
    const TypeId proto = b.prototype(number, {{"ctx", b.pointer(0)}, {"", b.pointer(character)}, {"", 0}});
    const TypeId callback = b.pointer(proto);
    const TypeId callbacks = b.array(callback, 4);
    const TypeId forward = b.add(Kind::fwd, "later", 0, false, 0);
    const TypeId tagged = b.pointer(b.add(Kind::type_tag, "user", 0, false, data));
    const Btf btf = b.build();

    CHECK(type_text(btf, 0) == "void");
    CHECK(type_text(btf, number) == "int");
    CHECK(type_text(btf, data) == "struct data_t");
    CHECK(type_text(btf, text) == "char[12]");
    CHECK(type_text(btf, grid) == "int[2][3]");
    CHECK(type_text(btf, to_constant) == "const int *");
    CHECK(type_text(btf, constant_pointer) == "char *const");
    CHECK(type_text(btf, to_array) == "char (*)[12]");
    CHECK(type_text(btf, callback) == "int (*)(void *ctx, char *, ...)");
    CHECK(type_text(btf, callbacks) == "int (*[4])(void *ctx, char *, ...)");
    CHECK(type_text(btf, forward) == "struct later");
    CHECK(type_text(btf, tagged) == "struct data_t *");
}

TEST_CASE("variables, functions and sections are written with their names", "[btf][value]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId variable = b.variable("counters", b.array(number, 4));
    const TypeId function = b.function("hello", b.prototype(number, {}));
    const TypeId section = b.section(".bss", 16, {{variable, 0, 16}});
    const Btf btf = b.build();
    CHECK(type_text(btf, variable) == "int counters[4]");
    CHECK(type_text(btf, function) == "int hello(void)");
    CHECK(type_text(btf, section) == "section .bss");
}

TEST_CASE("definitions write out members, anonymous types and bit-fields", "[btf][value]") {
    BtfBuilder b;
    const TypeId number = b.integer("int", 4);
    const TypeId choice = b.record(Kind::union_, "", 4, {{"a", number, 0}, {"b", b.pointer(number), 0}});
    const TypeId data = b.structure("data_t", 32, {{"pid", number, 0}, {"", choice, 64}, {"x", number, 128, 3}});
    const TypeId color = b.enumeration("color", 4, true, {{"RED", 0}, {"BLUE", -1}});
    const TypeId nameless = b.type_def("pair", b.structure("", 8, {{"a", number, 0}}));
    const TypeId alias = b.type_def("pid_t", number);
    const Btf btf = b.build();
    CHECK(definition_text(btf, data) ==
          "struct data_t {\n"
          "    int pid;\n"
          "    union {\n"
          "        int a;\n"
          "        int *b;\n"
          "    };\n"
          "    int x : 3;\n"
          "};");
    CHECK(definition_text(btf, color) == "enum color {\n    RED = 0,\n    BLUE = -1,\n};");
    CHECK(definition_text(btf, nameless) == "typedef struct {\n    int a;\n} pair;");
    CHECK(definition_text(btf, alias) == "typedef int pid_t;");
    CHECK(type_text(btf, choice) == "union {...}");
}

TEST_CASE("hostile types end in ..., soon", "[btf][value]") {
    BtfBuilder b;
    const TypeId loop = b.pointer(1);
    const TypeId array = b.array(2, 1);
    const TypeId proto = b.prototype(3, {{"a", 3}, {"b", 3}, {"c", 3}, {"d", 3}});
    const TypeId nested = b.structure("", 4, {{"", 4, 0}, {"", 4, 0}, {"", 4, 0}});
    const Btf btf = b.build();
    CHECK(type_text(btf, loop).size() < 1000);
    CHECK(type_text(btf, array).size() < 1000);
    CHECK(type_text(btf, proto).size() < (1u << 22));
    CHECK(definition_text(btf, nested).size() < (1u << 22));
}
