"""One picture of every style and class, to look at."""

from pathlib import Path

from PIL import Image, ImageDraw

from holdfast.atomic import atomic_path

CELL = 96
MARGIN = 150
HEADER = 24


def write_contact_sheet(folder: Path, target: Path) -> None:
    """Draw a grid: a row for each style, a column for each class, the middle picture of each.

    Args:
        folder: holds ``<style>/<class>/<picture>``.
        target: the PNG to write.
    """
    styles = sorted(p for p in folder.iterdir() if p.is_dir())
    classes = sorted(p.name for p in styles[0].iterdir())
    size = (MARGIN + CELL * len(classes), HEADER + CELL * len(styles))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(classes):
        draw.text((MARGIN + CELL * column + 8, 6), name, fill="black")
    for row, style in enumerate(styles):
        draw.text((6, HEADER + CELL * row + CELL // 2 - 6), style.name, fill="black")
        for column, name in enumerate(classes):
            images = sorted((style / name).iterdir())
            chosen = Image.open(images[len(images) // 2]).resize((CELL - 8, CELL - 8))
            sheet.paste(chosen, (MARGIN + CELL * column + 4, HEADER + CELL * row + 4))
    with atomic_path(target) as temporary:
        sheet.save(temporary, format="PNG")
