// The state of the conversation, in words that a person understands.

const WORDS = {
  offline: ["Not connected", "Press Start to talk."],
  disconnected: ["Disconnected", ""],
  connecting: ["Connecting", "Opening the conversation…"],
  reconnecting: ["Reconnecting", "The connection dropped. What you say now is not heard."],
  ready: ["Ready", "Type a message, or turn the microphone on."],
  waiting: ["Ready", "Hold Talk while you speak."],
  listening: ["Listening", "Go ahead, I hear you."],
  hearing: ["Hearing you", "I wait until you have finished."],
  thinking: ["Thinking", "Looking back over what I saw and heard."],
  speaking: ["Speaking", "Speak up at any time to interrupt."],
  writing: ["Answering", ""],
};

/**
 * `facts`: `connection` (the client's state), `reason` (why it is closed), `microphone` and `pushToTalk`
 * (on or off), and what goes on: `speech` (the user's), `response` (one is active), `text` (some of it
 * came), `playing`, `held`. Returns `{ name, label, hint }`.
 * @param {{connection: string, reason: string, microphone: boolean, pushToTalk: boolean, speech: boolean,
 *   response: boolean, text: boolean, playing: boolean, held: boolean}} facts
 * @returns {{name: string, label: string, hint: string}}
 */
export function statusOf(facts) {
  const name = nameOf(facts);
  const [label, hint] = WORDS[name];
  return { name, label, hint: name === "disconnected" ? facts.reason : hint };
}

function nameOf(facts) {
  if (facts.connection === "closed") return facts.reason ? "disconnected" : "offline";
  if (facts.connection !== "open") return facts.connection;
  if (facts.speech || facts.held) return "hearing";
  if (facts.playing) return "speaking";
  if (facts.response) return facts.text ? "writing" : "thinking";
  if (facts.microphone) return facts.pushToTalk ? "waiting" : "listening";
  return "ready";
}
