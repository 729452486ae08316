// What the server is to speak up about by itself: a list, each with a button that ends it.

export class Standing {
  #section;
  #list;
  #onCancel;

  /**
   * `section` holds a list and is hidden while nothing stands; `onCancel(id)`: the user ends one.
   * @param {HTMLElement} section
   * @param {(id: string) => void} onCancel
   */
  constructor(section, onCancel) {
    this.#section = section;
    this.#list = section.querySelector("ul");
    this.#onCancel = onCancel;
  }

  /**
   * @param {{id: string, kind: string, text: string, repeat: boolean}[]} requests
   */
  show(requests) {
    const focused = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...requests.map((request) => this.#item(request)));
    this.#section.hidden = requests.length === 0;
    if (!focused) return;
    // Who pressed a button with the keyboard is not thrown back to the top of the page.
    (this.#list.querySelector("button") ?? document.getElementById("words")).focus();
  }

  #item({ id, kind, text, repeat }) {
    const item = document.createElement("li");
    const words = document.createElement("span");
    words.dir = "auto";
    words.textContent = text;
    const about = document.createElement("small");
    about.textContent = kind === "narration" ? "tells what is new" : repeat ? "each time" : "once";
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.textContent = "Cancel";
    cancel.setAttribute("aria-label", `Cancel: ${text}`);
    cancel.onclick = () => this.#onCancel(id);
    item.append(words, about, cancel);
    return item;
  }
}
