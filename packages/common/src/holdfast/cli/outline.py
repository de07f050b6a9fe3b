"""A command's options, read from its source text: nothing is imported to show or check them."""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

REQUIRED = object()
"""The default of an option that must be given."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One parameter of a command.

    Attributes:
        name: as in the function; fields of an options class are ``parameter.field``.
        kind: its type, as written.
        default: the source text of its default, or :data:`REQUIRED`.
        help: from the docstring.
        by_place: whether it may be given without its name.
        choices: the values it takes, if its type is a ``Literal``.
    """

    name: str
    kind: str
    default: Any
    help: str
    by_place: bool = False
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED


@dataclass(frozen=True, kw_only=True)
class Outline:
    """What a command does and takes.

    Attributes:
        summary: the docstring's first part.
        options: in the function's order.
    """

    summary: str
    options: tuple[Option, ...]


def outline(target: str) -> Outline | None:
    """Read a command's signature and docstring; None if its source is not at hand.

    Args:
        target: ``module:function``, or ``module:Class`` for a dataclass's fields.
    """
    module, name = target.split(":")
    found = _definition(module, name)
    if found is None:
        return None
    place, node = found
    if isinstance(node, ast.ClassDef):
        return Outline(summary=_doc(node)[0], options=tuple(_fields(place, node)))
    if not isinstance(node, ast.FunctionDef):
        return None
    summary, texts = _doc(node)
    options = [one for each in _parameters(node) for one in _expanded(place, each, texts)]
    return Outline(summary=summary, options=tuple(options))


def _parameters(node: ast.FunctionDef) -> Iterator[tuple[ast.arg, ast.expr | None, bool]]:
    """Yield each parameter with its default and whether it may be given by place."""
    places = node.args.posonlyargs + node.args.args
    missing: list[ast.expr | None] = [None] * (len(places) - len(node.args.defaults))
    for argument, default in zip(places, missing + node.args.defaults, strict=True):
        yield argument, default, True
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        yield argument, default, False


def _expanded(
    module: str, parameter: tuple[ast.arg, ast.expr | None, bool], texts: dict[str, str]
) -> Iterator[Option]:
    """Yield a parameter's option, or one for each field if its type is a dataclass."""
    argument, default, by_place = parameter
    kind = ast.unparse(argument.annotation) if argument.annotation else "str"
    found = _definition(module, kind.removesuffix(" | None"))
    if found is not None and isinstance(found[1], ast.ClassDef):
        for one in _fields(*found):
            yield Option(
                name=f"{argument.arg}.{one.name}", kind=one.kind, default=one.default,
                help=one.help, choices=one.choices,
            )  # fmt: skip
        return
    yield Option(
        name=argument.arg,
        kind=kind,
        default=REQUIRED if default is None else ast.unparse(default),
        help=texts.get(argument.arg, ""),
        by_place=by_place,
        choices=_choices(module, argument.annotation),
    )


def _fields(module: str, node: ast.ClassDef) -> Iterator[Option]:
    texts = _doc(node)[1]
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield Option(
                name=line.target.id,
                kind=ast.unparse(line.annotation),
                default=REQUIRED if line.value is None else ast.unparse(line.value),
                help=texts.get(line.target.id, ""),
                choices=_choices(module, line.annotation),
            )


def _choices(module: str, annotation: ast.expr | None) -> tuple[str, ...]:
    """Return the values of a ``Literal``, also behind a name, in a list, or beside None."""
    if isinstance(annotation, ast.BinOp):
        return _choices(module, annotation.left) or _choices(module, annotation.right)
    if isinstance(annotation, ast.Subscript):
        outer = ast.unparse(annotation.value).rsplit(".", 1)[-1]
        if outer == "Literal":
            inner = annotation.slice
            values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return tuple(str(v.value) for v in values if isinstance(v, ast.Constant))
        return _choices(module, annotation.slice) if outer == "list" else ()
    if isinstance(annotation, ast.Name):
        found = _definition(module, annotation.id)
        if found is not None and isinstance(found[1], ast.Assign):
            return _choices(found[0], found[1].value)
    return ()


def _definition(module: str, name: str) -> tuple[str, ast.stmt] | None:
    """Find a module's function, class or assignment, through its imports of the same name."""
    for _ in range(5):
        tree = _tree(module)
        if tree is None or not name.isidentifier():
            return None
        moved = None
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign) and any(
                isinstance(one, ast.Name) and one.id == name for one in node.targets
            ):
                return module, node
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        moved = (node.module, alias.name)
        if moved is None:
            return None
        module, name = moved
    return None


@lru_cache
def _tree(module: str) -> ast.Module | None:
    """Parse a module's source without importing it or its packages."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module made by hand has no spec
        return None
    if spec is None:
        return None
    for folder in map(Path, spec.submodule_search_locations or ()):
        place = folder.joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return ast.parse(file.read_text(encoding="utf-8"))
    return None


def _doc(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, dict[str, str]]:
    """Return the first part of a docstring, and its text on each parameter or attribute."""
    from docstring_parser.google import parse  # noqa: PLC0415

    found = parse(ast.get_docstring(node) or "")
    parts = [found.short_description or "", found.long_description or ""]
    texts = {one.arg_name: " ".join((one.description or "").split()) for one in found.params}
    return "\n\n".join(part for part in parts if part), texts
