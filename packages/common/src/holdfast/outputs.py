"""An output never destroys an input."""

from collections.abc import Iterable
from pathlib import Path

from holdfast.errors import ConfigError


def keep_apart(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse outputs that are, or lie in, an input, before any work is done.

    Links are followed, and a hard link to an input counts as that input.

    Args:
        outputs: files or folders to be written.
        inputs: files and folders that are read.

    Raises:
        ConfigError: names the output and the input.
    """
    read = [(Path(one).expanduser(), Path(one).expanduser().resolve()) for one in inputs]
    for output in outputs:
        path = Path(output).expanduser()
        target = path.resolve()
        for given, place in read:
            same = path.exists() and given.exists() and path.samefile(given)
            if same or target == place:
                raise ConfigError(f"{path} is an input and is not replaced: choose another output.")
            if place in target.parents:
                raise ConfigError(
                    f"{path} lies in {given}, which is an input: choose an output elsewhere."
                )
