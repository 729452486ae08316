// What the user chose, kept in this tab alone (sessionStorage): the server key is a secret.

const STORAGE = "streams.settings";

const EVENTS = [
  "memory.recalled",
  "memory.reported",
  "session.latency",
  "session.ending",
  "input_video_buffer.seen",
  "input_video_buffer.dropped",
  "session.standing_requests",
  "conversation.item.input_audio_transcription.partial",
  "response.held",
  "response.resumed",
];

const DETECTION = {
  semantic: { type: "semantic_vad" },
  server: { type: "server_vad" },
  push: null,
};

export class Settings {
  #form;

  /**
   * `form` holds a field for each setting; `onChange()` is called when the user is done with them.
   * @param {HTMLFormElement} form
   * @param {() => void} onChange
   */
  constructor(form, onChange) {
    this.#form = form;
    const kept = JSON.parse(sessionStorage.getItem(STORAGE) ?? "{}");
    for (const [name, value] of Object.entries(kept)) this.#set(name, value);
    this.#showSpeed();
    form.elements.speed.addEventListener("input", () => this.#showSpeed());
    form.closest("dialog").addEventListener("close", () => {
      sessionStorage.setItem(STORAGE, JSON.stringify(this.#values()));
      onChange();
    });
  }

  get key() {
    return this.#form.elements.key.value.trim();
  }

  get name() {
    return this.#form.elements.session.value.trim();
  }

  get pushToTalk() {
    return this.#form.elements.turns.value === "push";
  }

  get shortcuts() {
    return this.#form.elements.shortcuts.checked;
  }

  /**
   * The `session` of a `session.update`; what is left empty is the server's default. `voiced` is whether
   * answers can be played here.
   * @param {boolean} voiced
   * @returns {object}
   */
  session(voiced) {
    const { turns, voice, speed, instructions, proactive } = this.#values();
    return {
      type: "realtime",
      output_modalities: [voiced ? "audio" : "text"],
      instructions: instructions.trim() || null,
      audio: {
        input: { transcription: {}, turn_detection: DETECTION[turns] },
        output: { voice: voice.trim() || null, speed: Number(speed) },
      },
      streams: { events: EVENTS, resume: true, proactive },
    };
  }

  #values() {
    const values = Object.fromEntries(new FormData(this.#form));
    return { ...values, shortcuts: this.shortcuts };
  }

  #set(name, value) {
    const field = this.#form.elements[name];
    if (field === undefined) return;
    if (typeof value === "boolean") field.checked = value;
    else field.value = value;
  }

  #showSpeed() {
    const { speed, shownSpeed } = this.#form.elements;
    shownSpeed.value = `${Number(speed.value).toFixed(2)} ×`;
  }
}
