"""The toolkits' rules frame by frame, without vectors, written from docs/evaluation.md alone.

Nothing here is shared with the product: one loop a frame, one number a time.
"""

import math
from dataclasses import dataclass

Row = tuple[float, float, float, float]
EPSILON = 2.220446049250313e-16


@dataclass
class SlowScores:
    auc: float
    op50: float
    precision: float
    at: float
    mean: float


def centre(box: Row) -> tuple[float, float]:
    return box[0] + (box[2] - 1) / 2, box[1] + (box[3] - 1) / 2


def iou_pixels(one: Row, other: Row) -> float:
    across = min(one[0] + one[2] - 1, other[0] + other[2] - 1) - max(one[0], other[0]) + 1
    down = min(one[1] + one[3] - 1, other[1] + other[3] - 1) - max(one[1], other[1]) + 1
    shared = max(0.0, across) * max(0.0, down)
    union = one[2] * one[3] + other[2] * other[3] - shared
    return shared / union if union else math.nan


def iou_plain(one: Row, other: Row) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    union = one[2] * one[3] + other[2] * other[3] - shared
    return min(1.0, max(0.0, shared / (union + EPSILON)))


def distance(one: Row, other: Row) -> float:
    (ax, ay), (bx, by) = centre(one), centre(other)
    return math.sqrt((ax - bx) ** 2 + (ay - by) ** 2)


def in_sides(one: Row, truth: Row, width: float, height: float) -> float:
    if width == 0 or height == 0:
        return math.nan
    (ax, ay), (bx, by) = centre(one), centre(truth)
    return math.sqrt((ax / width - bx / width) ** 2 + (ay / height - by / height) ** 2)


def previous_box_where(boxes: list[Row], broken: object) -> list[Row]:
    repaired = list(boxes)
    for time in range(1, len(repaired)):
        if broken(repaired[time]):  # type: ignore[operator]
            repaired[time] = repaired[time - 1]
    return repaired


def curves(overlaps: list[float], errors: list[float], sides: list[float], frames: int) -> tuple[
    list[float], list[float], list[float]
]:  # fmt: skip
    success = [sum(o > step * 0.05 for o in overlaps) / frames for step in range(21)]
    precision = [sum(e <= step for e in errors) / frames for step in range(51)]
    normalised = [sum(s <= step / 100 for s in sides) / frames for step in range(51)]
    return success, precision, normalised


def family(
    boxes: list[Row], truth: list[Row], visible: list[bool], *, label: str, all_four: bool
) -> tuple[list[float], list[float], list[float]]:
    """STARK's family, and pytracking since 2022-08-28 with ``all_four``."""
    boxes = previous_box_where(boxes, lambda box: box[2] == 0 or box[3] == 0)
    boxes[0] = truth[0]
    overlaps, errors, sides = [], [], []
    for box, true, seen in zip(boxes, truth, visible, strict=True):
        positive = true if all_four else true[2:]
        valid = all(value > 0 for value in positive) and seen
        if valid:
            overlaps.append(iou_pixels(box, true))
            errors.append(distance(box, true))
            sides.append(in_sides(box, true, true[2], true[3]))
        else:
            overlaps.append(-1.0)
            errors.append(-1.0 if label == "uav" else math.inf)
            sides.append(math.inf if label == "lasot" and not seen else -1.0)
            if label == "lasot" and not seen:
                errors[-1] = math.inf
    return curves(overlaps, errors, sides, len(truth))


def matlab(
    boxes: list[Row], truth: list[Row], visible: list[bool]
) -> tuple[list[float], list[float], list[float]]:
    """LaSOT's and TNL2K's toolkits: absent frames are deleted, the denominator is not."""
    boxes = previous_box_where(
        boxes, lambda box: box[2] <= 0 or box[3] <= 0 or any(math.isnan(v) for v in box)
    )
    boxes[0] = truth[0]
    overlaps, errors, sides = [], [], []
    for box, true, seen in zip(boxes, truth, visible, strict=True):
        if not seen:
            continue
        if all(value > 0 for value in true):
            overlaps.append(iou_pixels(box, true))
            errors.append(distance(box, true))
            sides.append(in_sides(box, true, true[2], true[3]))
        else:
            overlaps.append(-1.0)
            errors.append(-1.0)
            sides.append(-1.0)
    return curves(overlaps, errors, sides, len(truth))


def got10k(boxes: list[Row], truth: list[Row], *, tiny: bool = False) -> tuple[
    list[float], list[float], list[float]
]:  # fmt: skip
    """The got10k toolkit's other experiments; ``tiny`` is MMOT's normalised error."""
    boxes = [truth[0], *boxes[1:]]
    overlaps, errors, sides = [], [], []
    for box, true in zip(boxes, truth, strict=True):
        overlaps.append(iou_plain(box, true))
        errors.append(distance(box, true))
        if tiny:
            sides.append(in_sides(box, true, true[2] + 1e-16, true[3] + 1e-16))
        else:
            (ax, ay), (bx, by) = centre(box), centre(true)
            wide, high = max(1.0, true[2]), max(1.0, true[3])
            sides.append(math.sqrt(((ax - bx) / wide) ** 2 + ((ay - by) / high) ** 2))
    success = [sum(o > step / 20 for o in overlaps) / len(truth) for step in range(21)]
    _, precision, normalised = curves(overlaps, errors, sides, len(truth))
    return success, precision, normalised


def over_sequences(
    rows: list[tuple[list[float], list[float], list[float]]], *, skip_zero: bool = False
) -> SlowScores:
    means = []
    for which in range(3):
        own = [row[which] for row in rows]
        if skip_zero:
            own = [row for row in own if sum(row) > EPSILON]
        length = len(rows[0][which])
        count = len(own)
        means.append([sum(row[k] for row in own) / count if count else 0.0 for k in range(length)])
    success, precision, normalised = means
    return SlowScores(
        auc=100 * sum(success) / 21,
        op50=100 * success[10],
        precision=100 * precision[20],
        at=100 * normalised[20],
        mean=100 * sum(normalised) / 51,
    )
