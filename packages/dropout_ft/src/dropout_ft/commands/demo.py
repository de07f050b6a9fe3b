"""``dropout-ft demo``: the local page."""

from pathlib import Path
from typing import TYPE_CHECKING

from dropout_ft.commands.trusted import check_models, own_backbones
from holdfast.errors import ConfigError
from holdfast.serving.access import check_page_tools, choose_access

if TYPE_CHECKING:
    from dropout_ft.loading import LoadedClassifier


def demo(
    ckpts: list[str],
    *,
    report: str | None = None,
    examples: str | None = None,
    abstain: float = 0.0,
    host: str = "127.0.0.1",
    port: int = 7861,
    anyone: bool = False,
    megabytes: float = 20.0,
    gigabytes: float = 1.0,
    minutes: float = 60.0,
    backbone: str | None = None,
) -> None:
    """Serve a page: drop a picture, shift it, see the answers of several checkpoints side by side.

    Args:
        ckpts: checkpoints of ``fit``, for example ERM's and large dropout's; each is shown with its
            rate, or as ``NAME=PATH``.
        report: a folder with ``report.html``, shown below.
        examples: a folder of pictures to try; by default some of EmojiStyles or
            FourHands, for models of it.
        abstain: an answer is ``unknown`` where the best class's probability is below this value (0
            to 1); visitors may change it.
        host: address to listen on; the default is this machine only. Others need a password, taken
            from the environment variable HOLDFAST_PASSWORD or asked for.
        port: of the page; 0 takes a free one.
        anyone: serve other machines without a password.
        megabytes: the largest picture that a visitor sends.
        gigabytes: of disk for all visitors together.
        minutes: after which a picture that nobody looks at is removed.
        backbone: ``module.Class`` of your own that the checkpoints name; it is imported.
    """
    check_page_tools()
    if not 0 <= abstain <= 1:
        raise ConfigError(f"--abstain is {abstain}: give a probability from 0 to 1.")
    access = choose_access(host, anyone=anyone)
    models = named_models(ckpts, backbone)
    shown = report_text(report)
    from dropout_ft.page.app import Page, Picture
    from dropout_ft.page.examples import find_examples
    from holdfast.serving.jobs import Jobs
    from holdfast.serving.server import serve

    found = find_examples(examples, next(iter(models.values())).class_names)
    jobs = Jobs[Picture](gigabytes=gigabytes, minutes=minutes)
    page = Page(models, jobs, examples=found, abstain=abstain, megabytes=megabytes, report=shown)
    serve(page.site(access), port)


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
        loaded = load_classifier(path, backbones=own_backbones(backbone))
        if not separator:  # an exported folder does not say its rate
            folder = Path(path).is_dir()
            name = (
                Path(path).resolve().name
                if folder
                else method_name("run", loaded.model.head.dropout_rate)
            )
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
