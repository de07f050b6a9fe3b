"""MOTChallenge's text: ``frame,id,x,y,w,h,confidence,-1,-1,-1``."""

from vl_track.annotations.track import Track


def mot_text(track: Track) -> str:
    """Return the track in MOTChallenge's layout: frames, ids and pixels count from 1."""
    lines = []
    for number, (x, y, width, height) in enumerate(track.boxes, start=1):
        lines.append(f"{number},1,{x + 1:.2f},{y + 1:.2f},{width:.2f},{height:.2f},1,-1,-1,-1")
    return "\n".join(lines) + "\n"
