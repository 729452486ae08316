// The memory of the session along its time: what was seen, heard and said, and what an answer recalls.

import { clockTime } from "./time.js";

const SPANS_S = [20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const TICKS_S = [5, 10, 30, 60, 300, 600, 1800, 3600];
const TICK_PX = 72;
const ZOOM = 2;
const NEAR_MS = 1500;
const LASTING_MS = 15_000; // a picture that says the same within this is still the same
const LAST_ROOM_S = 1e4;
const LANES = { frame: "seen", utterance: "heard", reply: "said" };

export class Timeline {
  #list;
  #view;
  #axis;
  #earlier;
  #detail;
  #entries = []; // { lane, startMs, endMs, text, element, score }, in the order of their start
  #startMs = 0;
  #nowMs = 0;
  #pixelsPerSecond = null; // chosen by the user; null: the whole session in view
  #drawn = "";

  /**
   * `root` holds the parts by class; see index.html.
   * @param {HTMLElement} root
   */
  constructor(root) {
    this.#list = root.querySelector(".moments");
    this.#view = root.querySelector(".view");
    this.#axis = root.querySelector(".axis");
    this.#earlier = root.querySelector(".earlier");
    this.#detail = root.querySelector(".detail");
    root.querySelector(".closer").onclick = () => this.#zoom(ZOOM);
    root.querySelector(".wider").onclick = () => this.#zoom(1 / ZOOM);
    root.querySelector(".whole").onclick = () => this.#zoom(null);
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
    new ResizeObserver(() => this.#draw()).observe(this.#view);
  }

  clear() {
    this.#entries = [];
    this.#startMs = 0;
    this.#nowMs = 0;
    this.#list.replaceChildren();
    this.#earlier.replaceChildren();
    this.#earlier.hidden = true;
    this.#detail.textContent = "";
    this.#draw();
  }

  /** What was placed before is later by so much: the session had gone on for longer than was known. */
  shift(ms) {
    for (const entry of this.#entries) {
      entry.startMs += ms;
      entry.endMs += ms;
    }
    this.#startMs += this.#entries.length > 0 ? ms : 0;
    this.#draw();
  }

  /** It is `ms` now. */
  tick(ms) {
    this.#nowMs = ms;
    this.#draw();
  }

  /** Whether what is seen now is news, and so begins a moment (which then wants a picture). */
  isNews(atMs, text) {
    const last = this.#last("seen");
    return last === undefined || last.text !== text || atMs - last.endMs > LASTING_MS;
  }

  seen(atMs, text, picture) {
    const isNews = this.isNews(atMs, text);
    const last = this.#last("seen");
    if (last !== undefined && atMs - last.endMs <= LASTING_MS) {
      last.endMs = Math.max(last.endMs, atMs); // what looks nearly the same is not told of
      this.#place(last);
      this.#label(last);
    }
    if (isNews) this.#add("seen", atMs, atMs + 1000, text, picture);
  }

  heard(startMs, endMs, text) {
    this.#add("heard", startMs, endMs, text, null);
  }

  said(startMs, endMs, text) {
    this.#add("said", startMs, endMs, text, null);
  }

  /** The moments that an answer draws on light up, those of the answer before go out. */
  recall(moments) {
    for (const { element } of this.#entries) element.classList.remove("lit");
    this.#earlier.replaceChildren();
    for (const moment of moments) {
      const entry = this.#find(moment);
      if (entry === undefined) this.#earlier.append(this.#from(moment));
      else this.#light(entry, moment);
    }
    this.#earlier.hidden = this.#earlier.childElementCount === 0;
    const lit = this.#entries.find(({ element }) => element.classList.contains("lit"));
    if (lit !== undefined && !this.#list.contains(document.activeElement)) this.#makeStop(lit);
  }

  /** Show where a moment is; `chosen` goes there. */
  point(moment, chosen) {
    const entry = this.#find(moment);
    this.#describe(moment.start_ms, moment.end_ms, LANES[moment.kind], moment.text, moment.score);
    for (const { element } of this.#entries) element.classList.toggle("pointed", element === entry?.element);
    if (!chosen || entry === undefined) return;
    entry.element.scrollIntoView({ block: "nearest", inline: "center" });
    this.#focus(entry);
  }

  #light(entry, { score, thumbnail }) {
    entry.element.classList.add("lit");
    entry.score = score;
    const button = entry.element.firstElementChild;
    if (thumbnail !== null && !button.querySelector("img")) button.prepend(image(thumbnail));
    this.#label(entry);
  }

  /** A moment from before this page was opened. */
  #from({ kind, start_ms, end_ms, text, score, thumbnail }) {
    const item = document.createElement("li");
    item.className = `lit ${LANES[kind]}`;
    if (thumbnail !== null) item.append(image(thumbnail));
    item.append(`${clockTime(start_ms)} ${text}`);
    item.title = sentence(start_ms, end_ms, LANES[kind], text, score);
    return item;
  }

  #find({ kind, start_ms, end_ms, text }) {
    const close = this.#entries.filter(
      ({ lane, startMs, endMs }) =>
        lane === LANES[kind] && startMs <= end_ms + NEAR_MS && endMs >= start_ms - NEAR_MS,
    );
    const distance = ({ startMs }) => Math.abs(startMs - start_ms);
    const same = close.filter((entry) => entry.text.trim() === text.trim());
    return (same.length > 0 ? same : close).sort((a, b) => distance(a) - distance(b))[0];
  }

  #last(lane) {
    return this.#entries.findLast((entry) => entry.lane === lane);
  }

  #add(lane, startMs, endMs, text, picture) {
    const element = document.createElement("li");
    element.className = lane;
    const button = document.createElement("button");
    button.type = "button";
    if (picture !== null) button.append(image(picture));
    const words = document.createElement("span");
    words.textContent = text;
    button.append(words);
    element.append(button);
    const entry = { lane, startMs, endMs: Math.max(endMs, startMs), text, element, score: null };
    button.tabIndex = this.#entries.length === 0 ? 0 : -1;
    button.onfocus = button.onpointerenter = () => this.#show(entry);
    button.onclick = () => this.#focus(entry);
    if (this.#entries.length === 0) this.#startMs = Math.floor(startMs / 5000) * 5000;
    this.#insert(entry);
    this.#label(entry);
    this.#draw();
  }

  #insert(entry) {
    const after = this.#entries.findIndex((each) => each.startMs > entry.startMs);
    const index = after === -1 ? this.#entries.length : after;
    this.#list.insertBefore(entry.element, this.#entries[index]?.element ?? null);
    this.#entries.splice(index, 0, entry);
  }

  #label(entry) {
    const { startMs, endMs, lane, text, score } = entry;
    const label = sentence(startMs, endMs, lane, text, score);
    entry.element.firstElementChild.setAttribute("aria-label", label);
  }

  #show({ startMs, endMs, lane, text, score }) {
    this.#describe(startMs, endMs, lane, text, score);
  }

  #describe(startMs, endMs, lane, text, score) {
    this.#detail.textContent = sentence(startMs, endMs, lane, text, score);
  }

  /** The Tab key stops at one moment, from which the arrow keys go on. */
  #makeStop(entry) {
    for (const { element } of this.#entries) element.firstElementChild.tabIndex = -1;
    entry.element.firstElementChild.tabIndex = 0;
  }

  #focus(entry) {
    this.#makeStop(entry);
    entry.element.firstElementChild.focus({ preventScroll: true });
  }

  #walk(event) {
    const at = this.#entries.findIndex(({ element }) => element.contains(document.activeElement));
    const last = this.#entries.length - 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined || this.#entries[to] === undefined) return;
    event.preventDefault();
    this.#focus(this.#entries[to]);
    this.#entries[to].element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #zoom(factor) {
    this.#pixelsPerSecond = factor === null ? null : Math.min(Math.max(this.#scale * factor, 0.5), 96);
    this.#draw();
    this.#view.scrollLeft = this.#view.scrollWidth;
  }

  /** Pixels for a second. */
  get #scale() {
    if (this.#pixelsPerSecond !== null) return this.#pixelsPerSecond;
    const spanS = SPANS_S.find((each) => each >= this.#lengthS) ?? SPANS_S.at(-1);
    return this.#view.clientWidth / spanS;
  }

  get #lengthS() {
    const endMs = Math.max(this.#nowMs, ...this.#entries.slice(-8).map((entry) => entry.endMs));
    return Math.max((endMs - this.#startMs) / 1000, 1);
  }

  /** Places in seconds; the style multiplies them by `--scale`. */
  #draw() {
    const followed = this.#view.scrollWidth - this.#view.scrollLeft - this.#view.clientWidth < 40;
    const scale = this.#scale;
    const lengthS = this.#lengthS;
    this.#list.style.setProperty("--scale", scale);
    this.#list.style.setProperty("--now", lengthS);
    const drawn = `${scale} ${this.#startMs} ${this.#entries.length} ${Math.ceil(lengthS / 10)}`;
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#placeAll();
      this.#drawTicks(scale, lengthS);
    }
    if (followed) this.#view.scrollLeft = this.#view.scrollWidth;
  }

  /** A moment's words may take the room up to the next one of its lane. */
  #placeAll() {
    const next = {};
    for (const entry of this.#entries.toReversed()) {
      const roomS = entry.lane in next ? (next[entry.lane] - entry.startMs) / 1000 : LAST_ROOM_S;
      entry.element.style.setProperty("--room", roomS);
      this.#place(entry);
      next[entry.lane] = entry.startMs;
    }
  }

  #place({ startMs, endMs, element }) {
    element.style.setProperty("--at", (startMs - this.#startMs) / 1000);
    element.style.setProperty("--for", (endMs - startMs) / 1000);
  }

  #drawTicks(scale, lengthS) {
    const stepS = TICKS_S.find((each) => each * scale >= TICK_PX) ?? TICKS_S.at(-1);
    const untilS = Math.max(lengthS, this.#view.clientWidth / scale);
    const ticks = [];
    for (let atS = 0; atS * scale <= untilS * scale - TICK_PX / 2; atS += stepS) {
      const tick = document.createElement("span");
      tick.textContent = clockTime(this.#startMs + atS * 1000);
      tick.style.left = `${atS * scale}px`;
      ticks.push(tick);
    }
    this.#axis.replaceChildren(...ticks);
  }
}

function image(source) {
  const picture = document.createElement("img");
  picture.src = source;
  picture.alt = "";
  return picture;
}

function sentence(startMs, endMs, lane, text, score) {
  const until = endMs - startMs >= 2000 ? ` to ${clockTime(endMs)}` : "";
  const recalled = score === null ? "" : `, recalled with a match of ${score.toFixed(2)}`;
  return `${clockTime(startMs)}${until}, ${lane}: ${text}${recalled}`;
}
