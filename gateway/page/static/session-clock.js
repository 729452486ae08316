// Where on the session's clock (milliseconds since the session began) things happen that the page knows
// by its own clock, or by how much sound it had sent.

const GAP_MS = 250;

export class SessionClock {
  #offsetMs = 0;
  #isExact = false;
  #firstFrameMs = null;
  #stretches = []; // of sound sent without a pause: { audioMs, pageMs } of each one's start
  #audioMs = 0;
  #audioEndsMs = -Infinity;

  /**
   * A session began just now, as far as is known at 0.
   * @param {number} pageMs
   */
  begin(pageMs) {
    this.#offsetMs = -pageMs;
    this.#isExact = false;
    this.#firstFrameMs = null;
    this.#stretches = [];
    this.#audioMs = 0;
    this.#audioEndsMs = -Infinity;
  }

  /**
   * Sound that was taken up until just now.
   * @param {number} durationMs
   * @param {number} pageMs
   */
  sentAudio(durationMs, pageMs) {
    const startMs = pageMs - durationMs;
    if (Math.abs(startMs - this.#audioEndsMs) > GAP_MS) {
      this.#stretches.push({ audioMs: this.#audioMs, pageMs: startMs });
      this.#audioEndsMs = startMs;
    }
    this.#audioMs += durationMs;
    this.#audioEndsMs += durationMs;
  }

  sentFrame(pageMs) {
    this.#firstFrameMs ??= pageMs;
  }

  /**
   * The server saw a frame at `sessionMs`. The first one is the first that was sent, which tells how the
   * clocks differ. Returns by how many milliseconds what was placed before has to move.
   * @param {number} sessionMs
   * @returns {number}
   */
  sawFrame(sessionMs) {
    if (this.#isExact || this.#firstFrameMs === null) return 0;
    const before = this.#offsetMs;
    this.#offsetMs = sessionMs - this.#firstFrameMs;
    this.#isExact = true;
    return this.#offsetMs - before;
  }

  /**
   * Of a time of the page.
   * @param {number} pageMs
   * @returns {number}
   */
  at(pageMs) {
    return Math.max(pageMs + this.#offsetMs, 0);
  }

  /**
   * Of a place in the sound that was sent.
   * @param {number} audioMs
   * @returns {number}
   */
  atAudio(audioMs) {
    const { audioMs: from, pageMs } =
      this.#stretches.findLast((each) => each.audioMs <= audioMs) ?? { audioMs: 0, pageMs: -this.#offsetMs };
    return this.at(pageMs + audioMs - from);
  }

  /**
   * The page's time of a time of the session.
   * @param {number} sessionMs
   * @returns {number}
   */
  pageTime(sessionMs) {
    return sessionMs - this.#offsetMs;
  }
}
