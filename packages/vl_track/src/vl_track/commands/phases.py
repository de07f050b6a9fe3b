"""``vl-track phases``: train one recipe in phases, each from the weights of the one before."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.cli.recipes import find_recipe
from holdfast.errors import ConfigError
from holdfast.outputs import keep_apart
from holdfast.runs.record import read_record
from vl_track.app import APP

if TYPE_CHECKING:
    from vl_track.averaging import Model

START = "model.start_from"


class _Strict(BaseModel):
    """Unknown keys are errors, and no value is turned into another kind of value."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Phase(_Strict):
    """What one phase changes.

    Attributes:
        fit: YAML files on top of the recipe, relative to the file of phases.
        name: of the run; by default what the files say.
        seed: of the run; by default what the files say.
    """

    fit: list[str] = Field(default_factory=list)
    name: str | None = None
    seed: int | None = None


class Ending(_Strict):
    """Which model the phases end with, where it is not the last one's.

    Attributes:
        mean_of: names of phases, the mean of whose weights it has; each once, and all of one
            architecture, which is only seen when they are trained.
        presence_head: keep the presence head; without it ``presence.json`` tells presence.
    """

    mean_of: list[str] = Field(min_length=1)
    presence_head: bool = True


class Phases(_Strict):
    """A file of phases.

    Attributes:
        fit: YAML files of the recipe, relative to this file; later ones win.
        phases: in the order in which they are trained.
        model: that is written at the end; by default the last phase's.
    """

    fit: list[str] = Field(min_length=1)
    phases: dict[str, Phase] = Field(min_length=1)
    model: Ending | None = None


def phases(
    file: str,
    *,
    out: str,
    start: str | None = None,
    fit: list[str] = [],  # noqa: B006
    set: list[str] = [],  # noqa: A002, B006  (the option's name)
) -> None:
    """Train a recipe in phases; the last one's model is written to ``OUT/model``.

    Where the file says so (``model: {mean_of: [...]}``), it is the mean of several phases' models.

    Each phase starts from the exported weights of the one before, and the first from ``start``;
    without it, from what its files say. The same command goes on where it stopped: a finished phase
    is not repeated, a phase that was changed is trained again, and so are all that follow it.

    Args:
        file: of phases, for example ``configs/vl_track/phases.yaml``.
        out: the folder of the runs and of the model.
        start: a model folder whose weights the first phase starts from.
        fit: further YAML files for every phase, for example of hardware.
        set: further settings for every phase, as ``key=value``.
    """
    plan = read_phases(file)
    # Torch comes with these.
    from vl_track.commands.export import write_folder, write_model  # noqa: PLC0415

    root = Path(out).expanduser()
    keep_apart(
        [root], [file, *plan.fit, *fit, *(f for one in plan.phases.values() for f in one.fit)]
    )
    _check_settings(set)
    before = None if start is None else _checked_start(Path(start).expanduser(), root)
    models: dict[str, Path] = {}
    for number, (name, phase) in enumerate(plan.phases.items(), 1):
        sys.stdout.write(f"phase {number} of {len(plan.phases)}: {name}\n")
        sys.stdout.flush()
        words = words_of(plan, phase, fit, set, root, before)
        directory = APP.run_lightning(["fit", *words]).directory.path
        _check_finished(name, directory / "run.json")
        checkpoint = str(directory / "checkpoints/last.ckpt")
        # The run's folder is named after all its settings, its start among them.
        before = directory / "model"
        write_folder(checkpoint, str(before), graph=False)
        models[name] = before
    ending = plan.model or Ending(mean_of=[*plan.phases][-1:])
    write_model(_model_of(ending, models), root / "model", source=file)


def _model_of(ending: Ending, models: Mapping[str, Path]) -> "Model":
    """Return the model that phases end with, of the folders of their models."""
    from vl_track.averaging import mean_model, without_presence_head  # noqa: PLC0415

    model = mean_model([models[name] for name in ending.mean_of])
    return model if ending.presence_head else without_presence_head(model)


def _check_settings(settings: list[str]) -> None:
    """Refuse a start among the settings, which are those of every phase."""
    if any(one.partition("=")[0] == START for one in settings):
        raise ConfigError(
            f"--set {START}=... would be the start of every phase, not of the first one alone: "
            "give --start MODEL."
        )


def _checked_start(start: Path, root: Path) -> Path:
    """Return the folder that the first phase starts from.

    Raises:
        ConfigError: it is no model folder, or the phases would write over it.
    """
    model = root / "model"
    keep_apart([root, model], [start])
    if model.resolve() in start.resolve().parents:
        raise ConfigError(
            f"--start {start} lies in {model}, which is an output: choose another --out."
        )
    if not (start / "config.json").is_file():
        raise ConfigError(
            f"--start {start} is no model folder: there is no file {start / 'config.json'}. "
            "`vl-track export` makes one of a checkpoint."
        )
    return start


def _check_finished(name: str, record: Path) -> None:
    """Refuse to go on from a phase that ended before its last step."""
    status = read_record(record)["status"]
    if status != "finished":
        raise ConfigError(
            f"The phase {name} is {status}, so no later phase can start from it: see "
            f"{record.parent}, then give the same command again."
        )


def words_of(
    plan: Phases, phase: Phase, fit: list[str], settings: list[str], root: Path, start: Path | None
) -> list[str]:
    """Return the words of ``vl-track fit`` that train a phase; the start stands last and counts."""
    words = [word for one in (*plan.fit, *phase.fit, *fit) for word in ("--config", one)]
    words += ["--run.root", str(root)]
    words += ["--run.name", phase.name] if phase.name is not None else []
    words += ["--seed_everything", str(phase.seed)] if phase.seed is not None else []
    words += [f"--{one}" for one in settings]
    return [*words, f"--{START}", str(start)] if start is not None else words


def read_phases(file: str) -> Phases:
    """Read and check a file of phases; the paths in it become those of the files.

    Raises:
        ConfigError: missing, not YAML, an unknown key, or a wrong value.
    """
    path = find_recipe(file) or Path(file).expanduser()
    try:
        plan = Phases.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The phases {path} cannot be read: {reason}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        where = f"'{key}': {first['msg']}" if key else first["msg"]
        raise ConfigError(
            f"The phases {path} are wrong at {where}. See configs/vl_track/phases.yaml for an "
            "example."
        ) from error
    for name in plan.model.mean_of if plan.model else ():
        if name not in plan.phases:
            raise ConfigError(
                f"The phases {path} end with the mean of '{name}', which is none of them: name "
                f"some of {', '.join(plan.phases)}."
            )
    if plan.model and len(set(plan.model.mean_of)) < len(plan.model.mean_of):
        raise ConfigError(f"The phases {path} name a phase twice in 'model.mean_of': name it once.")
    plan.fit = [_beside(path, one) for one in plan.fit]
    for phase in plan.phases.values():
        phase.fit = [_beside(path, one) for one in phase.fit]
    return plan


def _beside(path: Path, name: str) -> str:
    found = find_recipe(name) or path.parent / Path(name).expanduser()
    if not found.is_file():
        raise ConfigError(f"The phases {path} name {name}, but there is no file {found}.")
    return str(found)
