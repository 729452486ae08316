// The compact binary form of what a client sends: a byte for the kind, eight for the time, then the data.

const AUDIO = 1;
const FRAME = 2;
const HEADER_BYTES = 9;
const NO_TIME = 0xffff_ffff_ffff_ffffn;

/**
 * PCM16 little-endian at 24 kHz, heard when it arrives.
 * @param {ArrayBuffer} pcm
 * @returns {Uint8Array}
 */
export function binaryAudio(pcm) {
  return withHeader(AUDIO, NO_TIME, pcm);
}

/**
 * An encoded picture, seen at `timestampMs` on this page's clock.
 * @param {ArrayBuffer} image
 * @param {number} timestampMs
 * @returns {Uint8Array}
 */
export function binaryFrame(image, timestampMs) {
  return withHeader(FRAME, BigInt(Math.round(timestampMs * 1000)), image);
}

function withHeader(kind, timestampUs, data) {
  const message = new Uint8Array(HEADER_BYTES + data.byteLength);
  const header = new DataView(message.buffer);
  header.setUint8(0, kind);
  header.setBigUint64(1, timestampUs);
  message.set(new Uint8Array(data), HEADER_BYTES);
  return message;
}

/**
 * The samples, between -1 and 1, of base64 PCM16 little-endian.
 * @param {string} base64
 * @returns {Float32Array}
 */
export function samplesOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  const pcm = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => pcm.getInt16(2 * i, true) / 32768);
}
