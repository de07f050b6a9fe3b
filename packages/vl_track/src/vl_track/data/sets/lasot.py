"""LaSOT (arXiv 1809.07845): 70 classes of 20 videos; protocol II trains on 1120, tests on 280.

``<class>/<class>-<n>/{img/00000001.jpg, groundtruth.txt, full_occlusion.txt, out_of_view.txt,
nlp.txt}``. The toolkit's absence flags are those of full occlusion or out of view. Attributes come
with the toolkit: ``attributes/<sequence>.txt`` below the root, where you put them.
"""

from importlib.resources import files

from vl_track.data.attributes import name_attributes
from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.files import (
    assemble,
    either,
    first_line,
    is_file,
    list_images,
    read_attributes,
    read_boxes,
    read_flags,
    read_text,
    subfolders,
)

EXTRAS = {"attributes", "absent", "revised"}


class LaSOT(FileSet):
    """LaSOT by protocol II."""

    attribute_set = "lasot"

    def list_names(self) -> list[str]:
        """Return the test list, or everything else for training.

        The list is ``testing_set.txt`` of the root, as LaSOT's archive has it, else as published.
        """
        listed = self.root / "testing_set.txt"
        published = read_text(listed).split() if is_file(listed) else test_names()
        there = self.found()
        if self.split == "test":
            return [name for name in published if name in there]
        return sorted(there - set(published), key=by_number)

    def found(self) -> set[str]:
        """Return the sequences on disk."""
        return {
            path.name
            for folder in subfolders(self.root)
            for path in subfolders(folder)
            if is_file(path / "groundtruth.txt")
        }

    def read(self, name: str) -> FileVideo:
        """Read a sequence; ``revised/<name>.txt`` below the root replaces its boxes."""
        folder = self.root / name.rsplit("-", 1)[0] / name
        revised = self.root / "revised" / f"{name}.txt"
        source = revised if is_file(revised) else folder / "groundtruth.txt"
        hidden = either(
            read_flags(folder / "full_occlusion.txt"), read_flags(folder / "out_of_view.txt")
        )
        return assemble(
            name=name,
            images=list_images(folder / "img"),
            boxes=read_boxes(source),
            hidden=hidden,
            sentence=first_line(folder / "nlp.txt"),
            class_name=folder.parent.name,
            attributes=name_attributes(
                self.attribute_set, read_attributes(self.root / "attributes" / f"{name}.txt")
            ),
        )

    def unknown_folders(self) -> list[str]:
        """Return folders that are no class or no sequence."""
        return [
            str(path.relative_to(self.root))
            for folder in subfolders(self.root)
            if folder.name not in EXTRAS
            for path in (subfolders(folder) or [folder])
            if not path.name.startswith(f"{folder.name}-")
        ]


def test_names() -> list[str]:
    """Return the 280 names of the test list, in its order."""
    text = (files("vl_track.data.sets") / "lasot_test.txt").read_text()
    return [
        f"{name}-{number}"
        for name, *numbers in (line.split() for line in text.splitlines())
        for number in numbers
    ]


def by_number(name: str) -> tuple[str, int]:
    """Sort by class, then by number."""
    kind, _, number = name.rpartition("-")
    return kind, int(number) if number.isdigit() else 0
