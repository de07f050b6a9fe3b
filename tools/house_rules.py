"""Fail when a file or a function breaks the rules of CONTRIBUTING.md.

Usage: python tools/house_rules.py [FILE...]; every file of the packages and tests by default.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 80


def sources(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in Path(root).rglob("*.py"))


def long_parts(path: Path) -> Iterator[str]:
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines, {FILE_LINES} at most"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno} {node.name}: {length} lines, {FUNCTION_LINES} at most"


def main() -> int:
    files = [Path(name) for name in sys.argv[1:]] or sources("packages", "tests")
    problems = [problem for path in files for problem in long_parts(path)]
    print("\n".join(problems) or "house rules: no problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
