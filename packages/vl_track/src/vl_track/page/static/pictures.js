// The frames' pictures: a number of them is kept, and the next ones are asked for early.

const KEPT = 150, AHEAD = 6;

export class Pictures {
  constructor() { this.reset(null, 0); }

  reset(job, count) {
    this.job = job;
    this.count = count;
    this.known = new Map();
  }

  /** The picture of a frame, once it is there; null if it cannot be had. */
  get(frame) {
    const kept = this.known.get(frame);
    if (kept) {
      this.known.delete(frame);     // the latest use comes last
      this.known.set(frame, kept);
      return kept;
    }
    const wanted = new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => { this.known.delete(frame); resolve(null); };
      image.src = `/api/jobs/${this.job}/frames/${frame}.jpg`;
    });
    this.known.set(frame, wanted);
    while (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    return wanted;
  }

  ahead(frame, ready) {
    for (let next = frame + 1; next <= frame + AHEAD && next < ready; next += 1) this.get(next);
  }
}
