"""``dropout-ft data``: which data sets are known, what is wrong with one on disk, making digits."""

import sys
from pathlib import Path
from typing import Literal

from dropout_ft.commands.verify import verify_folder
from dropout_ft.data.known import KNOWN, KnownSet
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError

MADE_HERE = ("ColoredMNIST", "RotatedMNIST")


def data(
    action: Literal["list", "verify", "make", "shard"],
    name: str | None = None,
    *,
    out: str | None = None,
    root: str | None = None,
    images: bool = True,
    same_bytes: bool = True,
) -> None:
    """List the known data sets, verify one (or any folder of domains), make or shard one.

    Args:
        action: ``list``, ``verify``, ``make`` (digits) or ``shard`` (docs/scale.md).
        name: a data set's name, or, to verify or shard, the path of any folder of domains.
        out: folder of the shards; by default beside the folder, with ``-shards`` behind its name.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        images: also decode every picture when verifying.
        same_bytes: also look for files with the same content when verifying.
    """
    from dropout_ft.data.sources.known import check_domains, set_folder

    data_folder = data_root(root)
    if action == "list":
        sys.stdout.write(listing(data_folder))
    elif name is None:
        raise ConfigError(f"Which data set? Take one of {', '.join(KNOWN)}.")
    elif action == "make":
        make(name, data_folder)
    elif action == "shard":
        shard(
            set_folder(KNOWN[name], data_folder) if name in KNOWN else Path(name).expanduser(), out
        )
    elif name in KNOWN:
        known = KNOWN[name]
        folder = set_folder(known, data_folder)
        check_domains(known, folder)
        verify_folder(folder, known=known, images=images, same_bytes=same_bytes)
    elif Path(name).expanduser().is_dir():
        verify_folder(Path(name).expanduser(), images=images, same_bytes=same_bytes)
    else:
        raise _unknown(name)


def make(name: str, data_folder: Path) -> None:
    """Draw one of the data sets that need no download.

    Raises:
        ConfigError: it is not one of them.
    """
    if name not in MADE_HERE:
        near = hint(nearest_key(name, list(MADE_HERE)))
        raise ConfigError(
            f"'{name}' cannot be made here: get it from its authors.{near} "
            f"{', '.join(MADE_HERE)} can be made."
        )

    from dropout_ft.data.sources import colored_digits, rotated_digits

    folder = data_folder / KNOWN[name].folder
    makers = {"ColoredMNIST": colored_digits.make, "RotatedMNIST": rotated_digits.make}
    sys.stdout.write(f"{makers[name](folder)} pictures in {folder}\n")


def shard(folder: Path, out: str | None) -> None:
    """Write a folder of domains as shards."""
    from dropout_ft.data.shards import write_shards

    target = Path(out).expanduser() if out else folder.with_name(f"{folder.name}-shards")
    count = write_shards(folder, target)
    sys.stdout.write(f"{count} pictures in {target}: --data configs/data/shards.yaml\n")


def _unknown(name: str) -> ConfigError:
    near = hint(nearest_key(name, list(KNOWN)))
    return ConfigError(
        f"There is no data set and no folder '{name}'.{near} Take one of {', '.join(KNOWN)}, or "
        "give the path of a folder of domains."
    )


def listing(data_folder: Path) -> str:
    """Return a paragraph for each data set: domains, counts, where it is expected."""
    from dropout_ft.data.sources.known import set_folder

    lines = [f"Data root: {data_folder} (HOLDFAST_DATA or --root change it)", ""]
    for known in KNOWN.values():
        folder = set_folder(known, data_folder)
        there = "there" if folder.is_dir() else "not there"
        lines += [
            f"{known.name:<15} {known.classes} classes; {_pictures(known)}",
            f"{'':<15} domains: {', '.join(known.domains)}",
            f"{'':<15} expected at {folder} ({there})",
            "",
        ]
    return "\n".join(lines)


def _pictures(known: KnownSet) -> str:
    if known.name in MADE_HERE:
        return "1797 digits of UCI (not MNIST's), made by `dropout-ft data make`"
    return f"{' or '.join(map(str, known.totals)) or 'about 586000'} pictures"
