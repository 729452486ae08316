from contextlib import contextmanager


class SilentProgress:
    """Tells nobody how far a pull has come."""

    @contextmanager
    def task(self, name, total_bytes=None):
        yield lambda done_bytes: None
