// The objects of a clip as the page knows them: prompts by frame, and what was found.

export class Thing {
  constructor(id, name) {
    this.id = id;
    this.name = name;
    this.prompts = new Map();   // frame -> {box, text, stay}
    this.found = new Map();     // frame -> {box, score, present}
    this.fresh = 0;             // results from this frame on are old
    this.remarks = [];
  }

  static from(given) {
    const one = new Thing(given.id, given.name);
    for (const { frame, box, text, stay } of given.prompts) one.prompts.set(frame, { box, text, stay });
    for (const row of given.found) one.note(row);
    one.fresh = given.fresh;
    one.remarks = given.remarks;
    return one;
  }

  get start() { return this.prompts.size ? Math.min(...this.prompts.keys()) : 0; }

  /** Whether there are results that belong to an earlier box or sentence. */
  get stale() { return [...this.found.keys()].some((at) => at >= this.fresh); }

  get tracked() { return this.fresh > this.start && this.found.size > 0; }

  /** Frame of the prompt in force on a frame; undefined before the first. */
  inForce(frame) {
    const before = [...this.prompts.keys()].filter((one) => one <= frame);
    return before.length ? Math.max(...before) : undefined;
  }

  textAt(frame) {
    const place = this.inForce(frame) ?? (this.prompts.size ? this.start : undefined);
    return place === undefined ? "" : this.prompts.get(place).text;
  }

  /** Take a row: frame, x, y, width, height, score, presence. */
  note([frame, x, y, w, h, score, present]) {
    this.found.set(frame, { box: [x, y, w, h], score, present });
    if (frame <= this.fresh) this.fresh = Math.max(this.fresh, frame + 1);
  }

  /** A box drawn on a frame; tells whether it corrects what was tracked. */
  drawBox(frame, box) {
    const corrects = this.tracked && frame >= this.start;
    const text = this.textAt(frame);
    const first = this.prompts.get(this.start);
    if (!this.tracked && this.prompts.size === 1 && !first.box && this.start !== frame) {
      this.prompts.clear();     // a sentence alone goes with the first box
    }
    this.prompts.set(frame, { box, text, stay: false });
    return corrects;
  }

  /** A sentence for the whole clip: prompts that had the old one get it. */
  writeWhole(text, frame) {
    if (!this.prompts.size) {
      if (text) this.prompts.set(frame, { box: null, text, stay: false });
      return;
    }
    const old = this.textAt(frame);
    for (const one of this.prompts.values()) if (one.text === old) one.text = text;
    for (const [at, one] of this.prompts) if (!one.box && !one.stay && !one.text) this.prompts.delete(at);
  }

  /** A sentence from a frame on. */
  writeFrom(text, frame, anew) {
    const here = this.prompts.get(frame);
    if (here && !anew) here.text = text;
    else this.prompts.set(frame, { box: null, text, stay: !anew });
  }

  describe() {
    const prompts = [...this.prompts].map(([frame, one]) => ({ frame, ...one }));
    return { id: this.id, name: this.name, prompts };
  }
}

/** How much a result is worth: "sure", "unsure" or "lost". */
export function sureness(found, page) {
  const calibrated = found.present !== null && found.present !== undefined;
  const [high, low] = calibrated ? page.present : page.score;
  const value = calibrated ? found.present : found.score;
  return value >= high ? "sure" : value >= low ? "unsure" : "lost";
}

export const WORDS = {
  score: { what: "The tracker was:", sure: "sure", unsure: "unsure", lost: "probably lost" },
  present: { what: "The object was:", sure: "in view", unsure: "perhaps in view", lost: "probably not in view" },
};
