"""``vl-track submit``: the zip a benchmark's server expects, checked before it is written."""

import sys
from pathlib import Path

from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart
from vl_track.data.sets.known import known_set, open_files
from vl_track.scoring.raw_results import read_results
from vl_track.scoring.sets import folders_of
from vl_track.scoring.submission import Server, pack


def submit(
    server: Server,
    *,
    results: str | None = None,
    out: str | None = None,
    root: str | None = None,
    folder: str | None = None,
) -> None:
    """Pack raw results for a server.

    Args:
        server: ``got10k`` or ``trackingnet``.
        results: folder or archive of the raw results of the test split (`vl-track benchmark`).
        out: the zip to write; by default ``SERVER.zip``.
        root: data root, where the data set's test split lies.
        folder: the data set's own folder, where it does not lie below the data root.
    """
    if results is None:
        raise ConfigError("Which results? Give --results FOLDER.")
    target = Path(out or f"{server}.zip").expanduser()
    keep_apart([target], folders_of(server, root=root, folder=folder))
    check_files([target], [results], overwrite=True)
    videos = open_files(server, "test", root=root, folder=folder)
    everything = [videos.read(name) for name in videos.names]
    expected = known_set(server).counts["test"]
    if len(everything) != expected:
        sys.stderr.write(
            f"note: {len(everything)} of {expected} test sequences are on disk; the server wants "
            "all of them\n"
        )
    read = read_results(results, [video.truth() for video in everything])
    count = pack(server, read, everything, target)
    sys.stdout.write(f"wrote {target}: {count} sequences\n")
