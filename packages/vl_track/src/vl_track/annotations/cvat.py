"""CVAT for video 1.1: an XML with one track, a box on every frame."""

from xml.sax.saxutils import escape, quoteattr

from vl_track.annotations.track import Track


def cvat_text(track: Track) -> str:
    """Return the track as CVAT imports it; ``xbr, ybr`` is the right lower corner."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        "  <version>1.1</version>",
        "  <meta><task>",
        f"    <name>{escape(track.name)}</name><size>{len(track)}</size>",
        "    <mode>interpolation</mode>",
        f"    <labels><label><name>{escape(track.label)}</name><attributes><attribute>"
        "<name>sentence</name><mutable>False</mutable><input_type>text</input_type>"
        "</attribute></attributes></label></labels>",
        f"    <original_size><width>{track.width}</width><height>{track.height}</height>"
        "</original_size>",
        "  </task></meta>",
        f'  <track id="0" label={quoteattr(track.label)} source="auto">',
    ]
    sentence = f'<attribute name="sentence">{escape(track.sentence)}</attribute>'
    for number, (x, y, width, height) in enumerate(track.boxes):
        lines.append(
            f'    <box frame="{number}" keyframe="1" outside="0" occluded="0" xtl="{x:.2f}" '
            f'ytl="{y:.2f}" xbr="{x + width:.2f}" ybr="{y + height:.2f}" z_order="0">'
            f"{sentence}</box>"
        )
    return "\n".join([*lines, "  </track>", "</annotations>"]) + "\n"
