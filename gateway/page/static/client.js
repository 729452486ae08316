// One conversation on the wire. A dropped socket is opened again, and what was missed is told again.

import { binaryAudio, binaryFrame } from "./binary.js";

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
const GIVE_UP_MS = 300_000;

const CLOSED = { normal: 1000, refused: 1008, offline: 4000, takenOver: 4001, idle: 4002, expired: 4003 };
const FINAL = [CLOSED.normal, CLOSED.refused, CLOSED.idle, CLOSED.expired];

const UNTOLD =
  "The connection failed. Try again. If it stays so, pages of this address may not be among those that the " +
  "server lets in (server.allowed_origins).";

/**
 * Dispatches `state` (`detail`: `{ state, reason, retryMs }`, with state one of `closed`, `connecting`,
 * `open`, `reconnecting`), `event` (`detail`: an event of the server) and `begun` (a conversation began,
 * at first or because the one before is gone; `detail`: `{ lost }`).
 */
export class Client extends EventTarget {
  #options;
  #socket = null;
  #token = null; // to come back with
  #lastEventId = null;
  #problem = null;
  #retries = 0;
  #retryTimer = null;
  #droppedAt = 0;
  state = "closed";

  constructor() {
    super();
    window.addEventListener("online", () => this.#retryTimer !== null && this.#connect());
    window.addEventListener("offline", () => this.#abandon());
  }

  /**
   * `session()` is what `session.update` says whenever a socket opened; `key` and `name` may be empty.
   * @param {{key: string, name: string, session: () => object}} options
   */
  open({ key, name, session }) {
    this.#options = { key, name, session };
    this.#token = null;
    this.#retries = 0;
    this.#setState("connecting");
    this.#connect();
  }

  close() {
    this.#stop("");
  }

  /**
   * Whether the event could be sent: nothing is kept for later.
   * @param {{type: string} & Record<string, unknown>} event
   * @returns {boolean}
   */
  send(event) {
    if (!this.#isOpen) return false;
    this.#socket.send(JSON.stringify(event));
    return true;
  }

  /**
   * PCM16 little-endian at 24 kHz, as an ArrayBuffer.
   * @param {ArrayBuffer} pcm
   */
  sendAudio(pcm) {
    if (this.#isOpen) this.#socket.send(binaryAudio(pcm));
  }

  /**
   * A JPEG, as an ArrayBuffer.
   * @param {ArrayBuffer} jpeg
   * @param {number} timestampMs
   */
  sendFrame(jpeg, timestampMs) {
    if (this.#isOpen) this.#socket.send(binaryFrame(jpeg, timestampMs));
  }

  /**
   * Bytes that the network has not taken yet.
   * @returns {number}
   */
  get waitingBytes() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** A socket that closes takes nothing any more, a while before that is told. */
  get #isOpen() {
    return this.state === "open" && this.#socket.readyState === WebSocket.OPEN;
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#problem = null;
    const { key } = this.#options;
    let socket;
    try {
      socket = new WebSocket(this.#url(), key ? ["realtime", `openai-insecure-api-key.${key}`] : ["realtime"]);
    } catch {
      this.#stop("The server key holds characters that no key has. Correct it in Settings.");
      return;
    }
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      if (this.#token === null) return;
      socket.send(JSON.stringify({ type: "session.resume", token: this.#token, after: this.#lastEventId }));
    };
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#socket === socket && this.#dropped(code, reason, opened);
  }

  /** Without a network a socket stays open for minutes and carries nothing. */
  #abandon() {
    if (this.#socket === null) return;
    const socket = this.#socket;
    this.#dropped(CLOSED.offline, "", true);
    socket.close(CLOSED.offline);
  }

  #url() {
    const url = new URL("v1/realtime?model=streams", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.#token !== null) url.searchParams.set("resume", "1");
    else if (this.#options.name) url.searchParams.set("session", this.#options.name);
    return url;
  }

  #receive(event) {
    this.#problem = event.type === "error" ? event.error : null; // why it closes, if it is the last thing told
    this.#token = event.session?.streams?.resume?.token ?? this.#token;
    this.#lastEventId = event.event_id;
    if (event.type === "session.created") this.#begin();
    if (event.type === "session.resumed") this.#opened();
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
  }

  #begin() {
    const lost = this.#droppedAt > 0;
    this.#opened();
    this.dispatchEvent(new CustomEvent("begun", { detail: { lost } }));
  }

  #opened() {
    this.#retries = 0;
    this.#droppedAt = 0;
    this.#setState("open");
    this.send({ type: "session.update", session: this.#options.session() });
  }

  async #dropped(code, reason, opened) {
    this.#socket = null;
    const problem = this.#problem?.message ?? reason;
    if (this.#problem?.code === "resume_failed") {
      this.#token = null; // it waited too long, or the server is another: begin anew
      this.#retry(0);
    } else if (code === CLOSED.takenOver) {
      this.#stop("This conversation goes on in another window.");
    } else if (FINAL.includes(code)) {
      this.#stop(problem || "The server ended the conversation.");
    } else if (opened && this.state === "connecting") {
      this.#stop(problem || "The server could not begin a conversation.");
    } else if (opened) {
      this.#comeBack();
    } else {
      await this.#notConnected();
    }
  }

  /** A socket never opened: at first that is the end, later on only what waiting does not mend. */
  async #notConnected() {
    const options = this.#options;
    const { message, isFinal } = await this.#whyRefused();
    if (this.state === "closed" || this.#options !== options) return; // the user did not wait
    if (this.state === "connecting" || isFinal) this.#stop(message);
    else this.#comeBack(message);
  }

  #comeBack(problem) {
    if (this.state !== "reconnecting") this.#droppedAt = performance.now();
    if (performance.now() - this.#droppedAt > GIVE_UP_MS) {
      this.#stop(problem);
      return;
    }
    const longest = Math.min(FIRST_RETRY_MS * 2 ** this.#retries++, MAX_RETRY_MS);
    this.#retry(longest * (0.5 + Math.random() / 2)); // not all clients of a server at once
  }

  #retry(retryMs) {
    this.#setState("reconnecting", { retryMs });
    this.#retryTimer = setTimeout(() => this.#connect(), retryMs);
  }

  /** Browsers do not tell why a socket was refused; an ordinary request is told. */
  async #whyRefused() {
    const url = this.#url();
    url.protocol = url.protocol.replace("ws", "http");
    const { key } = this.#options;
    let answer;
    try {
      const headers = key ? { Authorization: `Bearer ${key}` } : {};
      answer = await fetch(url, { headers, cache: "no-store" });
    } catch {
      const message = "The server cannot be reached. Is it running, and is this device online?";
      return { message, isFinal: false };
    }
    if (answer.status === 401) {
      const problem = key ? "The server does not take this key. Correct" : "The server wants a key. Enter";
      return { message: `${problem} it in Settings.`, isFinal: true };
    }
    const message = await answer.json().then(({ error }) => error.message, () => UNTOLD);
    return { message, isFinal: false };
  }

  #stop(reason) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#token = null;
    this.#droppedAt = 0;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(CLOSED.normal);
    this.#setState("closed", { reason });
  }

  #setState(state, about = {}) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason: "", ...about } }));
  }
}
