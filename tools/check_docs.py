"""Fail when a document links to a file or a heading, or names a file, that does not exist."""

import re
import sys
from functools import cache
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"`((?:configs|packages|tests|tools|docs)/[\w./-]+\.\w+)`")
CODE = re.compile(r"^```.*?^```", re.M | re.S)
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.M)


@cache
def anchors(document: Path) -> frozenset[str]:
    """Return what a link may name of a document, made of its headings as GitHub and MkDocs do."""
    titles = HEADING.findall(CODE.sub("", document.read_text()))
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return frozenset(re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in plain)


def missing(document: Path) -> list[str]:
    text = document.read_text()
    problems = []
    for target, anchor in LINK.findall(text):
        path = document.parent / target if target else document
        if not path.exists():
            problems.append(f"there is no {path}")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            problems.append(f"{path} has no heading #{anchor}")
    problems += [f"there is no {path}" for path in NAMED.findall(text) if not Path(path).exists()]
    return [f"{document}: {problem}" for problem in problems]


def main() -> int:
    documents = sorted(
        {*Path().glob("*.md"), *Path("docs").rglob("*.md"), *Path("packages").glob("*/README.md")}
    )
    problems = [problem for document in documents for problem in missing(document)]
    print("\n".join(problems) or f"{len(documents)} documents: every link and path exists")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
