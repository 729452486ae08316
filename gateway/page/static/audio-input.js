// What the session hears: the microphone, the sound of a film, or both together.

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class AudioInput {
  #context = null;
  #capture = null;
  #onSound;
  #microphone = null;
  #film = null;

  /**
   * `onSound(pcm, peak)` is given PCM16 at 24 kHz as it comes, and its loudest sample (0 to 1).
   * @param {(pcm: ArrayBuffer, peak: number) => void} onSound
   */
  constructor(onSound) {
    this.#onSound = onSound;
  }

  get hasMicrophone() {
    return this.#microphone !== null;
  }

  /**
   * Raises a DOMException when there is none, or no permission. `onLost` is called if it is unplugged.
   * @param {() => void} onLost
   */
  async openMicrophone(onLost) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE });
    await this.#start();
    this.#microphone = this.#context.createMediaStreamSource(stream);
    this.#microphone.connect(this.#capture);
    stream.getAudioTracks()[0].onended = () => {
      this.closeMicrophone();
      onLost();
    };
  }

  closeMicrophone() {
    this.#microphone?.disconnect();
    this.#microphone?.mediaStream.getTracks().forEach((track) => track.stop());
    this.#microphone = null;
  }

  /**
   * The sound of a `<video>` is heard by the session too, and still by the user.
   * @param {HTMLVideoElement} video
   */
  async addFilm(video) {
    await this.#start();
    this.#film ??= this.#context.createMediaElementSource(video); // an element can have only one
    this.#film.connect(this.#capture);
    this.#film.connect(this.#context.destination);
  }

  removeFilm() {
    this.#film?.disconnect();
  }

  async #start() {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    await this.#context.resume();
    if (this.#capture !== null) return;
    await this.#context.audioWorklet.addModule(new URL("./capture-worklet.js", import.meta.url));
    this.#capture = new AudioWorkletNode(this.#context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.#capture.port.onmessage = ({ data }) => this.#onSound(data.pcm, data.peak);
  }
}
