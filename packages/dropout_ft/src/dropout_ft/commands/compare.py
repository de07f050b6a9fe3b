"""``dropout-ft compare``: a sweep of dropout rates and its report, in one command."""

from pathlib import Path

from dropout_ft.commands.report import report
from dropout_ft.commands.trusted import own_classes
from dropout_ft.sweep.apart import keep_sweep_apart
from dropout_ft.sweep.config import checked
from dropout_ft.sweep.expand import jobs_of
from dropout_ft.sweep.running import run_jobs, runs_of, settings_of
from holdfast.console import say
from holdfast.errors import ConfigError
from holdfast.jobs.engines import Engine, Resources
from holdfast.jobs.pool import Pool


def compare(
    *,
    fit: list[str],
    domains: list[str],
    dropout_rates: list[float] = [0.0, 0.5, 0.9],  # noqa: B006  (never changed; shown in --help)
    seeds: list[int] = [0],  # noqa: B006
    out: str = "report",
    title: str = "Very large dropout",
    note: str = "",
    set: list[str] = [],  # noqa: A002, B006  (the word users expect)
    engine: Engine = "processes",
    workers: int = 1,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Train every dropout rate with every domain left out in turn, and report.

    Finished runs are not repeated and an interrupted one is resumed, so the same command can be
    given again at any time.

    Args:
        fit: YAML files of ``dropout-ft fit``; later ones win.
        domains: domains to leave out, one at a time.
        dropout_rates: dropout rates; 0 is ERM.
        seeds: seeds of each rate and domain.
        out: folder of the report; the runs are kept in its ``jobs`` folder.
        title: heading of the page.
        note: a paragraph about data and budget.
        set: further settings for every run, as ``key=value``.
        engine: see ``dropout-ft sweep``.
        workers: runs at the same time.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    if not (domains and dropout_rates and seeds):
        raise ConfigError(
            "There is nothing to compare: give --domains, --dropout_rates and --seeds."
        )
    own_classes(backbone, source)  # a wrong name is told before anything is trained
    values = {
        "fit": [str(_existing(file)) for file in fit],
        "domains": list(domains),
        "dropout_rates": [float(dropout_rate) for dropout_rate in dropout_rates],
        "seeds": list(seeds),
        "set": settings_of(set),
    }
    config = checked(values, "compare")
    jobs = jobs_of(config)
    keep_sweep_apart(Path(out).expanduser(), config)
    pool = Pool(root=Path(out).expanduser(), jobs=jobs, many_a_process=engine == "processes")
    say(f"{len(jobs)} runs in {pool.root}")
    pool.retry_failed()  # the user has mended what failed, or hears of it again
    run_jobs(pool, engine, Resources(workers=workers), again="give the same command again")
    report(
        [str(path) for path in runs_of(pool)], out=out, title=title, note=note,
        backbone=backbone, source=source,
    )  # fmt: skip


def _existing(file: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file():
        raise ConfigError(f"There is no configuration {path}: check --fit.")
    return path.resolve()
