"""Fail when a document links to, or names, a file of this repository that does not exist."""

import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
NAMED = re.compile(r"`((?:configs|packages|tests|tools|docs)/[\w./-]+\.\w+)`")


def missing(document: Path) -> list[str]:
    text = document.read_text()
    linked = [document.parent / target for target in LINK.findall(text)]
    named = [Path(target) for target in NAMED.findall(text)]
    return [f"{document}: there is no {path}" for path in [*linked, *named] if not path.exists()]


def main() -> int:
    documents = sorted(
        {*Path().glob("*.md"), *Path("docs").rglob("*.md"), *Path("packages").glob("*/README.md")}
    )
    problems = [problem for document in documents for problem in missing(document)]
    print("\n".join(problems) or f"{len(documents)} documents: every link and path exists")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
