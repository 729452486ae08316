// The voice of the answers: played as it comes, withdrawn at once, and how much of it was heard.

const RATE = 24_000;

export class Player {
  #context = null;
  #node = null;
  #onChange;
  #sent = 0;
  #flushes = [];
  playing = false;
  /** Samples other than silence that were played since the page was opened. */
  audible = 0;

  /**
   * `onChange()` is called as sound begins and ends.
   * @param {() => void} onChange
   */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /**
   * Of the sound device's clock, which goes on whether there is something to play or not.
   * @returns {number}
   */
  get seconds() {
    return this.#context?.currentTime ?? 0;
  }

  /**
   * To be called while a user acts: browsers allow no sound before. Raises where there are no worklets.
   * @returns {Promise<void>}
   */
  async start() {
    this.#context ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    await this.#context.resume();
    if (this.#node !== null) return;
    await this.#context.audioWorklet.addModule(new URL("./player-worklet.js", import.meta.url));
    this.#node = new AudioWorkletNode(this.#context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#node.port.onmessage = ({ data }) => this.#told(data);
    this.#node.connect(this.#context.destination);
  }

  /**
   * Samples of an item, between -1 and 1, behind what waits already. They are given away.
   * @param {string} item
   * @param {Float32Array} samples
   */
  play(item, samples) {
    if (this.#node === null || samples.length === 0) return;
    this.#sent++;
    this.#node.port.postMessage({ kind: "play", item, samples }, [samples.buffer]);
    this.#setPlaying(true);
  }

  /** Be silent for now. */
  hold() {
    this.#node?.port.postMessage({ kind: "hold" });
  }

  resume() {
    this.#node?.port.postMessage({ kind: "resume" });
  }

  /**
   * Be silent now. Resolves to `{ item, heardMs }` of each item that was withdrawn before its end;
   * what the device still holds (its latency) was not heard.
   * @returns {Promise<{item: string, heardMs: number}[]>}
   */
  async flush() {
    if (!this.playing) return [];
    this.#node.port.postMessage({ kind: "flush" });
    const items = await new Promise((resolve) => this.#flushes.push(resolve));
    const latency = RATE * ((this.#context.baseLatency || 0) + (this.#context.outputLatency || 0));
    return [...items]
      .filter(([, { received, played }]) => played < received)
      .map(([item, { played }]) => ({ item, heardMs: milliseconds(played - latency) }));
  }

  #told({ kind, items, playing, audible, taken }) {
    if (kind === "flushed") {
      this.#flushes.shift()(items);
      return;
    }
    this.audible = audible;
    this.#setPlaying(playing || taken < this.#sent);
  }

  #setPlaying(playing) {
    const changed = playing !== this.playing;
    this.playing = playing;
    if (changed) this.#onChange();
  }
}

function milliseconds(samples) {
  return Math.floor((Math.max(samples, 0) * 1000) / RATE);
}
