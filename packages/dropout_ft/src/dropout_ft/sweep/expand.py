"""From a sweep's configuration to its list of jobs, always the same list."""

import json
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from dropout_ft.sweep.config import RandomSearch, SweepConfig, Variant, files_named, text_of
from holdfast.errors import ConfigError
from holdfast.jobs.job import Job
from holdfast.seeding import fold_seed

TARGET = "dropout_ft.sweep.training:train"
Point = dict[str, Any]
AS_CONFIGURED = "as configured"


def jobs_of(config: SweepConfig) -> list[Job]:
    """Return every job; seeds vary slowest, so that a broken-off sweep is a whole smaller one."""
    variants: dict[str, Variant] = {"": Variant()} if config.plain else {}
    variants |= config.variants
    texts = {name: text_of(_files(config, one)) for name, one in variants.items()}
    jobs = []
    for seed, (name, variant), domains in product(config.seeds, variants.items(), left_out(config)):
        for dropout_rate, point in product(
            variant.dropout_rates or config.dropout_rates, points(config)
        ):
            jobs.append(
                _job(config, name, variant, domains, seed, float(dropout_rate), point, texts[name])
            )
    if len({job.digest for job in jobs}) != len(jobs):
        raise ConfigError("The sweep lists the same run twice: remove the repeated value.")
    return jobs


def left_out(config: SweepConfig) -> list[tuple[str, ...]]:
    """Return what each run leaves out: every domain, and every pair where asked."""
    single: list[tuple[str, ...]] = [(domain,) for domain in config.domains]
    return [*single, *combinations(config.domains, 2)] if config.pairs else single


def points(config: SweepConfig) -> list[Point]:
    """Return the hyper-parameter points: the grid's combinations, or the drawn ones.

    The first drawn point is the configuration itself: each of its values is :data:`AS_CONFIGURED`.
    """
    if config.random is not None:
        own: Point = dict.fromkeys(config.random.space, AS_CONFIGURED)
        return [own, *(draw(config.random, number) for number in range(config.random.count))]
    keys = list(config.grid)
    return [dict(zip(keys, values, strict=True)) for values in product(*config.grid.values())]


def draw(search: RandomSearch, number: int) -> Point:
    """Draw point ``number``; each key has its own generator, so adding one changes no other."""
    found = {}
    for key, rule in search.space.items():
        generator = np.random.default_rng(fold_seed("random search", search.seed, number, key))
        ((rule_name, values),) = rule.items()
        if rule_name == "choice":
            found[key] = values[int(generator.integers(len(values)))]
            continue
        low, high = float(values[0]), float(values[1])
        fraction = float(generator.random())
        log = rule_name == "log_uniform"
        found[key] = low * (high / low) ** fraction if log else low + fraction * (high - low)
    return found


def _job(
    config: SweepConfig,
    name: str,
    variant: Variant,
    domains: tuple[str, ...],
    seed: int,
    dropout_rate: float,
    point: Point,
    content: str,
) -> Job:
    """Return one run, with its place in the experiment declared."""
    chosen = {key: value for key, value in point.items() if value != AS_CONFIGURED}
    settings: dict[str, Any] = {
        "data.test_domains": list(domains),
        "seed_everything": seed,
        "model.dropout_rate": dropout_rate,
        **({"data.split_seed": seed} if config.split_seeds == "by_seed" else {}),
        **config.set,
        **variant.set,
        **chosen,
        **({"run.variant": name} if name else {}),
        **({"run.point": point} if point else {}),
    }
    named = text_of(files_named({**config.set, **variant.set, **chosen}))
    found = [f"--{key}={_text(value)}" for key, value in settings.items()]
    shown = [name] if name else []
    shown += ["+".join(domains), f"rate {dropout_rate:g}", f"seed {seed}"]
    shown += [f"{key.rsplit('.', 1)[-1]} {_text(value)}" for key, value in point.items()]
    return Job(
        target=TARGET,
        arguments={"settings": found},
        # The folder of the files does not matter; their content does.
        locations={"files": [*config.fit, *variant.fit], "data": config.data},
        name=", ".join(shown),
        content="\n".join(text for text in (content, named) if text),
    )


def _files(config: SweepConfig, variant: Variant) -> list[str]:
    """Return every file that the runs of a variant depend on."""
    return [*config.fit, *variant.fit, *([config.data] if config.data else [])]


def _text(value: Any) -> str:  # noqa: ANN401  (a YAML value)
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)


def lines(jobs: Sequence[Job]) -> Iterator[str]:
    """Return one line for each job: its digest and its name."""
    for job in jobs:
        yield f"{job.digest}  {job.name}"
