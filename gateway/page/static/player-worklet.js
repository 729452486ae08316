// On the audio thread: plays what it is given in order, and knows to the sample how far it came.

const REPORT_SAMPLES = 2_400;
const FADE = 0.98; // for each sample, where sound breaks off, so that it does not click

class Player extends AudioWorkletProcessor {
  #queue = []; // { item, samples }, the first one as far as it is left
  #items = new Map(); // by id: { received, played } in samples
  #held = false;
  #last = 0;
  #audible = 0;
  #taken = 0;
  #sinceReport = 0;
  #wasPlaying = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.#receive(data);
  }

  #receive({ kind, item, samples }) {
    if (kind === "play") this.#take(item, samples);
    else if (kind === "hold") this.#held = true;
    else if (kind === "resume") this.#held = false;
    else if (kind === "flush") this.#flush();
  }

  #take(item, samples) {
    this.#taken++;
    if (!this.#items.has(item)) {
      for (const [id, { received, played }] of this.#items) if (played === received) this.#items.delete(id);
      this.#items.set(item, { received: 0, played: 0 });
    }
    this.#items.get(item).received += samples.length;
    this.#queue.push({ item, samples });
  }

  #flush() {
    this.port.postMessage({ kind: "flushed", items: this.#items });
    this.#queue = [];
    this.#items = new Map();
    this.#held = false;
    this.#report();
  }

  process(_, [[output]]) {
    for (let filled = 0; filled < output.length; ) filled += this.#next(output, filled);
    this.#sinceReport += output.length;
    const due = this.#isPlaying && this.#sinceReport >= REPORT_SAMPLES;
    if (due || this.#isPlaying !== this.#wasPlaying) this.#report();
    return true;
  }

  get #isPlaying() {
    return this.#queue.length > 0;
  }

  /** Fills `output` from `at` on, and returns how far. */
  #next(output, at) {
    const head = this.#held ? undefined : this.#queue[0];
    if (head === undefined) {
      output[at] = this.#last *= FADE;
      return 1;
    }
    const samples = head.samples.subarray(0, output.length - at);
    output.set(samples, at);
    this.#last = samples.at(-1);
    for (const each of samples) if (each !== 0) this.#audible++;
    this.#items.get(head.item).played += samples.length;
    head.samples = head.samples.subarray(samples.length);
    if (head.samples.length === 0) this.#queue.shift();
    return samples.length;
  }

  #report() {
    this.#wasPlaying = this.#isPlaying;
    this.#sinceReport = 0;
    const progress = { playing: this.#isPlaying, audible: this.#audible, taken: this.#taken };
    this.port.postMessage({ kind: "progress", ...progress });
  }
}

registerProcessor("player", Player);
