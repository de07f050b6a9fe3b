"""The YAML of a sweep, checked by pydantic."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from holdfast.cli.names import load_yaml
from holdfast.cli.recipes import find_recipe
from holdfast.cli.yaml_files import SUFFIXES, scalars
from holdfast.errors import ConfigError

DropoutRate = Annotated[float, Field(ge=0, lt=1)]
RULES = ("choice", "uniform", "log_uniform")


class _Strict(BaseModel):
    """Unknown keys are errors, and no value is turned into another kind of value."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RandomSearch(_Strict):
    """Draw hyper-parameters instead of taking every combination, as DomainBed does.

    Attributes:
        count: points, besides the configuration's own values.
        seed: of the draws.
        space: for each key one rule: ``{choice: [..]}``, ``{uniform: [low, high]}`` or
            ``{log_uniform: [low, high]}``.
    """

    count: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0)] = 0
    space: dict[str, dict[Literal["choice", "uniform", "log_uniform"], list[Any]]] = {}

    @model_validator(mode="after")
    def check_rules(self) -> Self:
        """Refuse a key with several rules, and bounds that are not two rising numbers."""
        for key, rule in self.space.items():
            if len(rule) != 1 or not all(rule.values()):
                raise ValueError(f"space.{key} needs one rule with values, of {', '.join(RULES)}")
            ((rule_name, values),) = rule.items()
            if rule_name == "choice":
                continue
            numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
            if len(values) != 2 or not numbers or not values[0] < values[1]:
                raise ValueError(f"space.{key}: {rule_name} takes two rising numbers")
            if rule_name == "log_uniform" and values[0] <= 0:
                raise ValueError(f"space.{key}: log_uniform takes numbers above 0")
        return self


class Variant(_Strict):
    """A method to train besides the plain one.

    Attributes:
        fit: further YAML files of ``fit``.
        set: further settings, ``key: value``.
        dropout_rates: dropout rates of this variant; those of the sweep if absent.
    """

    fit: list[str] = []
    set: dict[str, Any] = {}
    dropout_rates: list[DropoutRate] | None = None


class SweepConfig(_Strict):
    """What a sweep runs: every domain x seed x rate x point, for the plain method and each variant.

    Attributes:
        fit: YAML files of ``dropout-ft fit``, relative to the sweep's file; later ones win.
        domains: left out one at a time, by name.
        data: YAML of a data set (configs/data), instead of the one that ``fit`` names.
        pairs: also leave every pair of domains out, for leave-one-domain-out selection.
        seeds: of the runs.
        dropout_rates: dropout rates; 0 is ERM.
        grid: values of each key; every combination is a point.
        random: instead of a grid.
        variants: other methods, by name.
        plain: whether the method of ``fit`` itself is run as well.
        split_seeds: ``shared``, as the paper (every run has split 0), or ``by_seed``, as DomainBed.
        set: further settings for every run, ``key: value``.
    """

    fit: Annotated[list[str], Field(min_length=1)]
    domains: Annotated[list[str], Field(min_length=1)]
    data: str | None = None
    pairs: bool = False
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    dropout_rates: Annotated[list[DropoutRate], Field(min_length=1)] = [0.0, 0.9]
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    random: RandomSearch | None = None
    variants: dict[str, Variant] = {}
    plain: bool = True
    split_seeds: Literal["shared", "by_seed"] = "shared"
    set: dict[str, Any] = {}

    @model_validator(mode="after")
    def check_whole(self) -> Self:
        """Refuse a sweep with two kinds of search, or with nothing to run."""
        if self.grid and self.random is not None:
            raise ValueError("grid and random exclude each other: choose one of them")
        if not self.plain and not self.variants:
            raise ValueError("plain is false and there are no variants: nothing would run")
        return self


def read_sweep_config(path: str | Path) -> SweepConfig:
    """Read and check a sweep's YAML; the paths in it become absolute.

    Raises:
        ConfigError: missing, not YAML, an unknown key, a wrong value, or nothing to run.
    """
    file_path = Path(path).expanduser()
    try:
        found = load_yaml(file_path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The sweep {file_path} cannot be read: {reason}.") from error
    config = checked(found, str(file_path))
    config.fit = _absolute(config.fit, file_path)
    config.data = _absolute([config.data], file_path)[0] if config.data else None
    for variant in config.variants.values():
        variant.fit = _absolute(variant.fit, file_path)
    return config


def checked(values: Any, where: str) -> SweepConfig:  # noqa: ANN401  (whatever the YAML holds)
    """Check the values of a sweep.

    Args:
        values: as YAML gives them.
        where: the file or command, for the error.

    Raises:
        ConfigError: names the first setting that is wrong, and what it should be.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"The sweep {where} is no mapping: see configs/sweeps for examples.")
    values = {**values, "variants": _filled(values.get("variants"))}
    try:
        return SweepConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known: type[_Strict] = SweepConfig
            if len(first["loc"]) > 1:
                known = Variant if first["loc"][0] == "variants" else RandomSearch
            reason = f"there is no such setting; there are {', '.join(known.model_fields)}"
        raise ConfigError(f"{where}: {key + ': ' if key else ''}{reason}.") from error


def text_of(files: Sequence[str | Path]) -> str:
    """Return the text of YAML files and of those they refer to, for a job's digest.

    A reference is a file's name, relative to the file it stands in, or the name of a recipe.

    Raises:
        ConfigError: one of them is not YAML.
    """
    seen: dict[Path, str] = {}
    waiting = [Path(file) for file in files]
    while waiting:
        path = waiting.pop(0).resolve()
        if path in seen or not path.is_file():
            continue
        seen[path] = path.read_text()
        try:
            node = yaml.compose(seen[path], Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"The file {path} is not YAML: {reason}.") from error
        waiting += _references(node, path.parent)
    return "\n".join(seen.values())


def files_named(settings: Mapping[str, Any]) -> list[Path]:
    """Return the YAML files that settings name, as ``own.yaml`` or ``model:resnet50``."""
    node = yaml.compose(yaml.safe_dump(dict(settings)), Loader=yaml.SafeLoader)
    return list(_references(node, Path()))


def _references(node: yaml.Node | None, folder: Path) -> Iterator[Path]:
    """Yield the files that the values of a YAML name."""
    for value in scalars(node):
        # Other texts may look like a recipe's name, such as a run's: they refer to nothing.
        with contextlib.suppress(ConfigError):
            recipe = find_recipe(value)
            if recipe is not None:
                yield recipe
            elif value.endswith(SUFFIXES):
                yield folder / Path(value).expanduser()


def _filled(variants: Any) -> Any:  # noqa: ANN401
    """Give variants without settings (``name:`` alone) an empty mapping."""
    if variants is None:
        return {}
    if not isinstance(variants, dict):
        return variants
    return {str(name): {} if value is None else value for name, value in variants.items()}


def _absolute(files: list[str], file_path: Path) -> list[str]:
    resolved = []
    for file in files:
        path = find_recipe(file) or file_path.parent / Path(file).expanduser()
        if not path.is_file():
            raise ConfigError(f"{file_path} names {file}, but there is no file {path}.")
        resolved.append(str(path.resolve()))
    return resolved
