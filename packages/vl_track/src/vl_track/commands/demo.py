"""``vl-track demo``: the local page."""

from holdfast.serving import LOCAL, check_page_tools, serve
from vl_track.commands.trusted import own_classes


def demo(
    *,
    host: str = LOCAL,
    port: int = 7860,
    weights: str | None = None,
    device: str | None = None,
    classes: list[str] = [],  # noqa: B006
    megabytes: float = 200.0,
    frames: int = 1500,
) -> None:
    """Serve a page to track with: upload a clip, click a box or type a sentence, watch the box.

    Args:
        host: address to listen on; the default is this machine only.
        port: of the page; 0 takes a free one.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        megabytes: the largest upload.
        frames: the most that are tracked of one clip.
    """
    check_page_tools()
    from vl_track.devices import choose_device  # noqa: PLC0415
    from vl_track.loading import load_network  # noqa: PLC0415  (slow to import)
    from vl_track.page.app import Page  # noqa: PLC0415
    from vl_track.page.following import Limits  # noqa: PLC0415

    limits = Limits(megabytes=megabytes, frames=frames)
    chosen = choose_device(device)
    page = Page(load_network(weights, own_classes(classes)).to(chosen), limits, chosen).build()

    serve(page, host=host, port=port, megabytes=megabytes)
