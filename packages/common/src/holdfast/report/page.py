"""Templates of self-contained HTML pages: one style, pictures inside the page."""

import base64
from importlib.resources import files

from jinja2 import Environment, PackageLoader
from markupsafe import Markup


def page_environment(package: str) -> Environment:
    """Return the templates of a package's ``templates`` folder.

    They can include ``{{ style }}``, the shared style sheet, and turn PNG bytes into an address
    with the filter ``data_uri``.

    Args:
        package: for example ``dropout_ft.report``.
    """
    # select_autoescape() goes by the ending and would leave *.html.j2 unescaped.
    environment = Environment(loader=PackageLoader(package, "templates"), autoescape=True)
    environment.filters["data_uri"] = data_uri
    style = (files("holdfast.report") / "style.css").read_text()
    environment.globals["style"] = Markup(style)  # noqa: S704  (our own file)
    return environment


def data_uri(png: bytes) -> str:
    """Return an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
