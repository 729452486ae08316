// What the session sees: a camera or a film, some frames a second as JPEG.

const INTERVAL_MS = 500;
const MAX_SIDE = 640;
const QUALITY = 0.8;

export class VideoInput {
  #video;
  #onFrame;
  #onEnd;
  #canvas = document.createElement("canvas");
  #timer = null;
  #encoding = false;
  #url = null;
  source = null; // "camera", "film" or null

  /**
   * Shown in `video`. `onFrame(blob, pageMs)` gets each frame; `onEnd()` is called when there are no more.
   * @param {HTMLVideoElement} video
   * @param {(blob: Blob, pageMs: number) => void} onFrame
   * @param {() => void} onEnd
   */
  constructor(video, onFrame, onEnd) {
    this.#video = video;
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
    video.addEventListener("ended", () => this.#end());
  }

  /**
   * Raises a DOMException when there is none, or no permission. Without `deviceId` any camera will do.
   * @param {string} deviceId
   */
  async openCamera(deviceId) {
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    this.close();
    stream.getVideoTracks()[0].onended = () => this.#end();
    this.#video.srcObject = stream;
    this.#video.muted = true;
    await this.#play("camera");
  }

  /**
   * Raises an Error when the browser cannot play it.
   * @param {File} file
   * @param {boolean} withSound
   */
  async openFilm(file, withSound) {
    this.close();
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
    this.#video.muted = !withSound;
    try {
      await this.#play("film");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #play(source) {
    await this.#video.play();
    this.source = source;
    this.#timer = setInterval(() => this.#take(), INTERVAL_MS);
    this.#take();
  }

  close() {
    clearInterval(this.#timer);
    this.source = null;
    this.#video.pause();
    this.#video.srcObject?.getTracks().forEach((track) => track.stop());
    this.#video.srcObject = null;
    if (this.#url !== null) {
      URL.revokeObjectURL(this.#url);
      this.#url = null;
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  /**
   * Cameras by id and label; labels are known only once one was allowed.
   * @returns {Promise<MediaDeviceInfo[]>}
   */
  static async cameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput");
  }

  #end() {
    if (this.source === null) return;
    this.close();
    this.#onEnd();
  }

  #take() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (this.#encoding || this.#video.paused || width === 0) return;
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const takenMs = performance.now();
    this.#encoding = true;
    const encoded = (blob) => {
      this.#encoding = false;
      if (blob !== null && this.source !== null) this.#onFrame(blob, takenMs);
    };
    this.#canvas.toBlob(encoded, "image/jpeg", QUALITY);
  }
}
