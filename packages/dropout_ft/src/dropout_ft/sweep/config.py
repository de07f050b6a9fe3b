"""The YAML of a sweep, checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from holdfast.errors import ConfigError

_REFERENCE = re.compile(r"[\w./-]+\.ya?ml")


@dataclass(kw_only=True)
class RandomSearch:
    """Draw hyper-parameters instead of taking every combination, as DomainBed does.

    Attributes:
        count: points, besides the configuration's own values.
        seed: of the draws.
        space: for each key ``{choice: [..]}``, ``{uniform: [low, high]}`` or
            ``{log_uniform: [low, high]}``.
    """

    count: int
    seed: int = 0
    space: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Variant:
    """A method to train besides the plain one.

    Attributes:
        fit: further YAML files of ``fit``.
        set: further settings, ``key: value``.
        rates: dropout rates of this variant; those of the sweep if absent.
    """

    fit: list[str] = field(default_factory=list)
    set: dict[str, Any] = field(default_factory=dict)
    rates: list[float] | None = None


@dataclass(kw_only=True)
class SweepConfig:
    """What a sweep runs: every domain x seed x rate x point, for the plain method and each variant.

    Attributes:
        fit: YAML files of ``dropout-ft fit``, relative to the sweep's file; later ones win.
        domains: left out one at a time, names or positions.
        data: YAML of a data set (configs/data), instead of the one that ``fit`` names.
        pairs: also leave every pair of domains out, for leave-one-domain-out selection.
        seeds: of the runs.
        rates: dropout rates; 0 is ERM.
        grid: values of each key; every combination is a point.
        random: instead of a grid.
        variants: other methods, by name.
        plain: whether the method of ``fit`` itself is run as well.
        split_seeds: ``shared``, as the paper (every run has split 0), or ``by_seed``, as DomainBed.
        set: further settings for every run, ``key: value``.
    """

    fit: list[str]
    domains: list[str | int]
    data: str | None = None
    pairs: bool = False
    seeds: list[int] = field(default_factory=lambda: [0])
    rates: list[float] = field(default_factory=lambda: [0.0, 0.9])
    grid: dict[str, list[Any]] = field(default_factory=dict)
    random: RandomSearch | None = None
    variants: dict[str, Variant] = field(default_factory=dict)
    plain: bool = True
    split_seeds: Literal["shared", "by_seed"] = "shared"
    set: dict[str, Any] = field(default_factory=dict)


def read_sweep_config(path: str | Path) -> SweepConfig:
    """Read and check a sweep's YAML; paths in ``fit`` become absolute.

    Raises:
        ConfigError: missing, not YAML, an unknown key, or nothing to run.
    """
    place = Path(path).expanduser()
    try:
        found = yaml.safe_load(place.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The sweep {place} cannot be read: {reason}.") from error
    if not isinstance(found, dict):
        raise ConfigError(f"The sweep {place} is no mapping: see configs/sweeps for examples.")
    variants = {
        str(name): build(Variant, value or {}, f"{place}: variants.{name}")
        for name, value in _mapping(found.pop("variants", None), place, "variants").items()
    }
    random = found.pop("random", None)
    config: SweepConfig = build(SweepConfig, found, str(place))
    check_kinds(config, str(place))
    for name, variant in variants.items():
        check_kinds(variant, f"{place}: variants.{name}")
    config.variants = variants
    config.random = None if random is None else build(RandomSearch, random, f"{place}: random")
    if config.random is not None:
        check_kinds(config.random, f"{place}: random")
    config.fit = _absolute(config.fit, place)
    config.data = _absolute([config.data], place)[0] if config.data else None
    for variant in config.variants.values():
        variant.fit = _absolute(variant.fit, place)
    _check(config, place)
    return config


def build(kind: type[Any], values: Any, where: str) -> Any:  # noqa: ANN401  (an instance of kind)
    """Build a dataclass from a mapping.

    Raises:
        ConfigError: not a mapping, an unknown key or a missing one; the keys there are are named.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a mapping of settings.")
    known = [one.name for one in fields(kind)]
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ConfigError(f"{where} has no setting '{unknown[0]}': there are {', '.join(known)}.")
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where} lacks a setting ({error}).") from error


def check_kinds(config: SweepConfig | Variant | RandomSearch, where: str) -> None:
    """Refuse values of another kind than a setting takes.

    Raises:
        ConfigError: names the setting, what it takes and what it was given.
    """
    for one in fields(config):
        value, (what, fits) = getattr(config, one.name), KINDS[one.name]
        left_open = value is None and one.default is None
        if not left_open and not fits(value):
            raise ConfigError(f"{where}: {one.name} must be {what}, not {str(value)[:60]!r}.")


def _every(*kinds: type) -> Callable[[Any], bool]:
    """Return a test for lists of such values; true and false are no numbers here."""
    return lambda values: (
        isinstance(values, list)
        and all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)
    )


def _named(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _rules(value: Any) -> bool:  # noqa: ANN401
    """Tell whether every key has one rule with a list of values, bounds being two numbers."""
    if not _named(value):
        return False
    for rule in value.values():
        if not isinstance(rule, dict) or len(rule) != 1:
            return False
        ((kind, values),) = rule.items()
        if not isinstance(values, list) or not values:
            return False
        if kind != "choice" and not (len(values) == 2 and _every(int, float)(values)):
            return False
        if kind == "log_uniform" and min(values) <= 0:
            return False
    return True


def _count(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "fit": ("a list of files", _every(str)),
    "domains": ("a list of names or positions", _every(str, int)),
    "data": ("a file", lambda value: isinstance(value, str)),
    "pairs": ("true or false", lambda value: isinstance(value, bool)),
    "seeds": ("a list of whole numbers", _every(int)),
    "rates": (
        "a list of numbers from 0 to below 1",
        lambda values: _every(int, float)(values) and all(0 <= v < 1 for v in values),
    ),
    "grid": ("a mapping from settings to lists", _named),
    "random": ("a mapping", lambda value: True),
    "variants": ("a mapping", lambda value: True),
    "plain": ("true or false", lambda value: isinstance(value, bool)),
    "split_seeds": ("'shared' or 'by_seed'", lambda value: value in ("shared", "by_seed")),
    "set": ("a mapping of settings", _named),
    "count": ("a whole number", _count),
    "seed": ("a whole number", _count),
    "space": ("a mapping from settings to one rule each, with its values", _rules),
}


def text_of(files: list[str]) -> str:
    """Return the text of YAML files and of those they refer to, for a job's digest."""
    seen: dict[Path, str] = {}
    waiting = [Path(file) for file in files]
    while waiting:
        path = waiting.pop().resolve()
        if path in seen or not path.is_file():
            continue
        seen[path] = path.read_text()
        code = "\n".join(line.split("#")[0] for line in seen[path].splitlines())
        waiting += [path.parent / name for name in _REFERENCE.findall(code)]
    return "\n".join(text for _, text in sorted(seen.items()))


def _absolute(files: list[str], place: Path) -> list[str]:
    resolved = []
    for file in files:
        path = place.parent / Path(file).expanduser()
        if not path.is_file():
            raise ConfigError(f"{place} names {file}, but there is no file {path}.")
        resolved.append(str(path.resolve()))
    return resolved


def _mapping(value: Any, place: Path, name: str) -> dict[str, Any]:  # noqa: ANN401
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{place}: {name} must be a mapping.")
    return value or {}


def _check(config: SweepConfig, place: Path) -> None:
    for name in ("fit", "domains", "seeds", "rates"):
        if not isinstance(getattr(config, name), list) or not getattr(config, name):
            raise ConfigError(f"{place}: {name} must be a list of at least one value.")
    if config.grid and config.random is not None:
        raise ConfigError(f"{place} has both grid and random: choose one of them.")
    if config.split_seeds not in {"shared", "by_seed"}:
        raise ConfigError(f"{place}: split_seeds is 'shared' or 'by_seed'.")
    for key, values in config.grid.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{place}: grid.{key} must be a list of values.")
    if not config.plain and not config.variants:
        raise ConfigError(f"{place}: plain is false and there are no variants: nothing would run.")
