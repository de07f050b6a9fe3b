"""An output never destroys an input, and an existing file only where that was asked for."""

from collections.abc import Iterable
from pathlib import Path

from holdfast.errors import ConfigError
from holdfast.storage import is_remote


def keep_apart(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse outputs that are, or lie in, an input, before any work is done.

    Links are followed, and a hard link to an input counts as that input.

    Args:
        outputs: files or folders to be written.
        inputs: files and folders that are read.

    Raises:
        ConfigError: names the output and the input; or an output is on object storage.
    """
    read = [Path(one).expanduser() for one in inputs]
    for output in outputs:
        _refuse_address(output)
        path = Path(output).expanduser()
        for given in read:
            _refuse_same(path, given)
            if given.resolve() in path.resolve().parents:
                raise ConfigError(
                    f"{path} lies in {given}, which is an input: choose an output elsewhere."
                )


def check_files(
    outputs: Iterable[str | Path], inputs: Iterable[str | Path] = (), *, overwrite: bool = False
) -> None:
    """Refuse files that would destroy something, before any work is done.

    Links to an input count as that input. A file may be written into a folder that is read.

    Args:
        outputs: files to be written.
        inputs: files and folders that are read; addresses and cameras may be among them.
        overwrite: whether existing files may be replaced. An input is never replaced.

    Raises:
        ConfigError: an output is an input, a folder, named twice, an address, or exists.
    """
    read = [Path(one).expanduser() for one in inputs]
    seen: set[Path] = set()
    for output in outputs:
        _refuse_address(output)
        path = Path(output).expanduser()
        if path.resolve() in seen:
            raise ConfigError(f"{path} is named as two outputs: give each a name of its own.")
        seen.add(path.resolve())
        for given in read:
            _refuse_same(path, given)
        if path.is_dir():
            raise ConfigError(f"{path} is a folder: name a file in it.")
        if path.exists() and not overwrite:
            raise ConfigError(
                f"{path} exists: give --overwrite to replace it, or choose another output."
            )


def _refuse_address(output: str | Path) -> None:
    if is_remote(output):
        raise ConfigError(
            f"{output} is an address, but this output needs a local path: write it to one and copy "
            "it. (Only --run.root of fit may be on object storage.)"
        )


def _refuse_same(path: Path, given: Path) -> None:
    same = path.exists() and given.exists() and path.samefile(given)
    if same or path.resolve() == given.resolve():
        raise ConfigError(f"{path} is an input and is not replaced: choose another output.")
