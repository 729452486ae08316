// The page: its buttons and keys, and the parts behind them.

import { AudioInput } from "./audio-input.js";
import { Client } from "./client.js";
import { Conversation } from "./conversation.js";
import { Dialogue } from "./dialogue.js";
import { bindKeys } from "./keys.js";
import { Messages, browserProblem, deviceProblem } from "./messages.js";
import { Player } from "./player.js";
import { Settings } from "./settings.js";
import { Standing } from "./standing.js";
import { statusOf } from "./status.js";
import { Timeline } from "./timeline.js";
import { VideoInput } from "./video-input.js";

const TICK_MS = 500;
const TAIL_MS = 150; // of sound that is on its way when Talk is let go

const $ = (id) => document.getElementById(id);

const messages = new Messages($("messages"));
const client = new Client();
const timeline = new Timeline($("timeline"));
const conversation = new Conversation($("turns"), announce, (moment, chosen) => timeline.point(moment, chosen));
const settings = new Settings($("settings-form"), applySettings);
export const player = new Player(showStatus);
const standing = new Standing($("standing"), (id) => client.send({ type: "session.standing_request.cancel", id }));
const dialogue = new Dialogue({ client, player, conversation, timeline, messages, standing, onChange: showStatus });
const microphone = new AudioInput(hear);
const camera = new VideoInput($("preview"), (blob, atMs) => dialogue.see(blob, atMs), showDevices);

let voiced = false;
let starting = false;
let closedBecause = "";
let talking = false;
let speaking = Promise.resolve(); // what screen readers are told, one after another

// The conversation.

async function start() {
  if (starting) return;
  messages.clear();
  const problem = browserProblem();
  if (problem) return messages.error(problem);
  starting = true;
  voiced = await canSpeak();
  starting = false;
  client.open({ key: settings.key, name: settings.name, session: () => settings.session(voiced) });
}

/** Whether answers can be heard; asked while the user acts, as browsers want it. */
async function canSpeak() {
  if (!("AudioWorklet" in window)) {
    const why = window.isSecureContext ? "This browser" : "A page that is neither https nor on localhost";
    messages.note(`${why} cannot play voices: answers are shown as text.`);
    return false;
  }
  return player.start().then(
    () => true,
    () => false, // its program cannot be loaded, and so nothing else: the connection will say why
  );
}

function stop() {
  client.close();
  microphone.closeMicrophone();
  camera.close();
  microphone.removeFilm();
  showDevices();
}

client.addEventListener("begun", ({ detail }) => {
  if (!detail.lost && !microphone.hasMicrophone) toggleMicrophone();
});

client.addEventListener("state", ({ detail }) => {
  closedBecause = detail.reason;
  if (detail.state === "closed") dialogue.end();
  if (detail.reason) messages.error(detail.reason);
  showStatus();
});

function applySettings() {
  client.send({ type: "session.update", session: settings.session(voiced) });
  showDevices();
}

// Devices.

async function toggleMicrophone() {
  if (microphone.hasMicrophone) {
    microphone.closeMicrophone();
  } else {
    try {
      await microphone.openMicrophone(() => {
        messages.error("The microphone is gone. Plug it in again, then turn it on.");
        showDevices();
      });
    } catch (error) {
      messages.error(deviceProblem(error, "microphone"));
    }
  }
  showDevices();
}

async function toggleCamera() {
  if (camera.source === "camera") {
    camera.close();
    return showDevices();
  }
  await openCamera("");
}

async function openCamera(deviceId) {
  try {
    microphone.removeFilm();
    await camera.openCamera(deviceId);
    await listCameras();
  } catch (error) {
    messages.error(deviceProblem(error, "camera"));
  }
  showDevices();
}

async function listCameras() {
  const cameras = await VideoInput.cameras();
  const chosen = $("preview").srcObject.getVideoTracks()[0].getSettings().deviceId;
  $("cameras").replaceChildren(
    ...cameras.map((each, i) => new Option(each.label || `Camera ${i + 1}`, each.deviceId, false, each.deviceId === chosen)),
  );
  $("camera-choice").hidden = cameras.length < 2;
}

async function openFilm(file) {
  if (!file) return;
  const withSound = $("film-sound").checked;
  try {
    await camera.openFilm(file, withSound);
    if (withSound) await microphone.addFilm($("preview"));
  } catch {
    messages.error(`“${file.name}” is no film that this browser can play.`);
  }
  showDevices();
}

function hear(pcm, peak) {
  $("level").value = peak;
  if (!settings.pushToTalk || talking) dialogue.hear(pcm);
}

async function talk(on) {
  if (on === talking || !settings.pushToTalk) return;
  if (on) {
    if (client.state !== "open" || !microphone.hasMicrophone) return;
    talking = true;
    await dialogue.startTalking();
  } else {
    setTimeout(() => {
      talking = false;
      dialogue.stopTalking();
      showDevices();
    }, TAIL_MS);
  }
  showDevices();
}

// What is shown.

function showStatus() {
  const facts = {
    ...dialogue.facts,
    connection: client.state,
    reason: closedBecause,
    microphone: microphone.hasMicrophone,
    pushToTalk: settings.pushToTalk,
    playing: player.playing,
  };
  const { name, label, hint } = statusOf(facts);
  document.body.dataset.status = name;
  if ($("status-label").textContent !== label) $("status-label").textContent = label;
  $("status-hint").textContent = hint;
  const isOn = client.state !== "closed";
  $("start").textContent = isOn ? "Stop" : "Start";
  $("start").classList.toggle("primary", !isOn);
  $("interrupt").disabled = !(facts.response || facts.playing);
  $("sight").textContent = dialogue.sight;
  $("sight").hidden = camera.source === null || dialogue.sight === "";
  $("send").disabled = client.state !== "open";
}

function showDevices() {
  const pressed = (id, on) => $(id).setAttribute("aria-pressed", on);
  pressed("microphone", microphone.hasMicrophone);
  pressed("camera", camera.source === "camera");
  pressed("talk", talking);
  $("talk").hidden = !settings.pushToTalk;
  $("placeholder").hidden = camera.source !== null;
  $("camera-choice").hidden ||= camera.source !== "camera";
  if (!microphone.hasMicrophone) $("level").value = 0;
  showStatus();
}

/** Whole sentences for screen readers, politely and one after another. */
function announce(text) {
  speaking = speaking.then(() => {
    $("announcer").textContent = text;
    return new Promise((resolve) => setTimeout(resolve, 100));
  });
}

// What the user does.

$("start").onclick = () => (client.state === "closed" ? start() : stop());
$("microphone").onclick = toggleMicrophone;
$("camera").onclick = toggleCamera;
$("cameras").onchange = () => openCamera($("cameras").value);
$("film").onchange = () => openFilm($("film").files[0]);
$("interrupt").onclick = () => dialogue.interrupt();
$("open-settings").onclick = () => $("settings").showModal();
$("open-keys").onclick = () => $("keys").showModal();

$("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (!text) return;
  $("words").value = "";
  if (!(await dialogue.write(text))) {
    $("words").value = text;
    messages.error("Your message was not sent: there is no connection.");
  }
};

$("talk").onpointerdown = (event) => {
  event.currentTarget.setPointerCapture(event.pointerId);
  talk(true);
};
$("talk").onpointerup = $("talk").onpointercancel = () => talk(false);
$("talk").onclick = ({ detail }) => detail === 0 && talk(!talking); // screen readers press without holding

const stage = $("stage");
stage.ondragover = (event) => event.preventDefault();
stage.ondragenter = () => stage.classList.add("dropping");
stage.ondragleave = () => stage.classList.remove("dropping");
stage.ondrop = (event) => {
  event.preventDefault();
  stage.classList.remove("dropping");
  openFilm(event.dataTransfer.files[0]);
};

bindKeys(() => settings.shortcuts, {
  talk,
  microphone: toggleMicrophone,
  camera: toggleCamera,
  interrupt: () => dialogue.interrupt(),
  write: () => $("words").focus(),
  timeline: () => $("timeline").querySelector("button[tabindex='0']")?.focus(),
  help: () => $("keys").showModal(),
});

setInterval(() => client.state === "open" && dialogue.tick(), TICK_MS);
showDevices();
