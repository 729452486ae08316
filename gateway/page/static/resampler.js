// Changes the rate of a stream of sound with a windowed sinc, one filter for each phase (polyphase).

const ZERO_CROSSINGS = 16;
const ROLL_OFF = 0.92; // of the lower Nyquist frequency: the rest is the filter's slope

export class Resampler {
  #phases;
  #step;
  #filters;
  #taps;
  #rest;
  #phase = 0;

  /**
   * Rates in Hz, whole numbers.
   * @param {number} from
   * @param {number} to
   */
  constructor(from, to) {
    const divisor = greatestCommonDivisor(from, to);
    this.#phases = to / divisor;
    this.#step = from / divisor;
    const cutoff = ROLL_OFF * Math.min(1, to / from);
    const half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.#taps = 2 * half + 1;
    this.#filters = Array.from({ length: this.#phases }, (_, phase) =>
      lowPass(half, cutoff, phase / this.#phases),
    );
    this.#rest = new Float32Array(half); // so that the first sample out is of the first in
  }

  /**
   * The samples that can be told by now; later ones need what follows.
   * @param {Float32Array} samples
   * @returns {Float32Array}
   */
  process(samples) {
    const input = new Float32Array(this.#rest.length + samples.length);
    input.set(this.#rest);
    input.set(samples, this.#rest.length);
    const output = [];
    let at = 0;
    while (at + this.#taps <= input.length) {
      output.push(dot(this.#filters[this.#phase], input, at));
      this.#phase += this.#step;
      at += Math.floor(this.#phase / this.#phases);
      this.#phase %= this.#phases;
    }
    this.#rest = input.slice(at);
    return Float32Array.from(output);
  }
}

/** A Hann-windowed sinc around the tap `half` and a `fraction` of a sample. */
function lowPass(half, cutoff, fraction) {
  return Float32Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = i - half - fraction;
    if (Math.abs(x) >= half) return 0;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
    return cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / half));
  });
}

function dot(filter, input, at) {
  let sum = 0;
  for (let i = 0; i < filter.length; i++) sum += filter[i] * input[at + i];
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
