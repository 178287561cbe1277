#!/usr/bin/env python3
"""Checks the links of the pages, and of the site that is made of them.

  tests/docs/check_links.py ROOT [SITE]     one line for each broken link; exit status 1 if there is one
  tests/docs/check_links.py --self-test     plants one broken link of each kind, and expects to see each reported

In the pages (README.md and all .md files of docs/, examples/ and exercises/ in ROOT) a relative link names a file or directory
of the repository, and #anchor a heading, as the repository's viewers spell it. In the site every address and every anchor is
there, and nothing is fetched from elsewhere. What is elsewhere (https://...) is not asked for; only its address is looked at.
"""
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
LOADING_RELATIONS = {"stylesheet", "preload", "modulepreload", "preconnect", "icon", "manifest"}
IGNORED_SCHEMES = {"mailto", "javascript", "data"}


def problem_of_external(url):
    """What is wrong with an address that has a scheme or begins with //."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return str(error)
    if parts.scheme in IGNORED_SCHEMES:
        return None
    if parts.scheme not in ("http", "https"):
        return f"the scheme is '{parts.scheme}'"
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", parts.netloc) or not (
            "." in parts.netloc.strip(".") or parts.netloc.startswith("localhost")):
        return f"there is no host '{parts.netloc}'"
    if re.search(r"[\s<>\"]", url):
        return "it has characters that no address has"
    return None


# --- the pages

def text_outside_code(text):
    """The lines of a page without code: a link there is none. Comments are left out too."""
    text = re.sub(r"<!--.*?-->", lambda comment: "\n" * comment[0].count("\n"), text, flags=re.DOTALL)
    lines, fence = [], None
    for line in text.split("\n"):
        mark = re.match(r" *(```+|~~~+)", line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
            lines.append("")
        elif mark:
            fence = mark[1]
            lines.append("")
        elif line.startswith("    ") and (not lines or not lines[-1].strip() or lines[-1] == "    "):
            lines.append("    ")    # an indented block goes on until a line that is not
        else:
            lines.append(line)
    return lines


def without_code_spans(line):
    return re.sub(r"(`+)(?:.*?)\1", "`", line)


def anchors_of_page(text):
    """The headings' anchors, as the repository's viewers make them: lower case, no punctuation, a hyphen for each blank."""
    anchors, counts = set(), {}
    for line in text_outside_code(text):
        heading = re.match(r"#{1,6} +(.*?) *#*$", line)
        anchors.update(re.findall(r"<a [^>]*(?:id|name)=\"([^\"]+)\"", line))
        if not heading:
            continue
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = counts.get(anchor, 0)
        counts[anchor] = count + 1
        anchors.add(f"{anchor}-{count}" if count else anchor)
    return anchors


def links_of_page(text):
    """(line number, address) of each link."""
    for number, line in enumerate(text_outside_code(text), 1):
        line = without_code_spans(line)
        for match in re.finditer(r"\]\(<?([^)\s>]*)>?(?:\s+\"[^\"]*\")?\)|(?:href|src)=\"([^\"]*)\"|<(https?:[^>]*)>", line):
            yield number, next(group for group in match.groups() if group is not None)
        definition = re.match(r" {0,3}\[[^\]^]+\]:\s+<?(\S+?)>?(?:\s|$)", line)
        if definition:
            yield number, definition[1]


def pages_of(root):
    pages = [root / "README.md"] if (root / "README.md").exists() else []
    for folder in ("docs", "examples", "exercises"):
        pages += sorted((root / folder).rglob("*.md"))
    return pages


def problem_in_page(root, page, url):
    if not url:
        return "it is empty"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", url):
        return problem_of_external(url)
    path, _, anchor = url.partition("#")
    if path.startswith("/"):
        return "it begins with /, which is elsewhere in each place where the page is read"
    target = (page.parent / unquote(path)).resolve() if path else page
    if not target.is_relative_to(root):
        return "it leads out of the repository"
    if not target.exists():
        return "there is no such file"
    if anchor and target.suffix == ".md" and unquote(anchor) not in anchors_of_page(target.read_text()):
        return f"{target.relative_to(root)} has no heading '#{anchor}'"
    return None


def check_pages(root):
    problems, count = [], 0
    for page in pages_of(root):
        for number, url in links_of_page(page.read_text()):
            count += 1
            problem = problem_in_page(root, page, url)
            if problem:
                problems.append(f"{page.relative_to(root)}:{number}: {url}: {problem}")
    return problems, count


# --- the site

class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("id", "name"):
            if attributes.get(name):
                self.anchors.add(attributes[name])
        line = self.getpos()[0]
        if tag in LOADING and attributes.get(LOADING[tag]):
            self.loaded.append((line, attributes[LOADING[tag]]))
        elif tag == "link" and attributes.get("href"):
            loads = LOADING_RELATIONS & set((attributes.get("rel") or "").split())
            (self.loaded if loads else self.links).append((line, attributes["href"]))
        elif tag in ("a", "area") and attributes.get("href") is not None:
            self.links.append((line, attributes["href"]))


def check_site(site):
    pages = {path: Links(path.read_text(errors="replace")) for path in sorted(site.rglob("*.html"))}
    problems, count = [], 0
    for path, page in pages.items():
        if path.name == "404.html" and path.parent == site:
            continue    # is shown at any address, so its links begin with /
        for number, url in page.links + page.loaded:
            count += 1
            problem = problem_in_site(site, pages, path, url, (number, url) in page.loaded)
            if problem:
                problems.append(f"{path.relative_to(site)}:{number}: {url}: {problem}")
    return problems, count


def problem_in_site(site, pages, path, url, is_loaded):
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", url):
        if is_loaded and url.partition(":")[0] not in IGNORED_SCHEMES:
            return "it would be fetched from elsewhere"
        return problem_of_external(url)
    name, _, anchor = url.partition("#")
    name = name.partition("?")[0]
    target = (path.parent / unquote(name)).resolve() if name else path
    if target.is_dir():
        target /= "index.html"
    if name.startswith("/") or not target.is_relative_to(site):
        return "it leads out of the site"
    if not target.exists():
        return "there is no such page"
    # What doxygen numbers and names within its pages is its own affair.
    if anchor and target in pages and target.parent != site / "api" and unquote(anchor) not in pages[target].anchors:
        return f"there is no anchor '#{anchor}'"
    return None


def check(root, site=None):
    checks = [check_pages(root)] + ([check_site(site)] if site else [])
    problems = [problem for found, _ in checks for problem in found]
    for what, (_, count) in zip(["pages", "site"], checks):
        if count == 0:
            problems.append(f"there are no links in the {what}")
    return problems


# --- the self-test

GOOD_PAGE = """# One `thing` & another

[to itself](#one-thing--another), [a file](../progs/a.c), [a page](b.md#two-1 "title"), <https://example.org/x>, `[code](no)`

    [code](no)

```
[code](no)
```
<!-- [comment](no) -->
[other]: b.md
"""
BROKEN_PAGE = [
    ("[x](c.md)", "no such file"), ("[x](b.md#three)", "no heading '#three'"), ("[x](#nothing)", "no heading '#nothing'"),
    ("[x](/docs/b.md)", "begins with /"), ("[x](../../outside.md)", "out of the repository"), ("[x]()", "is empty"),
    ("[x](htp://example.org)", "the scheme is 'htp'"), ("[x](https://example)", "no host 'example'"),
    ("[other]: d.md", "no such file"), ("<img src=\"e.svg\">", "no such file"),
]
GOOD_HTML = """<html><head><link rel="stylesheet" href="s.css"></head><body><h1 id="top"></h1><a href="#top"></a>
<a href="b.html#two"></a><a href="sub/">x</a><a href="https://example.org">x</a></body></html>"""
BROKEN_HTML = [
    ('<a href="c.html"></a>', "no such page"), ('<a href="b.html#three"></a>', "no anchor '#three'"),
    ('<a href="../x.html"></a>', "out of the site"), ('<a href="/b.html"></a>', "out of the site"),
    ('<script src="https://example.org/x.js"></script>', "fetched from elsewhere"),
    ('<link rel="stylesheet" href="//example.org/x.css">', "fetched from elsewhere"), ('<img src="x.png">', "no such page"),
]


def plant(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def self_test():
    failed = False

    def expect(what, is_so):
        nonlocal failed
        print(f"{'as expected' if is_so else 'NOT AS EXPECTED'}: {what}")
        failed |= not is_so

    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve() / "root"
        site = Path(directory).resolve() / "site"
        plant(root, "progs/a.c", "")
        plant(root, "docs/b.md", "# Two\n\n## Two\n")
        plant(root, "docs/a.md", GOOD_PAGE)
        for path, text in {"s.css": "", "b.html": '<p id="two">', "sub/index.html": "", "a.html": GOOD_HTML}.items():
            plant(site, path, text)
        expect("good pages are clean", check(root, site) == [])
        for text, problem in BROKEN_PAGE:
            plant(root, "docs/a.md", GOOD_PAGE + text + "\n")
            found = check(root, site)
            expect(f"{text}: {problem}", len(found) == 1 and found[0].startswith("docs/a.md:12: ") and problem in found[0])
        plant(root, "docs/a.md", GOOD_PAGE)
        for text, problem in BROKEN_HTML:
            plant(site, "a.html", GOOD_HTML + "\n" + text)
            found = check(root, site)
            expect(f"{text}: {problem}", len(found) == 1 and found[0].startswith("a.html:3: ") and problem in found[0])
        empty = Path(directory).resolve() / "empty"
        empty.mkdir()
        expect("no links at all", len(check(empty, empty)) == 2)
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    problems = check(*[Path(argument).resolve() for argument in sys.argv[1:]])
    for problem in problems:
        print(problem)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
