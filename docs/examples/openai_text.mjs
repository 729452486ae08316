// Ask in writing, read the answer as it is written: node openai_text.mjs "What is the capital of France?"
// (Node 22 or later; in a browser add `dangerouslyAllowBrowser: true` to the settings of the connection.)
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";

const [question, baseURL = "http://127.0.0.1:8765/v1", apiKey = "none"] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey });
const connection = new OpenAIRealtimeWebSocket(
  {
    model: "streams",
    // The client always asks for TLS; without it the address has to be put right.
    onURL: (url) => (url.protocol = baseURL.startsWith("https:") ? "wss:" : "ws:"),
  },
  client,
);

connection.socket.addEventListener("open", () => {
  connection.send({ type: "session.update", session: { type: "realtime", output_modalities: ["text"] } });
  const content = [{ type: "input_text", text: question }];
  connection.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  connection.send({ type: "response.create" });
});
connection.on("response.output_text.delta", (event) => process.stdout.write(event.delta));
connection.on("response.done", () => connection.close());
connection.on("error", (error) => {
  console.error(error.message);
  connection.close();
});
