// The rules of the conversation at this end: what each event of the server means for what is heard and
// shown here, and what the user's own doings mean for the server.

import { samplesOf } from "./binary.js";
import { SessionClock } from "./session-clock.js";

const TRANSCRIPTION = "conversation.item.input_audio_transcription";
const AUDIO_MS = 40; // of sound in one piece
const FRAMES_KEPT = 64;
const MAX_WAITING_BYTES = 2 ** 20;
const THUMBNAIL_HEIGHT = 72;

export class Dialogue {
  #client;
  #player;
  #conversation;
  #timeline;
  #messages;
  #standing;
  #onChange;
  #clock = new SessionClock();
  #response = null; // the active one's id
  #withdrawn = new Set(); // ids of items whose sound is not to be played any more
  #spoken = new Map(); // by response id: when the first sound came, on the session's clock
  #speech = new Map(); // by item id: { startMs, endMs } on the session's clock
  #sinceDone = []; // resolvers of those who wait for the active response to end
  #frames = []; // sent lately: { atMs, blob }
  #framesLeftOut = 0;
  #looking = Promise.resolve(); // thumbnails take a while, and moments come in order
  #written = 0;

  /** What goes on, for the status: see status.js. */
  sight = ""; // what the last picture showed
  facts = { speech: false, response: false, text: false, held: false };

  constructor({ client, player, conversation, timeline, messages, standing, onChange }) {
    this.#client = client;
    this.#player = player;
    this.#conversation = conversation;
    this.#timeline = timeline;
    this.#messages = messages;
    this.#standing = standing;
    this.#onChange = onChange;
    client.addEventListener("begun", ({ detail }) => this.#begin(detail.lost));
    client.addEventListener("event", ({ detail }) => this.#receive(detail));
  }

  // What the user does.

  /** PCM16 of the microphone. */
  hear(pcm) {
    if (this.#client.state !== "open") return;
    this.#client.sendAudio(pcm);
    this.#clock.sentAudio(AUDIO_MS, performance.now());
  }

  /** A frame of the camera. */
  async see(blob, takenMs) {
    if (this.#client.state !== "open") return;
    if (this.#client.waitingBytes > MAX_WAITING_BYTES) {
      this.#framesLeftOut++;
      this.#messages.note(`The network is slow: ${this.#framesLeftOut} pictures were left out so far.`);
      return;
    }
    this.#frames.push({ atMs: takenMs, blob });
    if (this.#frames.length > FRAMES_KEPT) this.#frames.shift();
    const image = await blob.arrayBuffer();
    this.#clock.sentFrame(takenMs);
    this.#client.sendFrame(image, takenMs);
  }

  /** Returns whether it could be sent. */
  async write(text) {
    if (this.#client.state !== "open") return false;
    await this.interrupt();
    const id = `item_${Date.now().toString(36)}_${this.#written++}`;
    const item = { id, type: "message", role: "user", content: [{ type: "input_text", text }] };
    if (!this.#client.send({ type: "conversation.item.create", item })) return false;
    this.#conversation.heard(id, text);
    const atMs = this.#clock.at(performance.now());
    this.#timeline.heard(atMs, atMs, text);
    return this.#client.send({ type: "response.create" });
  }

  /** The answer stops: what was not heard of it is forgotten on both sides. */
  async interrupt() {
    const over = this.#response && new Promise((resolve) => this.#sinceDone.push(resolve));
    if (this.#response) this.#client.send({ type: "response.cancel", response_id: this.#response });
    await this.#silence();
    await over;
  }

  /** Push to talk: what is said from now on is a turn. */
  async startTalking() {
    this.facts.speech = true;
    this.#onChange();
    this.#client.send({ type: "input_audio_buffer.clear" });
    await this.interrupt();
  }

  stopTalking() {
    this.facts.speech = false;
    this.#onChange();
    this.#client.send({ type: "input_audio_buffer.commit" });
    this.#client.send({ type: "response.create" });
  }

  /** The session is over, or not to be had for now. */
  end() {
    this.#responded();
    this.#player.flush();
    this.facts.speech = false;
    this.#onChange();
  }

  tick() {
    this.#timeline.tick(this.#clock.at(performance.now()));
  }

  // What the server says.

  #begin(lost) {
    this.end();
    this.#clock.begin(performance.now());
    this.#frames = [];
    this.sight = "";
    this.#speech.clear();
    this.#conversation.clear();
    this.#timeline.clear();
    this.#standing.show([]);
    if (lost) this.#messages.note("The conversation could not be taken up again, so a new one has begun.");
  }

  #receive(event) {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        return this.#speechStarted(event);
      case "input_audio_buffer.speech_stopped":
        return this.#speechStopped(event);
      case `${TRANSCRIPTION}.partial`:
        return this.#conversation.hear(event.item_id, event.confirmed, event.tentative);
      case `${TRANSCRIPTION}.completed`:
        return this.#transcribed(event.item_id, event.transcript);
      case `${TRANSCRIPTION}.failed`:
        return this.#messages.error(`What you said was not understood: ${event.error.message}`);
      case "input_video_buffer.seen":
        return this.#seen(event);
      case "input_video_buffer.dropped":
        return this.#messages.note(`The server is busy: ${event.total} pictures were not looked at so far.`);
      case "memory.recalled":
        this.#timeline.recall(event.moments);
        return this.#conversation.recalled(event.response_id, event.moments);
      case "memory.reported":
        return this.#messages.note(`Memory: ${event.message}`);
      case "session.updated":
        return this.#standing.show(event.session.streams?.standing_requests ?? []);
      case "session.standing_requests":
        return this.#standing.show(event.requests);
      case "response.created":
        return this.#created(event.response);
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        this.facts.text = true;
        this.#conversation.answer(event.response_id, event.delta);
        return this.#onChange();
      case "response.output_audio.delta":
        return this.#sound(event);
      case "response.held":
        this.#player.hold();
        this.facts.held = true;
        return this.#onChange();
      case "response.resumed":
        this.#player.resume();
        this.facts.held = false;
        return this.#onChange();
      case "response.done":
        return this.#done(event.response);
      case "session.latency":
        return this.#conversation.latency(event.response_id, event);
      case "session.ending":
        return this.#messages.note(ending(event.reason, Math.ceil(event.in_ms / 1000)));
      case "error":
        return this.#messages.error(event.error.message);
    }
  }

  /** The server says so only where it is an interruption, if an answer is being given. */
  #speechStarted({ item_id, audio_start_ms }) {
    this.#speech.set(item_id, { startMs: this.#clock.atAudio(audio_start_ms), endMs: null });
    this.facts.speech = true;
    this.#onChange();
    this.#silence();
  }

  #speechStopped({ item_id, audio_end_ms }) {
    const speech = this.#speech.get(item_id);
    if (speech) speech.endMs = this.#clock.atAudio(audio_end_ms);
    this.facts.speech = false;
    this.#onChange();
  }

  #transcribed(itemId, text) {
    this.#conversation.heard(itemId, text);
    const nowMs = this.#clock.at(performance.now());
    const { startMs, endMs } = this.#speech.get(itemId) ?? { startMs: nowMs, endMs: nowMs };
    this.#speech.delete(itemId);
    if (text) this.#timeline.heard(startMs, endMs ?? nowMs, text);
  }

  #seen({ timestamp_ms, text }) {
    this.#timeline.shift(this.#clock.sawFrame(timestamp_ms));
    this.sight = text;
    this.#onChange();
    if (!text) return;
    const frame = this.#frameAt(this.#clock.pageTime(timestamp_ms));
    this.#looking = this.#looking.then(async () => {
      const isNews = this.#timeline.isNews(timestamp_ms, text);
      const picture = isNews && frame ? await thumbnail(frame.blob) : null;
      this.#timeline.seen(timestamp_ms, text, picture);
    });
  }

  #frameAt(pageMs) {
    const distance = ({ atMs }) => Math.abs(atMs - pageMs);
    return this.#frames.reduce((a, b) => (a && distance(a) <= distance(b) ? a : b), undefined);
  }

  #created({ id, metadata }) {
    this.#response = id;
    if (metadata?.["streams.unasked"]) this.#conversation.unasked(id, metadata["streams.unasked"]);
    Object.assign(this.facts, { response: true, text: false });
    this.#onChange();
  }

  #sound({ item_id, response_id, delta }) {
    if (this.#withdrawn.has(response_id)) return;
    if (!this.#spoken.has(response_id)) {
      this.#spoken.set(response_id, this.#clock.at(performance.now()));
    }
    this.#player.play(item_id, samplesOf(delta));
  }

  #done({ id, status, status_details, output }) {
    const part = output[0]?.content?.[0];
    const kept = part?.transcript ?? part?.text ?? "";
    const nowMs = this.#clock.at(performance.now());
    if (kept) this.#timeline.said(this.#spoken.get(id) ?? nowMs, nowMs, kept);
    this.#spoken.delete(id);
    this.#withdrawn.delete(id);
    this.#conversation.answered(id, status, kept, status_details?.error?.message);
    if (id === this.#response) this.#responded();
    this.#onChange();
  }

  #responded() {
    this.#response = null;
    Object.assign(this.facts, { response: false, text: false, held: false });
    this.#sinceDone.splice(0).forEach((resolve) => resolve());
  }

  /** Withdraw the sound that was not heard yet, and say how far it was heard. */
  async #silence() {
    if (this.#response) this.#withdrawn.add(this.#response);
    this.facts.held = false;
    for (const { item, heardMs } of await this.#player.flush()) {
      const truncate = { item_id: item, content_index: 0, audio_end_ms: heardMs };
      this.#client.send({ type: "conversation.item.truncate", ...truncate });
    }
    this.#onChange();
  }
}

function ending(reason, seconds) {
  switch (reason) {
    case "idle":
      return `Nobody spoke for long: the conversation ends in ${seconds} seconds unless you go on.`;
    case "total":
      return `The conversation has lasted nearly as long as it may: it ends in ${seconds} seconds.`;
    default:
      return `The server stops within ${seconds} seconds.`;
  }
}

/** A small copy, as a URL. */
async function thumbnail(blob) {
  const bitmap = await createImageBitmap(blob, { resizeHeight: 2 * THUMBNAIL_HEIGHT, resizeQuality: "medium" });
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.toDataURL("image/jpeg", 0.8);
}
