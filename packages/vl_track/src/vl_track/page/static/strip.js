// The strip under the slider: for each object and frame how sure the tracker was.

import { sureness } from "./objects.js";

const ROW = 12, GAP = 3;

export class Strip {
  constructor(canvas, onFrame) {
    this.canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => {
      const shown = canvas.getBoundingClientRect();
      onFrame(Math.floor((event.clientX - shown.left) / shown.width * this.count));
    });
    this.count = 1;
  }

  draw(things, count, frame, colours, page) {
    this.count = Math.max(count, 1);
    const known = things.filter((one) => one.found.size || one.prompts.size);
    const { canvas } = this;
    const dots = Math.min(devicePixelRatio || 1, 2);
    const height = known.length * (ROW + GAP);
    canvas.style.height = `${height}px`;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * dots));
    canvas.height = Math.max(1, Math.round(height * dots));
    const brush = canvas.getContext("2d");
    brush.scale(dots, dots);
    const step = canvas.clientWidth / this.count;
    const style = getComputedStyle(document.documentElement);
    const [line, soft, bad, ink] = ["--line", "--soft", "--bad", "--ink"].map((name) => style.getPropertyValue(name));
    known.forEach((thing, row) => {
      const top = row * (ROW + GAP);
      brush.fillStyle = line;
      brush.fillRect(0, top, canvas.clientWidth, ROW);
      for (const [at, found] of thing.found) {
        const worth = sureness(found, page);
        const old = at >= thing.fresh;
        const high = { sure: ROW, unsure: ROW * 0.55, lost: ROW * 0.25 }[worth];
        brush.fillStyle = old ? soft : worth === "lost" ? bad : colours(thing);
        if (old && at % 2) continue;
        const left = Math.floor(at * step * dots) / dots;   // whole dots: no seams between frames
        const right = Math.max(Math.floor((at + 1) * step * dots), Math.floor(at * step * dots) + 1) / dots;
        brush.fillRect(left, top + ROW - high, right - left, high);
      }
      brush.fillStyle = ink;
      for (const at of thing.prompts.keys()) this.diamond(brush, (at + 0.5) * step, top + ROW / 2);
    });
    brush.fillStyle = ink;
    brush.fillRect(Math.min((frame + 0.5) * step, canvas.clientWidth - 1) - 1, 0, 2, height);
  }

  diamond(brush, x, y) {
    brush.beginPath();
    brush.moveTo(x, y - 5); brush.lineTo(x + 5, y); brush.lineTo(x, y + 5); brush.lineTo(x - 5, y);
    brush.fill();
    brush.strokeStyle = "#fff";
    brush.lineWidth = 1;
    brush.stroke();
  }
}
