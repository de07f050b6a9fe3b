"""COCO's JSON: one image and one annotation for each frame."""

import json

from vl_track.annotations.track import Track


def coco_text(track: Track) -> str:
    """Return the track as COCO instances; ``track_id`` joins the boxes of the object.

    Boxes are x, y, width, height in pixels from 0 on, as COCO has them. File names are those that
    ``ffmpeg -start_number 0`` gives the frames: ``NAME/000000.jpg``.
    """
    images = [
        {
            "id": number,
            "file_name": f"{track.name}/{number:06d}.jpg",
            "width": track.width,
            "height": track.height,
            "frame_id": number,
            "video_id": 1,
        }
        for number in range(len(track))
    ]
    annotations = [
        {
            "id": number + 1,
            "image_id": number,
            "category_id": 1,
            "track_id": 1,
            "bbox": [round(float(value), 3) for value in box],
            "area": round(float(box[2] * box[3]), 3),
            "iscrowd": 0,
            "caption": track.sentence,
        }
        for number, box in enumerate(track.boxes)
    ]
    content = {
        "videos": [{"id": 1, "name": track.name}],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": track.label}],
    }
    return json.dumps(content, indent=1) + "\n"
