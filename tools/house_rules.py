"""Fail when a file, a function or the test suite breaks the rules of CONTRIBUTING.md."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 80
TEST_RATIO = 0.8


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


def code_lines(paths: list[Path]) -> int:
    return sum(bool(line.strip()) for path in paths for line in path.read_text().splitlines())


def main() -> int:
    product, tests = sources("packages"), sources("tests")
    problems = [problem for path in [*product, *tests] for problem in long_parts(path)]
    ratio = code_lines(tests) / code_lines(product)
    print(f"test lines over source lines: {ratio:.2f}")
    if ratio < TEST_RATIO:
        problems.append(f"tests are {ratio:.2f} of the source, {TEST_RATIO} at least")
    print("\n".join(problems) or "house rules: no problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
