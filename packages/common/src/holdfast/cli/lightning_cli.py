"""One Lightning command line: run directories, resume by default, records, atomic checkpoints."""

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import set_parsing_settings
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.loggers.logger import Logger

from holdfast.atomic import write_text
from holdfast.checkpoints.lightning_io import AtomicCheckpointIO
from holdfast.cli.lightning_parser import SuggestingParser
from holdfast.console import quiet_lightning, say
from holdfast.errors import CheckpointError, ConfigError, MissingToolError
from holdfast.runs.directory import RunConfig, RunDirectory, run_directory
from holdfast.runs.lock import only_process
from holdfast.runs.record import RunRecord, read_record
from holdfast.training.callbacks import LastCheckpoint, StepSeed, default_progress
from holdfast.training.datamodule import StepDataModule

# How Lightning and Python say that an optional package is absent.
_MISSING_PACKAGE = re.compile(r"(?:Requirement '|No module named ')([\w-]+)")


class HoldfastCLI(LightningCLI):
    """LightningCLI with this house's rules.

    * YAML files compose and interpolate over files and flags (``parser_mode="omegaconf+"``).
    * The run directory is a function of the configuration.
    * ``fit`` resumes from the last checkpoint of that directory and says so.
    * ``validate``, ``test`` and ``predict`` use the best (else the last) checkpoint of the same
      configuration unless ``--ckpt_path`` names one.
    * Explicit settings always win over anything stored in a checkpoint.
    """

    directory: RunDirectory

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  (Lightning's options)
        link_class_names: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.link_class_names = link_class_names
        quiet_lightning()
        set_parsing_settings(omegaconf_absolute_to_relative_paths=True)
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
        """Find the run directory and the checkpoint before anything heavy is built."""
        run = RunConfig(**self._get(self.config, "run").as_dict())
        self.run = run
        self.plain_config = self._plain_config()
        self.directory = run_directory(self.plain_config, run)
        self._choose_checkpoint()

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

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:  # noqa: ANN401
        """Build the trainer with our callbacks, loggers and checkpoint writer."""
        seed = int(self._get(self.config, "seed_everything"))
        if isinstance(self.datamodule, StepDataModule):
            self.datamodule.seed = seed
        self.trainer_defaults["callbacks"] = self._callbacks(seed)
        kwargs["default_root_dir"] = str(self.directory.path)
        kwargs["enable_progress_bar"] = sys.stdout.isatty()
        given = self._get(self.config_init, "trainer")
        if given.get("logger") is None and not given.get("fast_dev_run"):
            kwargs["logger"] = default_loggers(self.directory)
        if not given.get("plugins") and "fsdp" not in str(given.get("strategy")):
            kwargs["plugins"] = [AtomicCheckpointIO()]
        return super().instantiate_trainer(**kwargs)

    def fit(self, **kwargs: Any) -> None:  # noqa: ANN401  (what Trainer.fit takes)
        """Train, unless this very run is finished already."""
        if self.finished:
            say(f"This run is finished: {self.directory.path} (--run.resume never starts over).")
            return
        with only_process(self.directory.path):
            self._write_config()
            try:
                self.trainer.fit(**kwargs)
            except SystemExit:
                # Lightning turns Ctrl-C into exit status 1, which looks like a failure.
                if self.trainer.interrupted:
                    raise KeyboardInterrupt from None
                raise

    def _callbacks(self, seed: int) -> list[Callback]:
        if self.subcommand != "fit":
            return [default_progress()]
        callbacks: list[Callback] = [
            StepSeed(seed),
            RunRecord(self.directory, self.plain_config, seed=seed),
            default_progress(),
        ]
        if self.run.monitor:
            callbacks.append(best_checkpoint(self.directory, self.run))
        callbacks.append(
            LastCheckpoint(self.directory.checkpoints, every_n_steps=self.run.checkpoint_every)
        )
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

    def _choose_checkpoint(self) -> None:
        """Decide where to start, and say it."""
        config = self._get_subconfig()
        self.finished = False
        if config.get("ckpt_path"):
            if not Path(config["ckpt_path"]).exists():
                raise CheckpointError(
                    f"There is no checkpoint at {config['ckpt_path']}: check --ckpt_path."
                )
            return
        if self.subcommand == "fit":
            self.finished = self._is_finished()
            if self.finished:
                return
            path = self.directory.resume_path(self.run.resume)
            if path is not None:
                say(f"Resuming from {path} (--run.resume never starts over).")
        else:
            path = self._trained_checkpoint()
            say(f"Using {path}.")
        config["ckpt_path"] = None if path is None else str(path)

    def _is_finished(self) -> bool:
        status = read_record(self.directory.record).get("status")
        return self.run.resume != "never" and status == "finished"

    def _trained_checkpoint(self) -> Path:
        for path in (self.directory.best, self.directory.last):
            if path.is_file():
                return path
        raise CheckpointError(
            f"There is no trained run of this configuration in {self.directory.path}: "
            "run `fit` with it first, or give --ckpt_path."
        )


def best_checkpoint(directory: RunDirectory, run: RunConfig) -> ModelCheckpoint:
    """Return the callback that keeps ``best.ckpt``, the first maximum of the monitored metric."""
    return ModelCheckpoint(
        dirpath=directory.checkpoints,
        filename="best",
        monitor=run.monitor,
        mode=run.monitor_mode,
        save_top_k=1,
        enable_version_counter=False,
        save_on_train_epoch_end=False,
    )


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
