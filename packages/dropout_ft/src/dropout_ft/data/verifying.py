"""What may be wrong with a folder of domains: counts, stray folders, duplicates, damage."""

import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from dropout_ft.data.decoding import UNREAD_EXTENSIONS, is_rotated, read_rgb
from dropout_ft.data.folder import Domain, Leftovers
from dropout_ft.data.known import KnownSet
from holdfast.errors import ConfigError, ImageError


def counts_of(domain: Domain, classes: Sequence[str]) -> str:
    """Say how many pictures a domain has of each class, as ``birds 25, plants 20``."""
    count = Counter(domain.labels)
    return ", ".join(f"{name} {count[label]}" for label, name in enumerate(classes))


def missing_classes(domains: Sequence[Domain], classes: Sequence[str]) -> list[str]:
    """Say which domain lacks pictures of which class."""
    problems = []
    for domain in domains:
        there = set(domain.labels)
        missing = [f"'{name}'" for label, name in enumerate(classes) if label not in there]
        if missing:
            what = f"class{'es' if len(missing) > 1 else ''} {', '.join(missing)}"
            problems.append(f"domain '{domain.name}' has no pictures of {what}")
    return problems


def too_small(domains: Sequence[Domain], holdout_fraction: float) -> list[str]:
    """Say which domains have too few pictures for one to be held out."""
    if not 0 < holdout_fraction < 1:
        raise ConfigError(f"holdout_fraction is {holdout_fraction}: choose one above 0, below 1.")
    return [
        f"domain '{domain.name}' has {len(domain.paths)} picture(s), and a hold-out of "
        f"{holdout_fraction:g} leaves none for validation: it needs {int(1 / holdout_fraction)} or "
        "a larger hold-out"
        for domain in domains
        if int(len(domain.paths) * holdout_fraction) == 0
    ]


def leftover_problems(leftovers: Leftovers) -> list[str]:
    """Name what is like a picture and cannot be read."""
    broken = [f"{path} is a link to nothing, a pipe or a device" for path in leftovers.broken]
    unread = [path for path in leftovers.unread if path.suffix.lower() in UNREAD_EXTENSIONS]
    if unread:
        broken.append(
            f"{len(unread)} picture(s) of kinds that are not read, such as {unread[0]}: convert "
            "them to PNG or JPEG"
        )
    return broken


def remarks(domains: Sequence[Domain], leftovers: Leftovers, *, deep: bool) -> list[str]:
    """Say what is no problem but good to know: other files, rotated pictures.

    Args:
        domains: whose pictures are looked at.
        leftovers: what else lies there.
        deep: also read the headers of the pictures.
    """
    found = []
    others = [path for path in leftovers.unread if path.suffix.lower() not in UNREAD_EXTENSIONS]
    if others:
        found.append(f"{len(others)} file(s) are no pictures and are not read, such as {others[0]}")
    rotated = [p for domain in domains for p in domain.paths if is_rotated(p)] if deep else []
    if rotated:
        found.append(
            f"{len(rotated)} picture(s) ask for a rotation in their EXIF header, such as "
            f"{rotated[0]}: as in DomainBed they are read as they lie, unless data.exif_rotation "
            "is true"
        )
    return found


def unreadable(domain: Domain) -> list[str]:
    """Decode every picture of a domain and return the errors."""
    found = []
    for path in track(domain.paths, domain.name, disable=not sys.stdout.isatty()):
        try:
            read_rgb(path)
        except ImageError as error:
            found.append(str(error))
    return found


def duplicates(domains: Sequence[Domain]) -> list[tuple[Path, Path]]:
    """Return pairs of files with the same bytes, within and across domains.

    Only files of equal size are read. A picture that lies in a training domain and in the test
    domain is a leak; one that lies in two classes has two labels.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for domain in domains:
        for path in domain.paths:
            by_size[path.stat().st_size].append(path)
    pairs = []
    for group in by_size.values():
        seen: dict[str, Path] = {}
        for path in group if len(group) > 1 else ():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest in seen:
                pairs.append((seen[digest], path))
            else:
                seen[digest] = path
    return pairs


def wrong_counts(known: KnownSet, domains: Sequence[Domain], classes: int) -> list[str]:
    """Compare with the published counts; a set of which several copies go around may be either.

    Returns:
        A sentence for each difference; for a known copy none.
    """
    problems = []
    if classes != known.classes:
        problems.append(f"{classes} classes where {known.name} has {known.classes}")
    for domain in domains:
        expected = known.counts.get(known.also.get(domain.name, domain.name), ())
        if expected and len(domain.paths) not in expected:
            wanted = " or ".join(str(count) for count in expected)
            problems.append(
                f"domain '{domain.name}' has {len(domain.paths)} pictures, not {wanted}"
            )
    total = sum(len(domain.paths) for domain in domains)
    if not problems and known.totals and total not in known.totals:
        problems.append(
            f"{total} pictures in all: the domains come from different copies "
            f"({' and '.join(str(n) for n in known.totals)})"
        )
    return problems


def which_copy(known: KnownSet, total: int) -> str:
    """Say which of several known copies a folder is."""
    if len(known.totals) < 2 or total not in known.totals:
        return ""
    return (
        f"this is the copy of {total} pictures (others go around with "
        f"{', '.join(str(n) for n in known.totals if n != total)}): name it beside your figures"
    )
