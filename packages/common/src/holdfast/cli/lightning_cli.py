"""One Lightning command line: run directories, resume by default, records, atomic checkpoints."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import set_parsing_settings
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.loggers.logger import Logger

from holdfast.atomic import write_text
from holdfast.checkpoints.lightning_io import AtomicCheckpointIO
from holdfast.cli import steps
from holdfast.cli.lightning_parser import SuggestingParser
from holdfast.cli.starting import Start, note_changes, placed, start_from, start_of
from holdfast.console import quiet_lightning, say
from holdfast.errors import CheckpointError, ConfigError, HoldfastError, MissingToolError
from holdfast.outputs import keep_apart
from holdfast.runs.directory import RunConfig, RunDirectory, run_directory, run_mirror
from holdfast.runs.identity import (
    Identity,
    callbacks_of,
    digest_of,
    flatten,
    recipe_of,
    without,
)
from holdfast.runs.lock import only_process
from holdfast.runs.named_files import named_files
from holdfast.storage import Mirror
from holdfast.training.callbacks import (
    BestCheckpoint,
    EvaluateLastStep,
    LastCheckpoint,
    RunRecord,
    StepSeed,
    StopDiverged,
    default_progress,
)
from holdfast.training.callbacks.mirroring import CopyCheckpoints
from holdfast.training.callbacks.run_record import Closing
from holdfast.training.datamodule import StepDataModule
from holdfast.training.precision import FULL, default_precision

# How Lightning and Python say that an optional package is absent.
_MISSING_PACKAGE = re.compile(r"(?:Requirement '|No module named ')([\w-]+)")


@dataclass(frozen=True, kw_only=True)
class TrackHooks:
    """What a track adds to the command line's runs.

    Attributes:
        repeats: configuration keys that tell repeats of one method apart, such as the domains left
            out; the seed and the run's own keys always do.
        connect: called with model and data once both are built.
        callbacks: makes the track's own callbacks of ``fit``.
        closing: words about a finished run's result.
    """

    repeats: Sequence[str] = ()
    connect: Callable[[LightningModule, StepDataModule], None] | None = None
    callbacks: Callable[[RunDirectory], list[Callback]] | None = None
    closing: Closing | None = None


class HoldfastCLI(LightningCLI):
    """LightningCLI with this house's rules.

    * YAML files compose and interpolate over files and flags (``parser_mode="omegaconf+"``).
    * The run directory is a function of what the configuration computes.
    * ``fit`` resumes from the last checkpoint of that directory and says so; it refuses to go on
      with other data, precision or number of processes.
    * ``validate``, ``test`` and ``predict`` use the best (else the last) checkpoint of the same
      configuration unless ``--ckpt_path`` names one.
    * Explicit settings always win over anything stored in a checkpoint.
    """

    directory: RunDirectory

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  (Lightning's options)
        link_class_names: bool = False,
        hooks: TrackHooks | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.link_class_names = link_class_names
        self.hooks = hooks or TrackHooks()
        quiet_lightning()
        steps.register()
        # A configuration is code, so it is a local file: an address among the values is a value.
        set_parsing_settings(
            omegaconf_absolute_to_relative_paths=True, config_read_mode_fsspec_enabled=False
        )
        kwargs.setdefault("save_config_callback", None)
        kwargs.setdefault("seed_everything_default", 0)
        kwargs.setdefault("auto_configure_optimizers", False)
        kwargs.setdefault("parser_kwargs", {"parser_mode": "omegaconf+"})
        super().__init__(*args, **kwargs)

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:  # noqa: ANN401
        """Build the parser that suggests the nearest key."""
        kwargs.setdefault("dump_header", ["written by holdfast; every value is resolved"])
        parser = SuggestingParser(**kwargs)
        parser.add_argument("-c", "--config", action="config", help="YAML file; may be repeated.")
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the ``run`` group and our trainer defaults."""
        parser.add_class_arguments(RunConfig, "run")
        if self.link_class_names:
            parser.link_arguments("data.class_names", "model.class_names", apply_on="instantiate")
        parser.set_defaults(
            {
                "trainer.use_distributed_sampler": False,  # our samplers know their rank
                "trainer.num_sanity_val_steps": 0,  # resume must not evaluate twice
                "trainer.check_val_every_n_epoch": None,  # steps, not epochs
                "trainer.log_every_n_steps": 10,
            }
        )

    def before_instantiate_classes(self) -> None:
        """Find the run directory before anything heavy is built."""
        self.run = RunConfig(**self._get(self.config, "run").as_dict())
        self.plain_config = self._plain_config()
        self.directory = run_directory(self.plain_config, self.run)
        self.mirror = run_mirror(self.directory, self.run)
        config = self._get_subconfig()
        if self.mirror is not None and self.subcommand != "fit":
            self.mirror.pull()
        if config.get("ckpt_path"):
            if not Path(config["ckpt_path"]).exists():
                raise CheckpointError(
                    f"There is no checkpoint at {config['ckpt_path']}: check --ckpt_path."
                )
        elif self.subcommand != "fit":
            path = self._trained_checkpoint()
            say(f"Using {path}.")
            config["ckpt_path"] = str(path)

    def instantiate_classes(self) -> None:
        """Build model, data and trainer; impossible values are told in one sentence.

        Raises:
            MissingToolError: the configuration names a class whose package is not installed.
            ConfigError: a class refuses its values.
        """
        try:
            super().instantiate_classes()
        except (ValueError, ModuleNotFoundError) as error:
            missing = _MISSING_PACKAGE.search(str(error))
            if missing:
                raise MissingToolError(
                    f"This configuration needs the package {missing.group(1)}: "
                    f"`pip install {missing.group(1)}`."
                ) from error
            raise ConfigError(f"The configuration cannot be built: {error}.") from error
        if self.hooks.connect is not None and isinstance(self.datamodule, StepDataModule):
            self.hooks.connect(self.model, self.datamodule)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:  # noqa: ANN401
        """Build the trainer with our callbacks, loggers and checkpoint writer."""
        seed = self._seed()
        if isinstance(self.datamodule, StepDataModule):
            self.datamodule.seed = seed
        self.trainer_defaults["callbacks"] = self._callbacks(seed)
        kwargs["default_root_dir"] = str(self.directory.path)
        kwargs["enable_progress_bar"] = sys.stdout.isatty()
        given = self._get(self.config_init, "trainer")
        if given.get("logger") is None and not given.get("fast_dev_run"):
            kwargs["logger"] = default_loggers(self.directory)
        interval = given.get("val_check_interval")
        if isinstance(interval, int):  # Lightning counts accumulated passes, a recipe counts steps
            kwargs["val_check_interval"] = interval * int(given.get("accumulate_grad_batches") or 1)
        if given.get("precision") is None:
            kwargs["precision"] = default_precision(str(given.get("accelerator")))
            if kwargs["precision"] != FULL:
                say(f"Precision {kwargs['precision']}; --trainer.precision {FULL} is exact.")
        if not given.get("plugins") and "fsdp" not in str(given.get("strategy")):
            kwargs["plugins"] = [AtomicCheckpointIO()]
        return super().instantiate_trainer(**kwargs)

    def fit(self, **kwargs: Any) -> None:  # noqa: ANN401  (what Trainer.fit takes)
        """Train, unless this very run is finished already.

        Where to start is decided while the run's lock is held, so of two equal commands the second
        one sees what the first one did.
        """
        inputs = getattr(self.datamodule, "inputs", None)
        keep_apart([self.directory.path], inputs() if inputs is not None else [])
        with only_process(self.directory.path), self._in_step():
            identity = self._identity()
            # Before anything is deleted: a model or a data set may refuse to say what it is.
            coordinates = self.coordinates(identity)
            start = self._start(identity, kwargs.get("ckpt_path"))
            if start.finished:
                place = self.directory.path
                say(f"This run is finished: {place}. Give --run.resume never to start over.")
                return
            if start.path is not None:
                say(f"Resuming from {start.path}. Give --run.resume never to start over.")
            kwargs["ckpt_path"] = None if start.path is None else str(start.path)
            self._add_record(identity, placed(coordinates, start.mixed))
            self._write_config()
            if self.run.compile:
                self._compile()
            try:
                self.trainer.fit(**kwargs)
            except SystemExit:
                # Lightning turns Ctrl-C into exit status 1, which looks like a failure.
                if self.trainer.interrupted:
                    raise KeyboardInterrupt from None
                raise
            except CheckpointError as error:
                if start.path is None:
                    raise
                again = "Start over with --run.resume never, or put a whole checkpoint back."
                raise CheckpointError(f"{error} {again}") from error

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        """Bring a run from object storage, and copy what it wrote however it ends.

        Raises:
            ConfigError: several machines would each have a copy of their own.
        """
        if self.mirror is None or not self.trainer.is_global_zero:
            yield
            return
        if self.trainer.num_nodes > 1:
            raise ConfigError(
                f"run.root is {self.run.root}, but a run on several machines needs a folder that "
                "all of them see: set --run.root to one."
            )
        say(
            f"The run works in {self.directory.path} and is copied to {self.mirror.address}. No "
            "lock is held there: start it on one machine at a time."
        )
        self.mirror.pull()
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        callbacks.append(CopyCheckpoints(self.directory, self.mirror))
        with ExitStack() as broken_off:
            broken_off.callback(_push_what_there_is, self.mirror)
            yield
            broken_off.pop_all()
        self.mirror.push()

    def _compile(self) -> None:
        """Compile what the model names, or every part of it that has weights.

        It is done in place: no weight is renamed.
        """
        named = getattr(self.model, "parts_to_compile", None)
        children = (part for part in self.model.children() if any(True for _ in part.parameters()))
        for part in children if named is None else named():
            part.compile()

    def before_validate(self) -> None:
        """Say what has changed since the checkpoint's run; Lightning calls it by its name."""
        if self.directory.path in Path(self._get_subconfig().ckpt_path or "").parents:
            note_changes(self.directory, self._identity())

    before_test = before_validate

    def coordinates(self, identity: Identity) -> dict[str, Any]:
        """Return the run's place in an experiment: what model, data and command line declare."""
        found: dict[str, Any] = {
            "experiment": self.run.name,
            "variant": self.run.variant,
            "point": dict(self.run.point),
            "seed": self._seed(),
            "steps": self.trainer.max_steps,
            "processes": self.trainer.world_size,
            "precision": str(self.trainer.precision),
            "compiled": self.run.compile,
        }
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        for part in (self.model, self.datamodule, *callbacks):
            declare = getattr(part, "coordinates", None)
            found |= declare() if declare is not None else {}
        repeats = ["run", "seed_everything", *self.hooks.repeats, *flatten(self.run.point)]
        files = without(identity.files, repeats)
        found["method"] = digest_of([without(identity.recipe, repeats), files])
        found["data"] = identity.data.get("digest", "")
        return found

    def _identity(self) -> Identity:
        print_of = getattr(self.datamodule, "fingerprint", None)
        found = print_of() if print_of is not None else None
        recipe = recipe_of(self.plain_config)
        return Identity(
            recipe=recipe,
            files=named_files(recipe),
            data={} if found is None else found.as_dict(),
            seed=self._seed(),
            precision=str(self.trainer.precision),
            processes=self.trainer.world_size,
            accelerator=self.trainer.strategy.root_device.type,
            threads=torch.get_num_threads(),
        )

    def _start(self, identity: Identity, given: str | None) -> Start:
        """Decide where to start; say what has changed since the run began."""
        if given is not None:
            return start_from(Path(given), self.run.resume, identity)
        start = start_of(self.directory, self.run.resume, identity)
        if start.path is None and not start.finished:
            self._start_over()  # rows of evaluations that no checkpoint remembers
        return start

    @rank_zero_only
    def _start_over(self) -> None:
        self.directory.start_over()

    def _add_record(self, identity: Identity, coordinates: Mapping[str, Any]) -> None:
        """Add the callback that writes ``run.json``, now that the run's identity is known."""
        record = RunRecord(
            self.directory,
            self.plain_config,
            identity=identity,
            coordinates=coordinates,
            closing=self.hooks.closing,
        )
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        callbacks.insert(0, record)

    def _seed(self) -> int:
        return int(self._get(self.config, "seed_everything"))

    def _callbacks(self, seed: int) -> list[Callback]:
        if self.subcommand != "fit":
            return [default_progress()]
        callbacks: list[Callback] = [StepSeed(seed), default_progress(), EvaluateLastStep()]
        given = [str(one.get("class_path")) for one in callbacks_of(self.plain_config)]
        if not any(path.endswith(".StopDiverged") for path in given):
            callbacks.append(StopDiverged())
        if self.hooks.callbacks is not None:
            callbacks += self.hooks.callbacks(self.directory)
        folder = self.directory.checkpoints
        if self.run.monitor:
            mode = self.run.monitor_mode
            callbacks.append(BestCheckpoint(folder, monitor=self.run.monitor, mode=mode))
        callbacks.append(LastCheckpoint(folder, every_n_steps=self.run.checkpoint_every))
        return callbacks

    def _plain_config(self) -> dict[str, Any]:
        """Return the resolved configuration of the subcommand as plain values."""
        parser = self._parser(self.subcommand)
        config = self._get_subconfig()
        text = parser.dump(config, skip_validation=True, skip_link_targets=False)
        loaded = yaml.safe_load(text)
        assert isinstance(loaded, dict)
        return loaded

    def _get_subconfig(self) -> Any:  # noqa: ANN401  (a jsonargparse Namespace)
        return self.config.get(str(self.subcommand), self.config)

    @rank_zero_only
    def _write_config(self) -> None:
        text = yaml.safe_dump(self.plain_config, sort_keys=False)
        write_text(self.directory.config, text)

    def _trained_checkpoint(self) -> Path:
        for path in (self.directory.best, self.directory.last):
            if path.is_file():
                return path
        raise CheckpointError(
            f"There is no trained run of this configuration in {self.directory.path}: "
            "run `fit` with it first, or give --ckpt_path."
        )


def _push_what_there_is(mirror: Mirror) -> None:
    """Copy a run that broke off; the training's own error is the one to tell."""
    try:
        mirror.push()
    except HoldfastError as error:
        sys.stderr.write(f"note: the run was not copied: {error}\n")


def default_loggers(directory: RunDirectory) -> list[Logger]:
    """Return CSV and TensorBoard loggers inside the run directory.

    Each launch writes its own CSV file, because Lightning's CSV logger deletes an earlier one;
    ``results.jsonl`` is the continuous record.
    """
    folder = directory.path / "logs"
    return [
        CSVLogger(folder, name="csv"),
        TensorBoardLogger(folder, name="tensorboard", version=""),
    ]
