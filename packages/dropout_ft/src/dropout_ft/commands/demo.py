"""``dropout-ft demo``: the local page."""

from pathlib import Path
from typing import TYPE_CHECKING

from dropout_ft.commands.trusted import check_models, own_backbones
from holdfast.errors import ConfigError
from holdfast.serving import LOCAL, check_page_tools, serve

if TYPE_CHECKING:
    from dropout_ft.loading import LoadedClassifier


def demo(
    ckpts: list[str],
    *,
    report: str | None = None,
    host: str = LOCAL,
    port: int = 7861,
    megabytes: float = 20.0,
    backbone: str | None = None,
) -> None:
    """Serve a page: drop a picture, shift it, see the answers of several checkpoints side by side.

    Args:
        ckpts: checkpoints of ``fit``, for example ERM's and large dropout's; each is shown with its
            rate, or as ``NAME=PATH``.
        report: a folder with ``report.html``, shown below.
        host: address to listen on; the default is this machine only.
        port: of the page; 0 takes a free one.
        megabytes: the largest upload.
        backbone: ``module.Class`` of your own that the checkpoints name; it is imported.
    """
    check_page_tools()
    models = named_models(ckpts, backbone)
    shown = report_text(report)
    from dropout_ft.page.app import Page

    serve(Page(models, shown).build(), host=host, port=port, megabytes=megabytes)


def named_models(ckpts: list[str], backbone: str | None = None) -> dict[str, "LoadedClassifier"]:
    """Load checkpoints under the names they are shown with.

    Raises:
        ConfigError: there are none, or two have one name.
    """
    if not ckpts:
        raise ConfigError("Give at least one checkpoint, for example ERM's and large dropout's.")
    check_models(*(given.partition("=")[2] or given for given in ckpts))
    from dropout_ft.loading import load_classifier
    from dropout_ft.report.names import method_name

    models: dict[str, LoadedClassifier] = {}
    for given in ckpts:
        name, separator, path = given.partition("=") if "=" in given else ("", "", given)
        if not separator and Path(path).is_dir():
            raise ConfigError(f"The folder {path} does not say its rate: name it, as NAME={path}.")
        loaded = load_classifier(path, backbones=own_backbones(backbone))
        name = name if separator else method_name("run", loaded.model.head.dropout_rate)
        if name in models:
            raise ConfigError(f"Two models are called '{name}': name them, as NAME=PATH.")
        models[name] = loaded
    return models


def report_text(folder: str | None) -> str:
    """Return the text of a folder's ``report.html``; empty without a folder.

    Raises:
        ConfigError: it cannot be read.
    """
    if folder is None:
        return ""
    page = Path(folder).expanduser() / "report.html"
    try:
        return page.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The report {page} cannot be read ({error}).") from error
