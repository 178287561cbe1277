"""What mkdocs.yml leaves to a program: which files are pages, in which order, and what the marks before blocks become.

A page keeps its path in the repository, so that links between pages are right in both places; its address leaves out docs/.
A source file that a page links to becomes a page as well. Marks are comments that tests read (tests/cli/readme_test.cpp,
tests/cli/excerpt_test.cpp): on the site each is its block's title.
"""
import os
import re
from pathlib import Path

from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Link

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = ["README.md", "examples/README.md"]
COPIED = {".svg", ".png", ".css"}
LANGUAGES = {".c": "c", ".h": "c", ".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".sh": "bash", ".yml": "yaml", ".cmake": "cmake"}
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)|^\[[^\]]+\]:\s+([^\s#]+)", re.MULTILINE)
MARK = re.compile(r"^<!-- (?:transcript(?:, cable)?(, Linux [0-9.]+)?|excerpt): (.*) -->\n```([^`\n]*)$", re.MULTILINE)


def pages():
    """The pages' paths in the repository. What solves an exercise is none."""
    found = [path for path in OUTSIDE if (ROOT / path).exists()]
    for folder in ["docs", "exercises"]:
        for path in sorted((ROOT / folder).rglob("*.md")):
            path = path.relative_to(ROOT)
            if not {"solution", "solutions"} & set(path.parts):
                found.append(path.as_posix())
    return found


def pictures():
    return [path.relative_to(ROOT).as_posix() for folder in ["docs", "exercises"] for path in sorted((ROOT / folder).rglob("*"))
            if path.suffix in COPIED]


def linked_files(page):
    """The files of the repository that a page links to and that are no pages."""
    for match in LINK.finditer((ROOT / page).read_text()):
        target = os.path.normpath(os.path.join(os.path.dirname(page), match[1] or match[2]))
        if not target.endswith(".md") and (ROOT / target).is_file():
            yield target


def address(path):
    """Where a page comes to lie in the site."""
    if path == "README.md":
        return "readme.html"
    parent, name = os.path.split(path.removeprefix("docs/"))
    stem = name.removesuffix(".md") if name.endswith(".md") else name
    return os.path.join(parent, ("index" if stem in ("README", "index") else stem) + ".html")


def site_file(path, config):
    file = File(path, str(ROOT), config.site_dir, use_directory_urls=False)
    if Path(path).suffix in COPIED:
        file.dest_uri = path.removeprefix("docs/")
    else:
        file.dest_uri = address(path) if path.endswith(".md") else f"files/{address(path)}"
        file.is_documentation_page = lambda: True    # a source file is shown in a page of its own
    file.url = file._get_url(use_directory_urls=False)
    file.abs_dest_path = os.path.join(config.site_dir, file.dest_uri)
    return file


def on_files(files, config):
    of_theme = [file for file in files if not file.abs_src_path.startswith(str(ROOT / "docs") + os.sep)]
    paths = pages()
    sources = sorted({target for page in paths for target in linked_files(page)})
    config.nav = [entry for item in config.nav for entry in expanded(item, set(paths), named_in(config.nav))]
    return Files(of_theme + [site_file(path, config) for path in dict.fromkeys(paths + pictures() + sources)])


def named_in(nav):
    return {path for item in nav for path in (item.values() if isinstance(item, dict) else [item])}


def expanded(item, paths, named):
    """An entry of `nav` as mkdocs knows them: with pages in the place of a folder. A folder without a title is what is left
    of it: the pages and folders that `nav` does not name elsewhere."""
    title, path = next(iter(item.items())) if isinstance(item, dict) else (None, item)
    if not path.endswith("/"):
        return [item] if path in paths else []
    entries = folder(path, paths, named if title is None else set())
    return entries if title is None else [{title: entries}] if entries else []


def folder(path, paths, but=frozenset()):
    """The pages of a folder, its README first, and each folder in it with the title that its README has."""
    entries = sorted(page for page in paths - but if os.path.dirname(page) + "/" == path)
    entries.sort(key=lambda page: os.path.basename(page) not in ("README.md", "index.md"))
    below = {path + page[len(path):].split("/")[0] + "/" for page in paths if page.startswith(path) and "/" in page[len(path):]}
    for name in sorted(below - but):
        inside = folder(name, paths)
        entries += inside if len(inside) == 1 else [{title_of(name): inside}]
    return entries


def title_of(path):
    """A folder's title: its README's heading, or its name."""
    readme = ROOT / path / "README.md"
    heading = re.search(r"^# (.*)$", readme.read_text(), re.MULTILINE) if readme.exists() else None
    return heading[1] if heading else re.sub(r"(\D)(\d)", r"\1 \2", Path(path).name).replace("-", " ").capitalize()


def on_nav(nav, config, files):
    # Doxygen writes these pages afterwards, so mkdocs must not look for them.
    nav.items.append(Link("Library", "api/index.html"))
    return nav


def on_page_read_source(page, config):
    path = page.file.src_uri
    if path.endswith(".md"):
        return None
    text = (ROOT / path).read_text()
    return f"# {path}\n\n`````{LANGUAGES.get(Path(path).suffix, 'text')}\n{text}\n`````\n"


def on_page_markdown(markdown, page, config, files):
    def title(mark):
        kernel, what, language = mark.groups()
        what = what if what.startswith("./") else what.split(":")[0]
        text = what.replace('"', "&quot;") + (kernel or "")
        return f'```{language or "text"} title="{text}"'
    # What is in HTML's elements is text to Python's Markdown, unless it is told otherwise.
    return MARK.sub(title, markdown).replace("<details>", '<details markdown="1">\n')
