"""A console command: what each of its subcommands is and how one is run."""

import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.cli.importing import first_imports
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import HoldfastError, UsageError

if TYPE_CHECKING:
    import argparse

    from holdfast.cli.lightning_cli import HoldfastCLI

LIGHTNING_COMMANDS = {
    "fit": "train, resuming from the run's last checkpoint if there is one",
    "validate": "score a trained run on its validation data",
    "test": "score a trained run on its test data",
    "predict": "write predictions of a trained run",
}
LIGHTNING_EXAMPLE = "{prog} {name} --config FILE.yaml --trainer.max_steps 1000"
WRONG_USAGE, INTERRUPTED = 2, 130
# Each is Lightning or a dependency talking about itself, seen with pytorch-lightning 2.6.6.
QUIET = (
    "LightningCLI's args parameter is intended to run from within Python",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    ".*does not have many workers.*",
    "Checkpoint directory .* exists and is not empty",  # resuming is our default
    "Be aware that when using `ckpt_path`, callbacks used to create",
    # Frozen BatchNorm statistics are the recipe.
    r"Found \d+ module\(s\) in eval mode at the start of training",
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """One of a track's own commands.

    Args:
        target: ``module:function``, imported only when the command is used.
        help: one line for the overview.
        example: one command line, for the command's page.
    """

    target: str
    help: str
    example: str = ""

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, name = self.target.split(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function


@dataclass(frozen=True, kw_only=True)
class App:
    """A console command: Lightning's subcommands plus the track's own.

    Args:
        name: the console command.
        summary: one sentence.
        model: ``module:Class`` of the LightningModule, or of the base of those allowed.
        datamodule: ``module:Class`` of the data module base.
        any_model: whether ``model`` is chosen by class path.
        any_data: whether the data module is chosen by class path.
        link_class_names: hand the data module's ``class_names`` to the model.
        fit_example: one command line, for the pages of Lightning's commands.
        hooks: ``module:function`` that returns the track's
            :class:`~holdfast.cli.lightning_cli.TrackHooks`.
        commands: the track's own commands; one may replace a Lightning command.
    """

    name: str
    summary: str
    model: str
    datamodule: str
    any_model: bool = False
    any_data: bool = True
    link_class_names: bool = False
    fit_example: str = LIGHTNING_EXAMPLE
    hooks: str = ""
    commands: Mapping[str, Command] = field(default_factory=dict)

    def main(self, args: Sequence[str] | None = None) -> int:
        """Run one command line.

        Args:
            args: words after the program name; those of the process by default.

        Returns:
            The exit status: 0 done, 1 an error told in one sentence, 2 a wrong command line,
            130 interrupted by the user.
        """
        words = list(sys.argv[1:] if args is None else args)
        self._quiet()
        if not words or words[0] in {"-h", "--help"}:
            sys.stdout.write(self.overview())
            return 0 if words else WRONG_USAGE
        try:
            self._dispatch(words[0], words[1:])
        except HoldfastError as error:
            sys.stderr.write(f"{self.name}: error: {sentence(error)}\n")
            return WRONG_USAGE if isinstance(error, UsageError) else 1
        except KeyboardInterrupt:
            sys.stderr.write(f"{self.name}: interrupted\n")
            return INTERRUPTED
        except SystemExit as leaving:
            return leaving.code if isinstance(leaving.code, int) else 1
        return 0

    def overview(self) -> str:
        """Return the text of ``--help``; nothing heavy is imported for it."""
        rows = {**LIGHTNING_COMMANDS, **{name: c.help for name, c in self.commands.items()}}
        width = max(map(len, rows)) + 2
        listed = "\n".join(f"  {name:<{width}}{text}" for name, text in rows.items())
        return (
            f"{self.name}: {self.summary}\n\nusage: {self.name} COMMAND [--config FILE]... "
            f"[--key value]...\n\n{listed}\n\n"
            f"`{self.name} COMMAND --help` lists the options of one command; `{self.name} "
            f"--version` and `{self.name} --print_completion bash` (zsh, tcsh) print what they say."
            "\n"
        )

    @staticmethod
    def _quiet() -> None:
        """Silence warnings that no user of this program can act on."""
        for message in QUIET:
            warnings.filterwarnings("ignore", message=message)

    def _dispatch(self, name: str, rest: list[str]) -> None:
        if name == "--version":
            sys.stdout.write(f"{self.name} {version()}\n")
        elif name == "--print_completion":
            self._complete(rest[0] if rest else "")
        elif name not in {**LIGHTNING_COMMANDS, **self.commands}:
            near = hint(nearest_key(name, [*LIGHTNING_COMMANDS, *self.commands]))
            raise UsageError(
                f"there is no command '{name}'.{near} `{self.name} --help` lists them."
            )
        elif name in self.commands:
            self._run_own(name, rest)
        elif {"-h", "--help"} & set(rest):
            self._show(name)
        else:
            words = ["--help" if word == "--help_full" else word for word in rest]
            self.run_lightning([name, *words])

    def page(self, name: str) -> "argparse.ArgumentParser | None":
        """Return the help page of a command; None if its source is not at hand."""
        from holdfast.cli.pages import lightning_page, own_page  # noqa: PLC0415

        prog = f"{self.name} {name}"
        if name in self.commands:
            command = self.commands[name]
            return own_page(prog, command.target, command.example)
        example = self.fit_example.format(prog=self.name, name=name)
        return lightning_page(prog, LIGHTNING_COMMANDS[name], example)

    def _show(self, name: str) -> bool:
        """Print a command's page; tell whether there is one."""
        from holdfast.cli.pages import show  # noqa: PLC0415

        page = self.page(name)
        if page is not None:
            show(page)
        return page is not None

    def _complete(self, shell: str) -> None:
        """Print the script that completes this command in a shell."""
        from holdfast.cli.pages import completion  # noqa: PLC0415

        names = [*LIGHTNING_COMMANDS, *self.commands]
        pages = {name: page for name in names if (page := self.page(name)) is not None}
        sys.stdout.write(completion(self.name, pages, shell))

    def _run_own(self, name: str, rest: list[str]) -> None:
        from holdfast.cli.outline import outline  # noqa: PLC0415
        from holdfast.cli.pages import check_options  # noqa: PLC0415

        prog = f"{self.name} {name}"
        if {"-h", "--help"} & set(rest) and self._show(name):
            return
        found = outline(self.commands[name].target)
        if found is not None:
            check_options(prog, found, rest)
        from jsonargparse import auto_cli  # noqa: PLC0415  (keeps pages quick)

        from holdfast.cli.parser import SuggestingParser  # noqa: PLC0415
        from holdfast.cli.spelling import spell_out  # noqa: PLC0415

        function = self.commands[name].load()
        auto_cli(
            function,
            args=spell_out(function, rest),
            prog=prog,
            parser_class=SuggestingParser,
            as_positional=True,
        )

    def run_lightning(self, words: list[str]) -> "HoldfastCLI":
        """Run one of Lightning's subcommands and return the command line object.

        Args:
            words: the subcommand and its arguments.
        """
        with _importing():
            from holdfast.cli.lightning_cli import HoldfastCLI  # noqa: PLC0415

            model, datamodule = _load(self.model), _load(self.datamodule)
        return HoldfastCLI(
            model,
            datamodule,
            subclass_mode_model=self.any_model,
            subclass_mode_data=self.any_data,
            link_class_names=self.link_class_names,
            hooks=_load(self.hooks)() if self.hooks else None,
            args=words,
        )


def version() -> str:
    """Return the version of the installed packages, or of these sources."""
    try:
        return importlib.metadata.version("holdfast-common")
    except importlib.metadata.PackageNotFoundError:
        from holdfast import __version__  # noqa: PLC0415

        return __version__


def sentence(error: HoldfastError) -> str:
    """Return the error's own sentence, without the traceback a loader's worker wraps it in."""
    text = str(error).strip()
    if "Original Traceback" not in text:
        return text
    return text.splitlines()[-1].split(": ", 1)[-1]


def _importing() -> AbstractContextManager[None]:
    """Spare the collector the first import of Lightning; later ones are quick."""
    return nullcontext() if "pytorch_lightning" in sys.modules else first_imports()


def _load(target: str) -> Any:  # noqa: ANN401  (a class the caller knows)
    return Command(target=target, help="").load()
