// Keys for the whole page, for those who switched them on in the settings. Documented in index.html.

const ACTIONS = { m: "microphone", c: "camera", i: "interrupt", "/": "write", t: "timeline", "?": "help" };

/**
 * `isOn()` is asked at each key. `actions.talk(on)` follows the space bar, the others take nothing.
 * @param {() => boolean} isOn
 * @param {Record<string, (on?: boolean) => void>} actions
 */
export function bindKeys(isOn, actions) {
  document.addEventListener("keydown", (event) => {
    if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    if (event.key === " ") {
      event.preventDefault();
      if (!event.repeat) actions.talk(true);
    } else if (event.key in ACTIONS && !event.repeat) {
      event.preventDefault();
      actions[ACTIONS[event.key]]();
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") actions.talk(false);
  });
}

/** Whether the key belongs to what has the focus: letters to fields, the space bar to buttons too. */
function isTaken({ target, key }) {
  if (document.querySelector("dialog[open]") !== null) return true;
  if (target.id === "talk") return false;
  return target.matches(key === " " ? "button, input, select, textarea, summary, a" : "input, select, textarea");
}
