"""Every request counts in redis, is kept in PostgreSQL, and is put into the worker's queue."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True
import wire  # noqa: E402


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/") or "nobody"
        count = wire.redis("INCR", "requests")
        wire.query(f"INSERT INTO visits (name) VALUES ('{name}')")
        rows = wire.query("SELECT count(*), max(name) FROM visits")
        wire.redis("LPUSH", "work", name)
        body = json.dumps({"requests": count, "visits": int(rows[0][0]), "last": rows[0][1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
wire.query("CREATE TABLE IF NOT EXISTS visits (name text)")
print("ready", flush=True)
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
