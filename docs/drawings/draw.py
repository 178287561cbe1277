#!/usr/bin/env python3
"""Draws the pictures of docs/from-object-to-program.md.

    docs/drawings/draw.py             one SVG file for each function of DRAWINGS
    docs/drawings/draw.py --check     whether the files are what would be drawn: a test
"""
import sys
from html import escape
from pathlib import Path

COLOURS = {  # fill, frame
    "file": ("#e8eef7", "#3b5b92"),
    "kernel": ("#e6f4ea", "#2e7d4f"),
    "process": ("#fdf1dc", "#a86b12"),
    "note": ("#ffffff", "#9a9a9a"),
    "changed": ("#fbe3e4", "#b3343c"),
}
TEXT, GREY = "#202124", "#5f6368"
LINE = 18  # from one line of text to the next


class Drawing:
    def __init__(self, width, height, title):
        self.size, self.title, self.parts = (width, height), title, []

    def text(self, x, y, text, *, size=14, mono=False, bold=False, anchor="start", colour=TEXT):
        family = "ui-monospace, Menlo, Consolas, monospace" if mono else "system-ui, sans-serif"
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(f'<text x="{x}" y="{y}" font-family="{family}" font-size="{size}" fill="{colour}"'
                          f' text-anchor="{anchor}"{weight} xml:space="preserve">{escape(text)}</text>')

    def box(self, x, y, width, height, kind, heading="", lines=(), mono=True):
        fill, frame = COLOURS[kind]
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{frame}"/>')
        if heading:
            self.text(x + 10, y + 20, heading, bold=True)
        for i, line in enumerate(lines):
            self.text(x + 10, y + (20 if heading else 2) + LINE * (i + 1), line, size=13, mono=mono)

    def frame(self, x, y, width, height, kind, heading):
        """A box around others."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="none"'
                          f' stroke="{COLOURS[kind][1]}" stroke-dasharray="5 4"/>')
        self.text(x + 10, y + 20, heading, size=13, colour=COLOURS[kind][1], bold=True)

    def arrow(self, *points, label="", at=None):
        path = " ".join(f"{x},{y}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{GREY}" stroke-width="1.5" marker-end="url(#head)"/>')
        if label:
            x, y = at or ((points[0][0] + points[-1][0]) / 2, (points[0][1] + points[-1][1]) / 2 - 6)
            self.text(x, y, label, size=12, anchor="middle", colour=GREY)

    def svg(self):
        width, height = self.size
        head = ('<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
                f'<path d="M0,0 L10,5 L0,10 z" fill="{GREY}"/></marker>')
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
            f"<title>{escape(self.title)}</title>", f"<defs>{head}</defs>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>', *self.parts, "</svg>", ""])


def pipeline():
    d = Drawing(900, 150, "From C to a running program: clang, the loader, the verifier, the hook")
    steps = [("file", "hello.bpf.c", ["C"]), ("file", "hello.bpf.o", ["ELF + BTF"]), ("process", "blueprint", ["ObjectSpec"]),
             ("process", "instructions", ["relocated"]), ("kernel", "program", ["verified, JIT"]), ("kernel", "hook", ["runs"])]
    verbs = ["clang", "parse", "relocate", "BPF_PROG_LOAD", "attach"]
    for i, (kind, heading, lines) in enumerate(steps):
        d.box(20 + i * 148, 60, 118, 56, kind, heading, lines, mono=False)
        if i:
            d.arrow((20 + i * 148 - 30, 88), (20 + i * 148 - 2, 88))
            d.text(20 + i * 148 - 15, 46, verbs[i - 1], size=12, anchor="middle", colour=GREY)
    d.text(20, 24, "Blue: files. Yellow: in the loader's memory. Green: in the kernel.", size=12, colour=GREY)
    return d


def sections():
    d = Drawing(900, 470, "The sections of hello_buffer_config_raw_tp.bpf.o and what becomes of each")
    d.text(20, 30, "In the file", bold=True)
    d.text(480, 30, "What the loader makes of it", bold=True)
    rows = [("raw_tp/sys_enter", "instructions", "program hello", "type and hook by the section's name"),
            (".relraw_tp/sys_enter", "what they refer to", "map numbers in instructions", "one for each use of output and config"),
            ("license", "text", "an argument of BPF_PROG_LOAD", "some helpers are for GPL programs only"),
            (".maps", "two structs, no contents", "maps output and config", "their types, in .BTF, say what they are"),
            (".rodata.str1.1", "strings", "an array map, if a program uses it", "one element, all the section"),
            (".BTF", "types", "a BTF object", "BPF_BTF_LOAD, before all else"),
            (".BTF.ext", "source lines, CO-RE", "line numbers for the verifier's log", "and offsets to be fitted to the kernel"),
            (".symtab, .strtab", "names", "where functions and variables begin", "")]
    for i, (name, what, made, why) in enumerate(rows):
        y = 44 + i * 52
        d.box(20, y, 330, 42, "file", "", [])
        d.text(32, y + 18, name, mono=True, bold=True, size=13)
        d.text(32, y + 35, what, size=12, colour=GREY)
        d.arrow((352, y + 21), (478, y + 21))
        d.box(480, y, 400, 42, "process", "", [])
        d.text(492, y + 18, made, size=13, bold=True)
        d.text(492, y + 35, why, size=12, colour=GREY)
    return d


def instruction(d, y, heading, fields, changed=()):
    """The 16 bytes of an ld_imm64, as two instructions of 8."""
    d.text(20, y + 26, heading, size=13, bold=True)
    widths = [("code", 90), ("dst", 70), ("src", 210), ("off", 60), ("imm", 150), ("next imm", 150)]
    x = 120
    for (name, width), value in zip(widths, fields):
        d.box(x, y, width, 40, "changed" if name in changed else "file")
        d.text(x + width / 2, y + 17, value, size=12, mono=True, anchor="middle")
        d.text(x + width / 2, y + 33, name, size=11, anchor="middle", colour=GREY)
        x += width + 4


def relocation():
    d = Drawing(900, 250, "A map's relocation: an instruction before and after")
    d.text(20, 28, "r1 = &config: one instruction of 16 bytes (BPF_LD | BPF_IMM | BPF_DW)", bold=True)
    instruction(d, 50, "in the .o", ["0x18", "r1", "0", "0", "0", "0"])
    instruction(d, 130, "loaded", ["0x18", "r1", "BPF_PSEUDO_MAP_FD = 1", "0", "5", "0"], changed=("src", "imm"))
    d.arrow((500, 92), (500, 128), label="config has descriptor 5", at=(620, 116))
    d.text(20, 205, "For a variable: src = BPF_PSEUDO_MAP_VALUE (2), imm the section's map, next imm the offset in it.", size=13)
    d.text(20, 228, "The kernel puts the map's address there, so the descriptor may be closed afterwards.", size=13, colour=GREY)
    return d


def kernel():
    d = Drawing(900, 400, "What is in the kernel once hello is attached, and who holds it")
    d.frame(20, 20, 220, 360, "process", "the loader: descriptors")
    d.frame(300, 20, 580, 360, "kernel", "the kernel: objects, each with an id")
    things = [("3", "BTF", "37 types", 330, 60), ("4", "map output", "perf_event_array", 330, 145), ("5", "map config", "hash", 330, 230),
              ("6", "program hello", "raw_tracepoint", 610, 145), ("7", "link", "raw_tracepoint sys_enter", 610, 300)]
    for fd, heading, what, x, y in things:
        d.box(x, y, 230, 56, "kernel", heading, [what], mono=False)
    for i, (fd, heading, _, x, y) in enumerate(things):
        d.box(60, 55 + i * 62, 140, 36, "process")
        d.text(130, 78 + i * 62, f"fd {fd}", mono=True, anchor="middle", size=13)
    d.arrow((202, 73), (328, 80))
    d.arrow((202, 135), (328, 165))
    d.arrow((202, 197), (328, 250))
    d.arrow((202, 259), (270, 259), (270, 215), (586, 215), (608, 185))
    d.arrow((202, 321), (608, 330))
    d.arrow((608, 165), (562, 168), label="uses", at=(585, 158))
    d.arrow((640, 203), (562, 252), label="uses", at=(610, 240))
    d.arrow((725, 298), (725, 203), label="holds", at=(750, 255))
    d.arrow((445, 143), (445, 118))
    return d


def core():
    d = Drawing(900, 330, "CO-RE: an offset is looked up in the running kernel's types")
    d.box(20, 30, 260, 110, "file", "when compiled", ["struct pt_regs {", "    ...", "    unsigned long di;", "};"])
    d.box(20, 200, 260, 100, "file", "in .BTF.ext", ["struct pt_regs, \"0:14\":", "its member number 14;", "the byte offset of it"])
    d.arrow((150, 142), (150, 198), label="what was meant", at=(210, 174))
    d.box(330, 200, 240, 100, "process", "the loader", ["pt_regs, member di:", "by name and type", "in the kernel's BTF"], mono=False)
    d.arrow((282, 250), (328, 250))
    d.box(330, 30, 240, 110, "kernel", "/sys/kernel/btf/vmlinux", ["struct pt_regs {", "    ...", "    unsigned long di;", "};"])
    d.arrow((450, 198), (450, 142))
    d.box(620, 110, 260, 60, "file", "in the .o", ["r6 = *(u64 *)(r1 + 112)"])
    d.box(620, 220, 260, 60, "changed", "loaded", ["r6 = *(u64 *)(r1 + offset)"])
    d.arrow((572, 250), (618, 250), label="patches", at=(595, 242))
    d.arrow((750, 172), (750, 218))
    d.text(620, 60, "Not found: the instruction is poisoned,", size=13, colour=GREY)
    d.text(620, 80, "and refused if it can be reached.", size=13, colour=GREY)
    return d


def ring():
    d = Drawing(900, 300, "Events: memory that the kernel writes and the loader reads")
    d.frame(20, 20, 250, 260, "kernel", "the kernel")
    d.box(40, 60, 210, 80, "kernel", "the program", ["bpf_ringbuf_reserve()", "bpf_ringbuf_submit()"])
    d.box(40, 180, 210, 60, "kernel", "wakes", ["whoever polls the map"], mono=False)
    d.arrow((145, 142), (145, 178))
    x = 310
    d.text(x, 60, "a ring in memory, mapped into both", size=13, bold=True)
    for i, (name, kind) in enumerate([("read", "note"), ("read", "note"), ("event", "kernel"), ("event", "kernel"), ("free", "note")]):
        d.box(x + i * 56, 80, 52, 60, kind)
        d.text(x + i * 56 + 26, 115, name, size=12, anchor="middle", colour=TEXT if name == "event" else GREY)
    d.arrow((252, 100), (x - 2, 100))
    d.text(x + 112, 160, "^ consumer_pos", size=12, mono=True, colour=GREY)
    d.text(x + 234, 180, "producer_pos ^", size=12, mono=True, anchor="end", colour=GREY)
    d.frame(630, 20, 250, 260, "process", "the loader")
    d.box(650, 60, 210, 80, "process", "RingBuffer::drain()", ["reads up to producer_pos,", "moves consumer_pos: no call"], mono=False)
    d.box(650, 180, 210, 60, "process", "Poller::wait()", ["epoll_wait(2)"])
    d.arrow((590, 100), (648, 100))
    d.arrow((252, 215), (648, 215))
    d.arrow((755, 178), (755, 142))
    return d


DRAWINGS = [pipeline, sections, relocation, kernel, core, ring]

if __name__ == "__main__":
    outdated = 0
    for draw in DRAWINGS:
        file = Path(__file__).with_name(f"{draw.__name__}.svg")
        if sys.argv[1:] != ["--check"]:
            file.write_text(draw().svg())
        elif not file.exists() or file.read_text() != draw().svg():
            print(f"{file} is not what draw.py draws: run docs/drawings/draw.py", file=sys.stderr)
            outdated += 1
    sys.exit(outdated)
