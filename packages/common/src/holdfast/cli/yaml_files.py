"""YAML files that are broken: the file and the line are named before anything else happens."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from holdfast.errors import ConfigError

SUFFIXES = (".yaml", ".yml")


def check_words(words: Sequence[str]) -> None:
    """Read every YAML file that a command line names, and those that these refer to.

    Raises:
        ConfigError: one of them is not YAML; the message names file, line and column.
    """
    seen: set[Path] = set()
    for word in words:
        value = word.partition("=")[2] if word.startswith("--") else word
        if value.endswith(SUFFIXES) and Path(value).is_file():
            check_file(Path(value), seen)


def check_file(path: Path, seen: set[Path] | None = None) -> None:
    """Read a YAML file and those it refers to.

    Args:
        path: of the file.
        seen: files that were read already.

    Raises:
        ConfigError: one of them cannot be read or is not YAML.
    """
    seen = set() if seen is None else seen
    if path.resolve() in seen:
        return
    seen.add(path.resolve())
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file {path} cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The file {path} is not YAML: {_where(error)}.") from error
    for value in scalars(node):
        reference = path.parent / value
        if value.endswith(SUFFIXES) and reference.is_file():
            check_file(reference, seen)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or "syntax error"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def scalars(node: yaml.Node | None) -> Iterator[str]:
    """Yield the text of every value of a YAML file, at any depth; keys are left out."""
    if isinstance(node, yaml.ScalarNode):
        yield node.value
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from scalars(value)
