"""``dropout-ft verify``: is this folder what training expects?"""

import sys
from pathlib import Path

from rich.progress import track

from dropout_ft.data.folder import Domain, class_names, scan
from dropout_ft.data.pictures import read_rgb
from holdfast.errors import DataError, ImageError


def verify(root: str, *, pictures: bool = True) -> None:
    """Check a folder ``<root>/<domain>/<class>/<image>`` and print what is in it.

    Args:
        root: the folder of domains.
        pictures: also decode every picture; each unreadable one is named.
    """
    place = Path(root).expanduser()
    classes = class_names(place)
    domains = scan(place, allow_missing_classes=True)
    problems = missing_classes(domains, classes)
    for domain in domains:
        sys.stdout.write(f"{domain.name}: {len(domain.paths)} pictures\n")
        if pictures:
            problems += unreadable(domain)
    sys.stdout.write(f"{len(classes)} classes: {', '.join(classes)}\n")
    for problem in problems:
        sys.stdout.write(f"problem: {problem}\n")
    if problems:
        raise DataError(f"{place} has {len(problems)} problem(s), listed above: mend them first.")
    sys.stdout.write("no problems found\n")


def missing_classes(domains: list[Domain], classes: list[str]) -> list[str]:
    """Say which domain lacks pictures of which class."""
    return [
        f"domain '{domain.name}' has no pictures of class '{name}'"
        for domain in domains
        for label, name in enumerate(classes)
        if label not in domain.labels
    ]


def unreadable(domain: Domain) -> list[str]:
    """Decode every picture of a domain and return the errors."""
    found = []
    for path in track(domain.paths, domain.name, disable=not sys.stdout.isatty()):
        try:
            read_rgb(path)
        except ImageError as error:
            found.append(str(error))
    return found
