// Times of a session as people read them.

/**
 * `1:05` of 65,000 ms, `1:00:05` past an hour.
 * @param {number} ms
 * @returns {string}
 */
export function clockTime(ms) {
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (each) => String(each).padStart(2, "0");
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
