// The picture with its boxes, and drawing on it: press, drag and release, or two taps.

const TAP = 7;            // pixels that a finger may move in a tap
const ENLARGED = 6;       // a small clip is shown up to so many times larger

export class Stage {
  /** @param onBox called with [x, y, width, height] in pixels of the clip */
  constructor(canvas, onBox, onHint) {
    this.canvas = canvas;
    this.brush = canvas.getContext("2d");
    this.onBox = onBox;
    this.onHint = onHint;
    this.size = [16, 9];
    this.image = null;
    this.boxes = [];
    this.colour = "#fff";
    this.corner = null;     // first of two taps, or where the pointer went down
    this.pointer = null;
    this.pressed = null;
    this.place = canvas.parentElement;  // wider than the picture: a box may begin at its very edge
    this.place.addEventListener("pointerdown", (event) => this.down(event));
    this.place.addEventListener("pointermove", (event) => this.move(event));
    this.place.addEventListener("pointerup", (event) => this.up(event));
    this.place.addEventListener("pointercancel", () => this.forget());
    canvas.addEventListener("keydown", (event) => event.key === "Escape" && this.forget());
    new ResizeObserver(() => this.fit()).observe(this.place);
    addEventListener("resize", () => this.fit());
  }

  setSize(width, height) {
    this.size = [width, height];
    this.fit();
  }

  /** Make the picture as large as its place allows, also a small one. */
  fit() {
    const [width, height] = this.size;
    const narrow = innerWidth <= 860;
    const room = narrow ? innerHeight * 0.42 : innerHeight - 190;
    const wide = this.place.clientWidth;
    const times = Math.min(wide / width, Math.max(room, 180) / height, ENLARGED);
    const shown = [Math.round(width * times), Math.round(height * times)];
    const dots = Math.min(devicePixelRatio || 1, 2);
    this.canvas.style.width = `${shown[0]}px`;
    this.canvas.style.height = `${shown[1]}px`;
    this.canvas.width = Math.round(shown[0] * dots);
    this.canvas.height = Math.round(shown[1] * dots);
    this.times = this.canvas.width / width;
    this.draw();
  }

  show(image, boxes) {
    this.image = image;
    this.boxes = boxes;
    this.draw();
  }

  /** Where a pointer is, in pixels of the clip. */
  spot(event) {
    const shown = this.canvas.getBoundingClientRect();
    const x = (event.clientX - shown.left) / shown.width * this.size[0];
    const y = (event.clientY - shown.top) / shown.height * this.size[1];
    return [Math.min(Math.max(x, 0), this.size[0]), Math.min(Math.max(y, 0), this.size[1])];
  }

  down(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.place.setPointerCapture(event.pointerId);
    this.pressed = [event.clientX, event.clientY];
    this.second = this.corner !== null;
    if (!this.second) this.corner = this.spot(event);
    this.pointer = this.spot(event);
    this.onHint(null);
    this.draw();
  }

  move(event) {
    if (this.corner === null) return;
    this.pointer = this.spot(event);
    this.draw();
  }

  up(event) {
    if (this.pressed === null) return;
    const [x, y] = this.pressed;
    const moved = Math.hypot(event.clientX - x, event.clientY - y) > TAP;
    this.pressed = null;
    if (!this.second && !moved) {
      this.onHint("Now tap the opposite corner.");
      return;
    }
    const box = this.between(this.corner, this.spot(event));
    this.forget();
    if (box[2] >= 2 && box[3] >= 2) this.onBox(box);
    else this.onHint("That box is too small: drag from corner to corner.");
  }

  forget() {
    this.corner = this.pointer = this.pressed = null;
    this.onHint("");
    this.draw();
  }

  between([x0, y0], [x1, y1]) {
    const round = (value) => Math.round(value * 10) / 10;
    return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)].map(round);
  }

  draw() {
    const { brush, canvas } = this;
    brush.imageSmoothingQuality = "high";
    brush.clearRect(0, 0, canvas.width, canvas.height);
    if (this.image) brush.drawImage(this.image, 0, 0, canvas.width, canvas.height);
    for (const one of this.boxes) this.outline(one.box, one.colour, one.style, one.label);
    if (this.corner && this.pointer) {
      this.outline(this.between(this.corner, this.pointer), this.colour, "drawing", "");
      const [x, y] = this.corner.map((value) => value * this.times);
      brush.fillStyle = this.colour;
      brush.beginPath();
      brush.arc(x, y, 5, 0, 2 * Math.PI);
      brush.fill();
    }
  }

  outline(box, colour, style, label) {
    const { brush } = this;
    const [x, y, w, h] = box.map((value) => value * this.times);
    const unit = Math.max(1, this.canvas.width / 600);
    const dashes = { old: [3, 5], lost: [2, 4], unsure: [9, 5], drawing: [6, 4] }[style] || [];
    brush.setLineDash(dashes.map((value) => value * unit));
    for (const [shade, width] of [["rgba(0,0,0,.65)", 4.5], [colour, 2.5]]) {
      brush.strokeStyle = shade;
      brush.lineWidth = width * unit;
      brush.strokeRect(x, y, w, h);
    }
    brush.setLineDash([]);
    if (label) this.write(label, x, y, h, colour, unit);
  }

  write(label, x, y, h, colour, unit) {
    const { brush } = this;
    const size = Math.round(13 * Math.max(unit, (devicePixelRatio || 1) > 1 ? 1.6 : 1));
    brush.font = `600 ${size}px system-ui, sans-serif`;
    const width = brush.measureText(label).width + size;
    const high = size * 1.5;
    const left = Math.min(Math.max(x, 0), Math.max(0, this.canvas.width - width));
    const top = y - high >= 0 ? y - high : Math.min(y + h, this.canvas.height - high);
    brush.fillStyle = "rgba(0,0,0,.75)";
    brush.fillRect(left, top, width, high);
    brush.fillStyle = colour;
    brush.fillRect(left, top, size * 0.3, high);
    brush.fillStyle = "#fff";
    brush.textBaseline = "middle";
    brush.fillText(label, left + size * 0.6, top + high / 2);
  }
}
