import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.bench.scrape import difference, labelled, scrape

TEXT = """\
# TYPE streams_memory_bytes gauge
streams_memory_bytes{tier="ram"} 2048
streams_memory_bytes{tier="disk"} 0
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.5
"""


@pytest.fixture
def url():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(TEXT.encode())

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.server_port}/v1/realtime"
        server.shutdown()
        thread.join()


def test_values_are_found_by_name_and_label(url):
    found = scrape(url)
    assert found["process_cpu_seconds_total", ""] == 1.5
    assert found["nothing", ""] == 0
    assert labelled(found, "streams_memory_bytes") == {"ram": 2048}


def test_what_was_counted_in_between(url):
    before, after = scrape(url), scrape(url)
    after["process_cpu_seconds_total", ""] += 2
    assert difference(after, before)["process_cpu_seconds_total", ""] == 2
    assert not labelled(difference(after, before), "streams_memory_bytes")
