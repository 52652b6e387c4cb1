"""A host of files, here: it counts what it is asked for, and may break a file off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Host(ThreadingHTTPServer):
    """Sends the files of ``folder``; of each ``kept_back`` bytes less than it promises."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.kept_back = 0
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Host)
        self.server.asked.append(self.path)
        super().do_GET()

    def copyfile(self, source, outputfile) -> None:
        assert isinstance(self.server, Host)
        data = source.read()
        outputfile.write(data[: len(data) - self.server.kept_back])

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Host]:
    """Serve a folder, which is made; where there is a proxy, no_proxy has to name 127.0.0.1."""
    folder.mkdir()
    with Host(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
