"""A language model on the loopback address: answers as told and remembers what it was asked."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(text, reason="stop"):
    """The body of a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


class Server(ThreadingHTTPServer):
    """`reply(question, number)` gives a text, or (status, headers, body); a body may be an iterable of chunks."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.lock = threading.Lock()
        self.requests, self.headers = [], []
        self.now = self.most = 0

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.requests.append(question)
            server.headers.append((self.path, dict(self.headers)))
            number = len(server.requests)
            server.now += 1
            server.most = max(server.most, server.now)
        try:
            answer = server.reply(question, number)
        finally:
            with server.lock:
                server.now -= 1
        status, headers, body = (200, {}, completion(answer)) if isinstance(answer, str) else answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in body:
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


@contextmanager
def serving(reply):
    """A running server."""
    server = Server(reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def slowly(body, pause):
    """The bytes of `body` one by one."""
    for i in range(len(body)):
        time.sleep(pause)
        yield body[i : i + 1]
