// Whether the object is in view, as vl_track/tracking/evidence.py, judge.py and watch.py tell it.

const EDGE = 1e-4, START = 10, KEEP = 0.8, FARTHEST = 8, FOUND_FRAMES = 3, SURE_AGAIN = 0.5;
const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

/** Logit of the best cell's score, and its match with the template. */
function evidenceOf(cells, channels, score) {
  let best = 0;
  for (let cell = 0; cell * channels < cells.length; cell++) {
    if (Math.abs(cells[cell * channels] - score) < Math.abs(cells[best * channels] - score)) best = cell;
  }
  const kept = Math.min(1 - EDGE, Math.max(EDGE, score));
  return [Math.log(kept / (1 - kept)), channels > 1 ? cells[best * channels + 1] : 0];
}

/** Presence and alarm of one object. */
export class Watch {
  /** @param judge weights, bias, expected and limit; null where the model has none */
  constructor(judge, given) {
    this.judge = judge;
    this.present = given && judge ? 1 : null;
    this.lost = false;
    this.seen = this.statistic = this.good = 0;
    this.start = [0, 0];
    this.smoothed = [0, 0];
  }

  /** Take in what the network found: its outputs by name. */
  look({ score, cells, presence }) {
    this.present = presence ? presence.data[0] : null;
    if (!cells || !this.judge) return;
    const numbers = evidenceOf(cells.data, cells.dims[2], score.data[0]);
    this.take(numbers);
    const change = this.smoothed.map((value, number) => value - this.start[number]);
    const { weights, bias, expected, limit } = this.judge;
    const [score_now, template_now] = numbers, [score_smoothed, template_smoothed] = change;
    const features = { score_now, template_now, score_smoothed, template_smoothed };
    const sum = Object.entries(weights).reduce((total, [name, weight]) => total + weight * features[name], bias);
    const logit = Math.min(FARTHEST, Math.max(-FARTHEST, sum));
    if (!presence) this.present = sigmoid(logit);
    if (limit !== null) this.ring(logit, expected, limit);
  }

  take(numbers) {
    if (this.seen < START) {
      this.start = this.start.map((value, number) => (value * this.seen + numbers[number]) / (this.seen + 1));
    }
    this.smoothed = this.seen
      ? this.smoothed.map((value, number) => KEEP * value + (1 - KEEP) * numbers[number]) : numbers;
    this.seen += 1;
  }

  ring(logit, expected, limit) {
    if (this.lost) {
      this.good = sigmoid(logit) >= SURE_AGAIN ? this.good + 1 : 0;
      if (this.good >= FOUND_FRAMES) { this.lost = false; this.statistic = 0; }
      return;
    }
    this.good = 0;
    this.statistic = Math.max(0, this.statistic + expected - logit);
    this.lost = this.statistic > limit;
  }
}
