"""``dropout-ft report``: table and page from finished runs."""

from pathlib import Path

from dropout_ft.methods.average_over_runs import averages_over_runs
from dropout_ft.methods.derived import DERIVED, derived_results
from dropout_ft.report.collect import collect
from dropout_ft.report.write import write_report
from holdfast.errors import DataError


def report(
    runs: list[str],
    *,
    out: str = "report",
    title: str = "Very large dropout",
    note: str = "",
    averages: bool = True,
    methods: list[str] = [],  # noqa: B006
) -> None:
    """Make ``report.html`` and ``results.csv``.

    Args:
        runs: run directories, or folders of run directories.
        out: folder to write into.
        title: heading of the page.
        note: a paragraph about data and budget.
        averages: also average weights over runs of one rate and test domain (evaluates a network).
        methods: more methods to compute from the runs, such as SWAD, "greedy soup" or "MC dropout";
            ``all`` is every one (docs/dropout_ft.md lists them).
    """
    directories = [found for given in runs for found in run_directories(Path(given).expanduser())]
    collection = collect(directories)
    if averages:
        collection.results.extend(averages_over_runs(collection.runs))
    chosen = DERIVED if "all" in methods else methods
    collection.results.extend(derived_results(collection.runs, chosen))
    write_report(collection, out, title=title, note=note)


def run_directories(place: Path) -> list[Path]:
    """Return ``place`` itself if it is a run, else the runs below it, as in a sweep's folder.

    Raises:
        DataError: there are none.
    """
    if (place / "run.json").is_file():
        return [place]
    found = sorted(path.parent for path in place.glob("*/run.json"))
    found = found or sorted(path.parent for path in place.glob("jobs/*/*/run.json"))
    if not found:
        raise DataError(f"There are no runs in {place}: give run directories or a folder of them.")
    return found
