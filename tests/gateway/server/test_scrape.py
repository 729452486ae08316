"""The metrics of a real conversation, scraped while it goes on."""

import asyncio
import json
import urllib.request

from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from streams.serve import new_server

TIMEOUT_S = 90
TEXT = {"type": "realtime", "output_modalities": ["text"]}


async def scrape(server):
    def fetch():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            return answer.read().decode()

    families = text_string_to_metric_families(await asyncio.to_thread(fetch))
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def until(client, kind):
    async with asyncio.timeout(TIMEOUT_S):
        while (event := json.loads(await client.recv()))["type"] != kind:
            pass
        return event


async def ask(client, question):
    content = [{"type": "input_text", "text": question}]
    item = {"type": "message", "role": "user", "content": content}
    await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await client.send(json.dumps({"type": "response.create"}))
    return await until(client, "response.done")


def test_a_conversation_is_counted_as_it_was(streams):
    async def talk():
        async with new_server(streams) as server, connect(server.url) as client:
            await client.send(json.dumps({"type": "session.update", "session": TEXT}))
            for question in ("What is the capital of France?", "And of Italy?"):
                answer = await ask(client, question)
                assert answer["response"]["status"] in ("completed", "incomplete")
            await client.send(json.dumps({"type": "input_audio_buffer.commit"}))
            assert (await until(client, "error"))["error"]["code"] == "input_audio_buffer_commit_empty"
            return await scrape(server)

    samples = asyncio.run(talk())
    assert samples["streams_sessions_open",] == 1
    assert samples["streams_sessions_total",] == 1
    responses = {key[1]: value for key, value in samples.items() if key[0] == "streams_responses_total"}
    assert sum(responses.values()) == 2
    assert responses["failed"] == responses["cancelled"] == 0
    for stage in ("first_token", "total"):
        assert samples["streams_stage_seconds_count", stage] == 2
        assert samples["streams_stage_seconds_sum", stage] > 0
    assert samples["streams_stage_seconds_count", "first_audio"] == 0  # it was answered in text
    assert samples["streams_client_errors_total", "input_audio_buffer_commit_empty"] == 1
    assert samples["streams_memory_bytes", "device"] > 0
    assert samples["streams_worker_wait_seconds", "llm"] >= 0
    assert samples["process_resident_memory_bytes",] > 0
