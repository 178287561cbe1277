#!/usr/bin/env python3
"""Checks that the site's search finds what it should.

  tests/docs/check_search.py SITE SUBJECTS     one line for each problem; exit status 1 if there is one

Every page of SITE is in the index with its text; and each word in the file SUBJECTS is found on the page that stands beside it
(WORD PAGE, a line each, # begins a comment).
"""
import json
import sys
from pathlib import Path


def problems_of(site, subjects):
    index = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    text_of = {}
    for entry in index:
        page = entry["location"].split("#")[0] or "index.html"
        text_of[page] = text_of.get(page, "") + " " + entry["title"] + " " + entry["text"]
    for file in sorted(site.rglob("*.html")):
        page = file.relative_to(site).as_posix()
        if page.startswith("api/") or page == "404.html":
            continue    # doxygen's pages have a search of their own
        if len(text_of.get(page, "")) < 40:
            yield f"{page}: the search does not know this page"
    lines = [line.split("#")[0].split() for line in subjects.read_text().splitlines()]
    for word, page in [line for line in lines if line]:
        if word not in text_of.get(page, ""):
            yield f"{word}: the search does not find it on {page}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    problems = list(problems_of(Path(sys.argv[1]), Path(sys.argv[2])))
    print("\n".join(problems) or "the search finds everything")
    sys.exit(1 if problems else 0)
