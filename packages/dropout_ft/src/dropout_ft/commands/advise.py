"""``dropout-ft advise``: recommend a recipe for a folder of domains, and train with it."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table

from dropout_ft.advice import card
from dropout_ft.advice.choosing import (
    Candidate,
    Key,
    Split,
    Trajectory,
    rank,
    trajectory_of,
)
from dropout_ft.advice.racing import race
from dropout_ft.advice.recipe import (
    BACKBONES,
    STEPS,
    Kind,
    Trial,
    base_settings,
    clip_settings,
    milestones,
    resolve,
    sweep_of,
    write_trials,
)
from dropout_ft.app import APP
from dropout_ft.commands.trusted import own_backbones
from dropout_ft.data.folder import Domain
from dropout_ft.data.sources.given import as_source
from dropout_ft.results.rows import current_rows
from dropout_ft.results.run import load_run
from dropout_ft.results.selection import select_last
from dropout_ft.sweep.expand import jobs_of
from dropout_ft.sweep.running import run_jobs, runs_of, settings_of
from holdfast.atomic import write_text
from holdfast.console import say
from holdfast.errors import ConfigError
from holdfast.jobs.engines import Engine, Resources
from holdfast.jobs.job import Job
from holdfast.jobs.pool import Pool
from holdfast.outputs import keep_apart
from holdfast.runs.directory import RunDirectory

if TYPE_CHECKING:
    from dropout_ft.nn.backbones.base import Backbone

NO_TRIAL = Trial(backbone="any", file=Path("any.yaml"), class_path="")
SCHEDULE = "model.lr_scheduler"


def advise(
    folder: str,
    *,
    out: str = "advice",
    backbones: list[str] = [],  # noqa: B006
    dropout_rates: list[float] = [0.0, 0.5, 0.9],  # noqa: B006
    steps: int = 0,
    seeds: list[int] = [0],  # noqa: B006
    clip: str | None = None,
    clip_model: str = "ViT-B-16",
    recipe: Kind = "auto",
    engine: Engine = "processes",
    workers: int = 1,
    minutes: float = 0.0,
    onnx: bool = True,
    set: list[str] = [],  # noqa: A002, B006  (the word users expect)
) -> None:
    """Find backbone, dropout rate and steps by a short sweep, then train on all domains.

    Every domain is left out in turn, and the setting that is best on the domains left out is
    recommended. All settings run on two domains first; after two, four, eight, ... those of the
    worse half that are clearly behind are left out. The final model is exported as safetensors and
    ONNX with a model card. Given again, the command goes on where it stopped.

    Args:
        folder: holds ``<domain>/<class>/<image>``, at least two domains; or a CSV with the columns
            path, label and domain.
        out: folder of the sweep and of the model.
        backbones: timm names, ``efficientnet_lite0`` (weights from a package) or YAML files like
            those in configs/model; by default the recipe's.
        dropout_rates: dropout rates to try; 0 is plain fine-tuning.
        steps: the most optimiser steps, each run judged at six points; 0 takes the recipe's own.
        seeds: repeats.
        clip: local file of CLIP's weights: the model is tried too, whole and with LoRA.
        clip_model: open_clip's name of that model.
        recipe: ``quick`` freezes all but two stages and caches them, for CPUs; ``full`` is the
            paper's; ``auto`` is full where there is a GPU.
        engine: see ``dropout-ft sweep``.
        workers: runs at the same time.
        minutes: time budget: no domains but the first two are begun that would end later; 0: none.
        onnx: also write the ONNX file.
        set: further settings of every run, as ``key=value``.
    """
    root, out_folder = Path(folder).expanduser(), Path(out).expanduser()
    source = as_source(root, allow_missing_classes=True)
    keep_apart([out_folder], source.inputs())
    domains = source.domains()
    names = [domain.name for domain in domains]
    formats = exported(onnx=onnx)
    check_choices(names, dropout_rates, seeds, steps, minutes)
    recipe_name = resolve(recipe)
    most_steps = steps or STEPS[recipe_name]
    base = base_settings(recipe_name, root, most_steps)
    tried = backbones or BACKBONES[recipe_name]
    further = clip_settings(clip, clip_model) if clip is not None else {}
    first, trials = write_trials(out_folder, base, tried, recipe_name, further)
    backbones_own = own_kinds(trials)  # a wrong name is told before anything is trained
    settings = dict(settings_of(set))

    def trained(wanted: Sequence[tuple[Key, Split]]) -> list[Trajectory]:
        jobs = [job for one in wanted for job in jobs_on(first, trials, one, settings)]
        root = out_folder / "sweep"
        pool = Pool(root=root, jobs=jobs, many_a_process=engine == "processes")
        pool.retry_failed()  # the user has mended what failed, or hears of it again
        say(f"{len(pool.jobs)} short runs in {pool.root}")
        run_jobs(pool, engine, Resources(workers=workers), again="give the same command again")
        return [trajectory_of(load_run(path)) for path in runs_of(pool)]

    candidates = [(trial.backbone, float(rate)) for trial in trials for rate in dropout_rates]
    splits = [(name, seed) for seed in seeds for name in names]
    ranked = rank(race(candidates, splits, trained, minutes=minutes, workers=workers))
    show(ranked)
    run = train_final(out_folder, first, trials, ranked[0], settings, most_steps)
    changing = card.changes(
        ranked, most_steps=most_steps, splits=len(splits), dropout_rates=dropout_rates
    )
    finish(
        out_folder, run, ranked, domains, formats=formats, own=backbones_own, changing=changing,
    )  # fmt: skip


def exported(*, onnx: bool) -> list[Any]:
    """Return the formats of the final model besides safetensors; their tools are there.

    Raises:
        MissingToolError: one is not.
    """
    from holdfast.exporting import check_tools

    formats: list[Literal["onnx", "pt2", "aoti"]] = ["onnx"] if onnx else []
    check_tools(formats)
    return list(formats)


def jobs_on(
    first: Path, trials: list[Trial], one: tuple[Key, Split], settings: dict[str, Any]
) -> list[Job]:
    """Return the job of a candidate on a split.

    Args:
        first: configuration that all share.
        trials: their backbones.
        one: the candidate, and the domain left out with the seed.
        settings: further ones of every run.
    """
    (backbone, rate), (domain, seed) = one
    own = [trial for trial in trials if trial.backbone == backbone]
    config = sweep_of(first, own, [domain], [rate], [seed])
    config.set = dict(settings)
    return jobs_of(config)


def check_choices(
    domains: list[str],
    dropout_rates: list[float],
    seeds: list[int],
    steps: int,
    minutes: float = 0.0,
) -> None:
    """Refuse what cannot be tried, before anything is written.

    Raises:
        ConfigError: a rate, a seed or the number of steps is none that can be tried.
    """
    if not minutes >= 0:
        raise ConfigError(f"--minutes is {minutes:g}: give a number above 0, or 0 for no limit.")
    if steps < 0:
        raise ConfigError(f"--steps is {steps}: give a number above 0, or 0 for the recipe's own.")
    sweep_of(Path("fit.yaml"), [NO_TRIAL], domains, dropout_rates, seeds)


def own_kinds(trials: list[Trial]) -> list[type["Backbone"]]:
    """Import the backbones of the user's own that the given YAML files name.

    Raises:
        ConfigError: there is no such class, or it is no backbone.
    """
    from dropout_ft.described import known_backbones

    known = known_backbones()
    names = [trial.class_path for trial in trials if "." in trial.class_path]
    return [kind for name in names if name not in known for kind in own_backbones(name)]


def show(ranked: list[Candidate]) -> None:
    """Print the table and the recommendation."""
    table = Table(title="Accuracy on domains left out in turn")
    for number, name in enumerate(card.HEADER):
        table.add_column(name, justify="left" if number == 0 else "right")
    for candidate in ranked:
        table.add_row(*card.cells(candidate))
    Console(width=None if Console().is_terminal else 110).print(table)
    say(card.advice_text(ranked))


def train_final(
    out_folder: Path,
    first: Path,
    trials: list[Trial],
    best: Candidate,
    settings: dict[str, Any],
    planned: int,
) -> RunDirectory:
    """Train the recommended setting on every domain as the short runs were up to its best step.

    Args:
        out_folder: of everything.
        first: configuration that all share.
        trials: their backbones.
        best: the candidate.
        settings: further ones of every run.
        planned: steps of a short run.

    Returns:
        The run.
    """
    (trial,) = [one for one in trials if one.backbone == best.backbone]
    say(f"training on all domains: {best.backbone}, rate {best.dropout_rate:g}, {best.steps} steps")
    words = ["fit", "--config", str(first), "--config", str(trial.file)]
    if not any(key.startswith(SCHEDULE) for key in settings):
        words += [f"--{SCHEDULE}.init_args.milestones={milestones(planned, best.steps)}"]
    words += [f"--{key}={value}" for key, value in settings.items()]
    words += [
        "--data.test_domains=[]",
        f"--model.dropout_rate={best.dropout_rate}",
        f"--trainer.max_steps={best.steps}",
        f"--run.root={out_folder / 'final'}",
        "--trainer.enable_model_summary=false",
        "--seed_everything=0",
    ]
    return APP.run_lightning(words).directory


def finish(
    out_folder: Path,
    run: RunDirectory,
    ranked: list[Candidate],
    domains: list[Domain],
    *,
    formats: list[Any],
    own: Sequence[type["Backbone"]] = (),
    changing: Sequence[str] = (),
) -> None:
    """Export the final model with its card.

    Args:
        out_folder: of everything.
        run: the final one.
        ranked: the candidates, best first.
        domains: it was trained on.
        formats: besides safetensors.
        own: backbones of the user's own that the run may name.
        changing: what would change the advice, for the card.
    """
    from dropout_ft.commands.export import note_calibration, write_formats
    from dropout_ft.export_timm import write_timm_folder
    from dropout_ft.loading import load_classifier
    from dropout_ft.nn.backbones import TimmBackbone

    ckpt = run.path / "checkpoints/last.ckpt"
    loaded = load_classifier(ckpt, backbones=own)
    model = out_folder / "model"
    files = []
    if isinstance(loaded.model.backbone, TimmBackbone):
        write_timm_folder(loaded, model)
        files += ["model.safetensors", "config.json"]
        files += ["calibration.json"] if note_calibration(model, ckpt, "default") else []
    files += [path.name for path in write_formats(loaded, model, formats)]
    last = select_last(current_rows(run.results))
    final = card.Final(
        run=str(run.path),
        iid=float(last["iid"]),
        classes=loaded.class_names,
        domains=[domain.name for domain in domains],
        images=sum(len(domain.paths) for domain in domains),
        size=loaded.image_size,
        files=files,
    )
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    write_text(model / "README.md", card.model_card(ranked, final, command, changing))
    sys.stdout.write(f"model: {model} ({', '.join(files)}); its card: {model / 'README.md'}\n")
