// The tracker, as vl_track/tracking/tracker.py with its default options, but for the search after a
// loss: crop, ask the network, map the box back.

/** Bytes of a part of this file: base64, perhaps of gzip. */
export async function unpacked(id) {
  const element = document.getElementById(`part-${id}`);
  const text = atob(element.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  if (element.dataset.packed !== "gzip") return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The runtime, the network and the words of this file. */
export class Network {
  constructor(facts) {
    this.facts = facts;
    this.tokenizer = facts.text ? tokenizerOf(facts.text) : null;
  }

  /** @param onStep called with a sentence about what is being done */
  async open(onStep) {
    onStep("Starting the runtime…");
    const script = URL.createObjectURL(new Blob([await unpacked("runtime")], { type: "text/javascript" }));
    this.ort = await import(script);
    URL.revokeObjectURL(script);
    this.ort.env.wasm.numThreads = 1;
    this.ort.env.wasm.wasmBinary = await unpacked("binary");
    this.ort.env.logLevel = "error";
    onStep("Opening the network…");
    const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
    const open = async (id) => this.ort.InferenceSession.create(await unpacked(id), options);
    this.session = await open("network");
    this.words = this.facts.text ? await open("words") : null;
  }

  tensor(kind, values, ...shape) { return new this.ort.Tensor(kind, values, shape); }

  remarks(sentence) { return this.tokenizer ? remarksOn(sentence, this.tokenizer, this.facts.text.max_tokens) : ""; }

  knows(sentence) {
    return this.tokenizer !== null && this.tokenizer.describing(sentence).some((word) => this.tokenizer.knows(word));
  }

  /** The vector of a sentence, and whether there is one. */
  async read(sentence) {
    const { silence, text } = this.facts;
    if (!text || !isSaid(sentence)) {
      return [Float32Array.from(silence.vector), Uint8Array.of(silence.present)];
    }
    const ids = this.tokenizer.ids(sentence).slice(0, text.max_tokens);
    if (!ids.length) return [new Float32Array(silence.vector.length), Uint8Array.of(1)];
    const filled = new BigInt64Array(text.max_tokens), there = new Uint8Array(text.max_tokens).fill(1, 0, ids.length);
    ids.forEach((id, place) => { filled[place] = BigInt(id); });
    const given = { ids: this.tensor("int64", filled, 1, filled.length), there: this.tensor("bool", there, 1, there.length) };
    return [(await this.words.run(given)).vector.data, Uint8Array.of(1)];
  }

  /** The network's outputs by name for one search crop. */
  async find(template, search, [vector, present], target, prior) {
    const { template_size, search_size, search_grid } = this.facts;
    const given = {
      template: this.tensor("uint8", template, 1, 3, template_size, template_size),
      search: this.tensor("uint8", search, 1, 3, search_size, search_size),
      text: this.tensor("float32", vector, 1, vector.length),
      present: this.tensor("bool", present, 1),
      target: this.tensor("float32", Float32Array.from(target), 1, 4),
      prior: this.tensor("float32", Float32Array.from(prior), search_grid, search_grid),
    };
    const known = this.session.inputNames;
    return this.session.run(Object.fromEntries(Object.entries(given).filter(([name]) => known.includes(name))));
  }
}

/** One object through the frames of a video; frames are ImageData. */
export class Tracker {
  constructor(network) {
    this.network = network;
    this.facts = network.facts;
  }

  /** Take the prompt: a box, or null where the sentence finds it. Returns what the frame shows. */
  async initialize(frame, box, sentence) {
    const { margin, conventions, template_size } = this.facts;
    this.said = await this.network.read(sentence);
    this.watch = new Watch(this.facts.judge, box !== null);
    this.least = margin;
    let score = 1;
    if (box !== null) {
      this.box = conventions.cut_first_box ? cutToFrame(box, frame.width, frame.height) : box;
      if (conventions.small_boxes) this.least = Math.max(1, Math.min(margin, this.box[2], this.box[3]));
    } else {
      this.template = new Uint8Array(3 * template_size * template_size);
      this.target = [0, 0, 0, 0];
      const all = windowOfFrame(frame.width, frame.height);
      const flat = new Float32Array(this.facts.prior.length).fill(1);
      let found = await this.ask(frame, all, flat);
      this.box = this.boxOf(frame, found, all);
      for (let look = 0; look < this.facts.closer_looks; look++) {
        const closer = windowAround(this.box, this.facts.search_factor, conventions.least_window);
        if (closer[2] >= Math.max(frame.width, frame.height)) break;
        found = await this.ask(frame, closer, this.facts.prior);
        this.box = this.boxOf(frame, found, closer);
      }
      score = found.score.data[0];
    }
    const window = windowAround(this.box, this.facts.template_factor, conventions.least_window);
    this.template = crop(frame, window, template_size);
    this.target = intoWindow(this.box, window);
    return this.answer(score);
  }

  /** Find the object in the next frame. */
  async track(frame) {
    const window = windowAround(this.box, this.facts.search_factor, this.facts.conventions.least_window);
    const found = await this.ask(frame, window, this.facts.prior);
    this.watch.look(found);
    const exact = this.facts.conventions.unrounded_corner;
    this.box = this.boxOf(frame, found, exact ? aroundExactly(this.box, window[2]) : window);
    return this.answer(found.score.data[0]);
  }

  ask(frame, window, prior) {
    const search = crop(frame, window, this.facts.search_size);
    return this.network.find(this.template, search, this.said, this.target, prior);
  }

  boxOf(frame, found, window) {
    return clipBox(outOfWindow([...found.box.data], window), frame.width, frame.height, this.facts.margin, this.least);
  }

  answer(score) { return { box: this.box, score, present: this.watch.present, lost: this.watch.lost }; }
}
