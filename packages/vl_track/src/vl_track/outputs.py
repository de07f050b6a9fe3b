"""Files that a command writes: never an input, and an existing file only when asked."""

from collections.abc import Iterable
from pathlib import Path

from holdfast.errors import ConfigError


def check_outputs(
    outputs: Iterable[str | Path], inputs: Iterable[str | Path] = (), *, overwrite: bool = False
) -> None:
    """Refuse outputs that would destroy something, before any work is done.

    Links to an input count as that input.

    Args:
        outputs: files to be written.
        inputs: files and folders that are read; addresses and cameras may be among them.
        overwrite: whether existing files may be replaced. An input is never replaced.

    Raises:
        ConfigError: an output is an input, lies where an input folder is, is named twice, or
            exists.
    """
    read = [Path(one).expanduser() for one in inputs]
    seen: set[Path] = set()
    for output in outputs:
        path = Path(output).expanduser()
        if path.resolve() in seen:
            raise ConfigError(f"{path} is named as two outputs: give each a name of its own.")
        seen.add(path.resolve())
        for given in read:
            if given.exists() and path.exists() and path.samefile(given):
                raise ConfigError(f"{path} is an input and is not replaced: choose another output.")
        if path.is_dir():
            raise ConfigError(f"{path} is a folder: name a file in it.")
        if path.exists() and not overwrite:
            raise ConfigError(
                f"{path} exists: give --overwrite to replace it, or choose another output."
            )
