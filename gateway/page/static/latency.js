// How long each stage of a turn took, as a bar and in numbers.

const STAGES = [
  ["end_of_speech_ms", "turn ended"],
  ["transcript_ms", "words known"],
  ["recall_ms", "recalled"],
  ["first_token_ms", "first word"],
  ["first_audio_ms", "first sound"],
  ["heard_ms", "heard"],
];
const SHORTEST_SCALE_MS = 1000;

/**
 * A figure of a `session.latency` event: milliseconds since the end of what was said or asked.
 * @param {Record<string, number | string | null>} event
 * @returns {HTMLElement}
 */
export function latencyFigure(event) {
  // A stage may be done before the one that is named first: an answer is prepared while it is not sure yet
  // that the speaker has finished.
  const stages = STAGES.filter(([field]) => typeof event[field] === "number")
    .map(([field, label]) => ({ field, label, ms: event[field] }))
    .sort((a, b) => a.ms - b.ms);
  const figure = document.createElement("figure");
  figure.className = "latency";
  if (stages.length === 0) return figure;
  figure.append(caption(stages, event), bar(stages), numbers(stages));
  return figure;
}

function caption(stages, event) {
  const element = document.createElement("figcaption");
  const answered = stages.find(({ field }) => field === "heard_ms") ?? stages.at(-1);
  const strong = document.createElement("strong");
  strong.textContent = seconds(answered.ms);
  const whole = typeof event.total_ms === "number" ? ` · whole answer ${seconds(event.total_ms)}` : "";
  element.append(strong, ` until ${answered.label}${whole}`);
  return element;
}

function bar(stages) {
  const element = document.createElement("div");
  element.className = "bar";
  element.setAttribute("aria-hidden", "true"); // the numbers say the same
  const scaleMs = Math.max(SHORTEST_SCALE_MS, stages.at(-1).ms);
  let from = 0;
  for (const { field, label, ms } of stages) {
    const part = document.createElement("span");
    part.className = field;
    part.title = `${label} ${Math.round(ms)} ms`;
    part.style.width = `${(100 * Math.max(ms - from, 0)) / scaleMs}%`;
    element.append(part);
    from = Math.max(ms, 0);
  }
  return element;
}

function numbers(stages) {
  const list = document.createElement("dl");
  for (const { field, label, ms } of stages) {
    const pair = document.createElement("div");
    pair.className = field;
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = label;
    value.textContent = `${Math.round(ms)} ms`;
    pair.append(term, value);
    list.append(pair);
  }
  return list;
}

function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
