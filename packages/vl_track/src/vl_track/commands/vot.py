"""``vl-track vot``: the tracker as the VOT toolkit starts it."""

import sys

from vl_track.devices import choose_device
from vl_track.loading import load_network
from vl_track.tracking.options import TrackerOptions
from vl_track.vot import Session, serve


def vot(
    *,
    weights: str | None = None,
    device: str | None = None,
    text: str = "",
    options: TrackerOptions | None = None,
) -> None:
    """Answer the VOT toolkit, or any other TraX client, until it is done.

    Name this command in a ``trackers.ini``; see docs/vot.md.

    Args:
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        text: a sentence about every object; a client that knows one sends it as the property
            ``sentence`` instead.
        options: of the tracker.
    """
    session = Session(load_network(weights), options, choose_device(device), text)
    sys.stderr.write(f"{serve(session)} frames answered.\n")
