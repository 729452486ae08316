// What went wrong or is good to know, said in words.

const DEVICES = {
  NotAllowedError: (device) =>
    `The ${device} is not allowed. Allow it for this page in the browser's site settings (beside the ` +
    "address), then turn it on again.",
  NotFoundError: (device) => `No ${device} was found. Plug one in, then turn it on again.`,
  OverconstrainedError: (device) => `The chosen ${device} is not there any more. Choose another one.`,
  NotReadableError: (device) => `The ${device} is there but cannot be used: another program may have it.`,
};

/**
 * Why a `device` ("microphone", "camera") could not be opened.
 * @param {DOMException} error
 * @param {string} device
 * @returns {string}
 */
export function deviceProblem(error, device) {
  if (!window.isSecureContext || navigator.mediaDevices === undefined) {
    return (
      `Browsers give the ${device} only to pages that are https or on localhost, and this one is ` +
      `${location.origin}. Open it on localhost, or give the server a certificate.`
    );
  }
  return DEVICES[error.name]?.(device) ?? `The ${device} cannot be opened: ${error.message}`;
}

/**
 * What this browser lacks that the page cannot do without; null when nothing.
 * @returns {string | null}
 */
export function browserProblem() {
  if (typeof WebSocket === "undefined") return "This browser has no WebSockets, which the page needs.";
  const isOld = typeof HTMLDialogElement === "undefined" || !("findLast" in Array.prototype);
  return isOld ? "This browser is too old for this page. Please update it." : null;
}

/** The list of messages on the page: errors are announced at once, notes when there is time. */
export class Messages {
  #list;

  constructor(list) {
    this.#list = list;
  }

  error(text) {
    this.#show(text, "error");
  }

  note(text) {
    this.#show(text, "note");
  }

  clear() {
    this.#list.replaceChildren();
  }

  #show(text, kind) {
    for (const each of [...this.#list.children]) if (each.dataset.text === text) each.remove();
    const message = document.createElement("li");
    message.className = kind;
    message.dataset.text = text;
    const words = document.createElement("p");
    words.setAttribute("role", kind === "error" ? "alert" : "status");
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.className = "quiet";
    dismiss.textContent = "Dismiss";
    dismiss.setAttribute("aria-label", `Dismiss: ${text}`);
    dismiss.onclick = () => message.remove();
    message.append(words, dismiss);
    this.#list.append(message);
    words.textContent = text; // once it is on the page, so that it is announced
  }
}
