"""Change one operator at a time in the modules that numbers hang on; say which tests notice.

Usage: python tools/mutants.py [NAME...] [--least 0.85]. Each module is mutated by cosmic-ray in a
copy of the repository and its own tests run on every mutant. Prints a table; fails below --least.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DROPOUT, VL = "packages/dropout_ft/src/dropout_ft", "packages/vl_track/src/vl_track"
TARGETS = {
    "head": (f"{DROPOUT}/nn/head.py", "tests/dropout_ft/test_head.py"),
    "selection": (
        f"{DROPOUT}/domainbed/selection.py",
        "tests/dropout_ft/test_selection_properties.py tests/dropout_ft/test_domainbed_tables.py",
    ),
    "selection_iid": (f"{DROPOUT}/results/selection.py", "tests/dropout_ft/test_methods.py"),
    "averaging": (
        f"{DROPOUT}/methods/weight_average.py",
        "tests/dropout_ft/test_methods.py tests/dropout_ft/test_method_properties.py "
        "tests/dropout_ft/test_run_methods.py",
    ),
    "soups": (
        f"{DROPOUT}/methods/soups.py",
        "tests/dropout_ft/test_run_methods.py tests/dropout_ft/test_method_properties.py",
    ),
    "measures": (
        f"{VL}/scoring/measures.py",
        "tests/vl_track/test_measures.py tests/vl_track/test_toolkits.py",
    ),
    "curves": (
        f"{VL}/scoring/curves.py",
        "tests/vl_track/test_measures.py tests/vl_track/test_toolkits.py",
    ),
}
HEAVY = (
    "torch", "torchvision", "pytorch_lightning", "timm", "pandas", "hypothesis", "pytest", "cv2",
)  # fmt: skip
CONFIG = """[cosmic-ray]
module-path = "{module}"
timeout = 120.0
excluded-modules = []
test-command = "{python} -S -E tools/warm_pytest.py run {socket} -x -q {tests}"

[cosmic-ray.distributor]
name = "local"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TARGETS))
    parser.add_argument("--least", type=float, default=0.85)
    words = parser.parse_args()
    killed = total = 0
    for name in words.names:
        caught, count, survivors = measure(*TARGETS[name])
        killed, total = killed + caught, total + count
        print(f"{name}: {caught} of {count} mutants caught ({caught / max(1, count):.0%})")
        for survivor in survivors:
            print(f"  not caught: {survivor}")
    share = killed / max(1, total)
    print(f"all: {killed} of {total} ({share:.0%}), {words.least:.0%} at least")
    return int(share < words.least)


def measure(module: str, tests: str) -> tuple[int, int, list[str]]:
    """Return mutants caught, mutants made, and what was not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "copy"
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.check_output(listed, text=True).splitlines():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, place / name)
        config = place / "mutants.toml"
        address = f"{folder}/socket"
        config.write_text(
            CONFIG.format(module=module, tests=tests, python=sys.executable, socket=address)
        )
        sources = [
            str(place / f"packages/{name}/src") for name in ("common", "dropout_ft", "vl_track")
        ]
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(sources), "OMP_NUM_THREADS": "1",
            # Two mutants of one size in one second would share a cached module.
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

        def ray(*command: str) -> str:
            done = subprocess.run(
                [str(Path(sys.executable).with_name("cosmic-ray")), *command],
                cwd=place, env=environment, capture_output=True, text=True, check=True,
            )  # fmt: skip
            return done.stdout

        with warm(place, address, environment):
            ray("baseline", str(config))  # tests that fail anyway would catch everything
            ray("init", str(config), "session.sqlite")
            ray("exec", str(config), "session.sqlite")
            ray("baseline", str(config))  # nor did anything end that would have failed them all
        caught, count, survivors = 0, 0, []
        for line in ray("dump", "session.sqlite").splitlines():
            item, result = json.loads(line)
            if result is None:
                continue
            count += 1
            if result["test_outcome"] == "survived":
                mutation = item["mutations"][0]
                where = mutation["start_pos"][0]
                survivors.append(f"line {where}: {mutation['operator_name'].split('/')[-1]}")
            else:
                caught += 1
        return caught, count, survivors


@contextmanager
def warm(place: Path, address: str, environment: dict[str, str]) -> Iterator[None]:
    """Keep a process at hand that has imported everything but our own packages."""
    words = [sys.executable, "tools/warm_pytest.py", "serve", address, *HEAVY]
    with subprocess.Popen(
        words, cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while not Path(address).exists():
                if server.poll() is not None:
                    raise SystemExit(f"{' '.join(words)} ended with {server.returncode}")
                time.sleep(0.1)
            yield
        finally:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
