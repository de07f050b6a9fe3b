"""``vl-track demo``: the local page."""

from holdfast.serving.access import check_page_tools, choose_access
from vl_track.commands.trusted import own_classes


def demo(
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    anyone: bool = False,
    weights: str | None = None,
    device: str | None = None,
    classes: list[str] = [],  # noqa: B006
    megabytes: float = 200.0,
    frames: int = 1500,
    gigabytes: float = 4.0,
    minutes: float = 60.0,
) -> None:
    """Serve a page to track with: drop a clip, draw a box or type a sentence, watch the box.

    Args:
        host: address to listen on; the default is this machine only. Others need a password, taken
            from the environment variable HOLDFAST_PASSWORD or asked for.
        port: of the page; 0 takes a free one.
        anyone: serve other machines without a password.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        megabytes: the largest file that a visitor sends.
        frames: the most that are tracked of one clip.
        gigabytes: of disk for all visitors together.
        minutes: after which a clip that nobody looks at is removed.
    """
    check_page_tools()
    access = choose_access(host, anyone=anyone)
    import vl_track  # noqa: PLC0415  (slow to import)
    from holdfast.serving.jobs import Jobs  # noqa: PLC0415
    from holdfast.serving.server import serve  # noqa: PLC0415
    from vl_track.page.app import Page  # noqa: PLC0415
    from vl_track.page.clip import Limits  # noqa: PLC0415
    from vl_track.page.session import Session  # noqa: PLC0415

    tracker = vl_track.load(weights, device=device, classes=own_classes(classes))
    jobs = Jobs[Session](gigabytes=gigabytes, minutes=minutes)
    page = Page(tracker, Limits(megabytes=megabytes, frames=frames), jobs)
    serve(page.site(access), port)
