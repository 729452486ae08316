// The conversation as it is read: what the user said, what was answered, and what each answer drew on.

import { latencyFigure } from "./latency.js";
import { clockTime } from "./time.js";

const KINDS = { frame: "seen", utterance: "heard", reply: "said" };

export class Conversation {
  #list;
  #announce;
  #onMoment;
  #users = new Map(); // by item id
  #answers = new Map(); // by response id

  /**
   * `announce(text)` speaks to screen readers; `onMoment(moment, chosen)`: one is pointed at, or chosen.
   * @param {HTMLElement} list
   * @param {(text: string) => void} announce
   * @param {(moment: object, chosen: boolean) => void} onMoment
   */
  constructor(list, announce, onMoment) {
    this.#list = list;
    this.#announce = announce;
    this.#onMoment = onMoment;
  }

  clear() {
    this.#list.replaceChildren();
    this.#users.clear();
    this.#answers.clear();
  }

  /**
   * Words of the user that are being recognised: confirmed ones are added to those before.
   * @param {string} itemId
   * @param {string} confirmed
   * @param {string} tentative
   */
  hear(itemId, confirmed, tentative) {
    const turn = this.#user(itemId);
    turn.confirmed = [turn.confirmed, confirmed.trim()].filter(Boolean).join(" ");
    const guess = element("span", "tentative", tentative.trim());
    turn.text.replaceChildren(turn.confirmed, turn.confirmed && tentative ? " " : "", guess);
    this.#toEnd();
  }

  /**
   * What the user said or wrote, as it stays.
   * @param {string} itemId
   * @param {string} text
   */
  heard(itemId, text) {
    const turn = this.#user(itemId);
    turn.text.textContent = text || "(no words understood)";
    turn.element.classList.remove("partial");
    if (text) this.#announce(`You: ${text}`);
    this.#toEnd();
  }

  /** Words that were not said to the session after all. */
  drop(itemId) {
    this.#users.get(itemId)?.element.remove();
    this.#users.delete(itemId);
  }

  answer(responseId, delta) {
    const turn = this.#answer(responseId);
    turn.text.append(delta);
    this.#toEnd();
  }

  /**
   * Nobody asked for this answer just now: it was waited for, or is news.
   * @param {string} responseId
   * @param {string} kind
   */
  unasked(responseId, kind) {
    const turn = this.#answer(responseId);
    turn.element.classList.add("unasked");
    const why = kind === "narration" ? "because something is new" : "because you wanted to be told";
    turn.element.querySelector(".speaker").append(element("span", "why", ` ${why}`));
    turn.unasked = true;
  }

  /** Moments of `memory.recalled`. */
  recalled(responseId, moments) {
    if (moments.length === 0) return;
    const list = element("ul", "recalled");
    list.setAttribute("aria-label", "Remembered for this answer");
    list.append(...moments.map((moment) => this.#moment(moment)));
    this.#answer(responseId).element.querySelector(".speaker").after(list);
    this.#toEnd();
  }

  /**
   * `kept` is the part of the answer that the session remembers.
   * @param {string} responseId
   * @param {string} status
   * @param {string} kept
   * @param {string} [problem]
   */
  answered(responseId, status, kept, problem) {
    const turn = this.#answers.get(responseId);
    if (turn === undefined) {
      if (problem) this.#note(responseId, problem);
      return;
    }
    turn.element.classList.remove("partial");
    const text = turn.text.textContent;
    if (status === "cancelled" && text.startsWith(kept)) {
      const rest = text.slice(kept.length);
      turn.text.replaceChildren(kept, element("span", "unheard", rest));
      this.#note(responseId, rest.trim() ? "Interrupted: what is crossed out was not heard." : "Interrupted.");
    } else if (status === "incomplete") {
      this.#note(responseId, "Cut short: the answer reached its longest length.");
    }
    if (problem) this.#note(responseId, problem);
    this.#announce(`${turn.unasked ? "Streams speaks up" : "Answer"}: ${text}`);
  }

  latency(responseId, event) {
    this.#answers.get(responseId)?.element.append(latencyFigure(event));
    this.#toEnd();
  }

  #user(itemId) {
    return this.#turn(this.#users, itemId, "user", "You");
  }

  #answer(responseId) {
    return this.#turn(this.#answers, responseId, "answer", "Streams");
  }

  #turn(turns, id, kind, name) {
    if (!turns.has(id)) {
      const turn = element("li", `turn partial ${kind}`);
      const body = element("div", "body");
      const text = element("p", "text");
      text.dir = "auto";
      body.append(element("span", "speaker", name), text);
      turn.append(body);
      this.#list.append(turn);
      turns.set(id, { element: turn, text, confirmed: "" });
    }
    return turns.get(id);
  }

  #moment(moment) {
    const { start_ms, score, kind, text, thumbnail } = moment;
    const button = element("button", `moment ${KINDS[kind]}`);
    button.type = "button";
    if (thumbnail !== null) {
      const picture = document.createElement("img");
      picture.src = thumbnail;
      picture.alt = "";
      button.append(picture);
    }
    const words = element("span", "words", text);
    const about = element("span", "about", `${KINDS[kind]} at ${clockTime(start_ms)}`);
    about.append(" · ", element("span", "score", `match ${score.toFixed(2)}`));
    button.append(words, about);
    button.onpointerenter = button.onfocus = () => this.#onMoment(moment, false);
    button.onclick = () => this.#onMoment(moment, true);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  #note(responseId, text) {
    this.#answer(responseId).element.querySelector(".body").append(element("p", "note", text));
    this.#toEnd();
  }

  /** Keep the newest in sight, unless the user scrolled back. */
  #toEnd() {
    const view = this.#list.parentElement;
    if (view.scrollHeight - view.scrollTop - view.clientHeight < 240) view.scrollTop = view.scrollHeight;
  }
}

function element(name, className, ...content) {
  const created = document.createElement(name);
  created.className = className;
  created.append(...content);
  return created;
}
