// On the audio thread: whatever is connected becomes PCM16 at 24 kHz, in pieces of 40 ms.

import { Resampler } from "./resampler.js";

const RATE = 24_000;
const PIECE = 960;

class Capture extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, RATE);
  #piece = new Int16Array(PIECE);
  #filled = 0;
  #peak = 0;

  process([[samples]]) {
    if (samples) this.#resampler.process(samples).forEach((each) => this.#take(each));
    return true;
  }

  #take(sample) {
    const clipped = Math.max(-1, Math.min(1, sample));
    this.#peak = Math.max(this.#peak, Math.abs(clipped));
    this.#piece[this.#filled++] = Math.round(clipped * 32767);
    if (this.#filled < PIECE) return;
    const pcm = this.#piece.buffer;
    this.port.postMessage({ pcm, peak: this.#peak }, [pcm]);
    this.#piece = new Int16Array(PIECE);
    this.#filled = 0;
    this.#peak = 0;
  }
}

registerProcessor("capture", Capture);
