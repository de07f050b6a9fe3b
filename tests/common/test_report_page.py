"""What pages of reports share: escaping, one style, pictures inside."""

import base64
from pathlib import Path

import pytest

from holdfast.report.figures import as_png, new_figure
from holdfast.report.page import data_uri, page_environment


@pytest.mark.parametrize("package", ["dropout_ft.report", "vl_track.scoring.report"])
def test_templates_escape_what_users_name(package: str) -> None:
    environment = page_environment(package)
    made = environment.from_string("{{ name }}").render(name="<b>&")
    assert made == "&lt;b&gt;&amp;"
    for name in environment.list_templates():
        source, *_ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        assert "{{ style }}" in source
        assert "| safe" not in source
        assert "http" not in source


def test_the_style_is_inserted_as_it_is() -> None:
    environment = page_environment("dropout_ft.report")
    style = environment.from_string("{{ style }}").render()
    assert "font: 16px/1.55 system-ui, sans-serif;" in style
    assert "&" not in style


def test_a_picture_is_its_own_address() -> None:
    address = data_uri(b"\x89PNG\r\n")
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == b"\x89PNG\r\n"


def test_figures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    def draw(value: float) -> bytes:
        figure, axes = new_figure()
        axes.plot([0, 1], [0, value])
        return as_png(figure)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert draw(1).startswith(b"\x89PNG")
