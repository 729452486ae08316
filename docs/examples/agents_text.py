"""A conversation with the agents SDK."""

import asyncio
import sys

from agents.realtime import RealtimeAgent, RealtimeRunner


async def talk(*questions: str, url: str = "ws://127.0.0.1:8765/v1/realtime", key: str = "none") -> list[str]:
    agent = RealtimeAgent(name="Host", instructions="You are a helpful host. Answer in one sentence.")
    config = {
        "url": f"{url}?model=streams",
        "api_key": key,
        "initial_model_settings": {"output_modalities": ["text"]},
    }
    runner = RealtimeRunner(agent, config={"tracing_disabled": True})
    answers = []
    async with await runner.run(model_config=config) as session:
        for question in questions:
            await session.send_message(question)
            async for event in session:
                if event.type == "error":
                    raise SystemExit(event.error)
                if event.type == "history_updated":
                    history = event.history
                if event.type == "agent_end":
                    break
            answers.append(history[-1].content[0].text)
            print(f"{question}\n  {answers[-1]}")
    return answers


if __name__ == "__main__":
    asyncio.run(talk(*sys.argv[1:]))
