"""Containers of the python, nginx, redis and postgres images of images/, used by Debian's own clients."""

import json
import os
import re
import socket
from pathlib import Path

from skifftest import process

# Enough for a busy machine. What is slower than this has stopped working.
PATIENCE = 120.0
# Grace time of `stop`: less than PATIENCE, and more than any of the programs needs to end in good order.
GRACE = 45


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Service:
    """A detached container that listens on a port of the host's network."""

    def __init__(self, engine, port: int, *words):
        self.engine, self.port = engine, port
        self.id = engine.detached("--name", "service", "--network", "host", "--stop-timeout", GRACE, *words)

    def client(self, *words, **more) -> process.Result:
        return process.run(words, scratch=self.engine.scratch,
                           **{"env": self.engine.env, "timeout": PATIENCE, **more})

    def wait_for(self, answer) -> None:
        """Until `answer` is true; the program must not have ended meanwhile."""
        def ready():
            assert self.status() == "running", self.engine("logs", self.id)
            return answer()
        process.until(ready, "an answer of the service", PATIENCE, interval=0.1)

    def status(self) -> str:
        return self.engine("inspect", self.id).ok().json[0]["state"]["status"]

    def exec(self, *words) -> process.Result:
        return self.engine("exec", *words, timeout=PATIENCE)

    def logs(self) -> str:
        """Standard output and standard error."""
        shown = self.engine("logs", self.id).ok()
        return shown.out + shown.err

    def stop(self) -> dict:
        """Stops it, which must end it in good order and in time; the receipt."""
        stopped = self.engine("stop", self.id, timeout=PATIENCE).ok()
        assert stopped.seconds < GRACE
        state = self.engine("inspect", self.id).ok().json[0]["state"]
        assert (state["status"], state["exitCode"], state["signal"]) == ("exited", 0, 0), self.logs()
        return self.engine("usage", "--json", self.id).ok().json

    def start_again(self) -> None:
        assert self.engine("start", self.id).ok().out == self.id + "\n"

    def stop_signal(self) -> str:
        return self.engine("inspect", self.id).ok().json[0]["stopSignal"]


def check_receipt(receipt: dict, image: str, memory: int) -> None:
    """The figures of a program that has worked: more than nothing, and `memory` bytes at least."""
    assert (receipt["name"], receipt["exitCode"]) == ("service", 0) and image in receipt["image"]
    assert receipt["wallMicroseconds"] > 1000 and receipt["outOfMemory"] == "none"
    figures = receipt["figures"]
    for figure in figures.values():
        assert ("value" in figure and figure["source"]) or figure["unavailable"], figures
    assert 1000 < figures["cpu.usage"]["value"] < 2 * os.cpu_count() * receipt["wallMicroseconds"]
    assert memory < figures["memory.peak"]["value"] < 2 << 30
    assert figures["memory.oom_kills"]["value"] == 0


def test_python_computes_with_numpy(services):
    program = ("import numpy as np; a = np.arange(1, 101, dtype=float).reshape(10, 10); "
               "print(int(np.trace(a @ a.T)), round(float(np.linalg.det([[2.0, 1.0], [5.0, 4.0]])), 6))")
    result = services.run("python", "python3", "-c", program, timeout=PATIENCE).ok()
    assert (result.out, result.err) == ("338350 3.0\n", "")  # 1² + 2² + … + 100²


def test_python_with_input_volume_and_limits(services):
    (services.scratch / "data").mkdir()
    (services.scratch / "data/numbers").write_text("\n".join(map(str, range(1000))))
    program = ("import sys, os, numpy as np; n = np.loadtxt('/data/numbers'); "
               "open('/data/sum', 'w').write(str(int(n.sum()))); print(sys.stdin.read().upper(), os.getcwd())")
    result = services.run("-i", "--usage", "--memory", "512m", "--cpus", "1.5", "--pids-limit", "64", "-v",
                          f"{services.scratch}/data:/data", "python", "python3", "-c", program,
                          stdin=b"text", timeout=PATIENCE).ok()
    assert result.out == "TEXT /work\n"
    assert (services.scratch / "data/sum").read_text() == "499500"
    peak = re.search(r"^memory peak +([\d.]+) MiB", result.err, re.M)
    assert peak and 10 < float(peak.group(1)) < 512, result.err
    assert re.search(r"^processes limit +64 ", result.err, re.M), result.err


def test_python_ends_with_its_own_code_and_traceback(services):
    result = services.run("python", "python3", "-c", "import sys; print('partial'); sys.exit(3)", timeout=PATIENCE)
    assert (result.code, result.out) == (3, "partial\n")
    result = services.run("python", "python3", "-c", "raise ValueError('wrong')", timeout=PATIENCE)
    assert result.code == 1 and result.err.endswith("ValueError: wrong\n")


def test_nginx_serves_stops_and_starts_again(services):
    port = free_port()
    service = Service(services, port, "-e", f"NGINX_PORT={port}", "nginx", "nginx", "-g",
                      "daemon off; error_log /dev/stderr notice;")

    def page(path: str) -> process.Result:
        return service.client("curl", "--silent", "--show-error", "--fail", "--max-time", "30",
                              f"http://127.0.0.1:{port}/{path}")

    service.wait_for(lambda: page("").code == 0)
    assert "nginx in a container." in page("").out
    assert page("nothing").code == 22  # curl's code for an HTTP failure

    (services.scratch / "copied.txt").write_text("copied into it\n")
    services("cp", services.scratch / "copied.txt", "service:/var/www/html").ok()
    service.exec("service", "sh", "-c", "echo made inside > made.txt").ok()
    big = os.urandom(4 << 20)
    (services.scratch / "big").write_bytes(big)
    services("cp", services.scratch / "big", "service:/var/www/html/big.bin").ok()
    assert (page("copied.txt").out, page("made.txt").out) == ("copied into it\n", "made inside\n")
    assert page("big.bin").ok().out_path.read_bytes() == big
    process.until(lambda: '"GET /made.txt HTTP/1.1" 200' in service.logs(), "the request in the log")
    assert '"GET /nothing HTTP/1.1" 404' in service.logs()
    names = services("top", "service").ok().out
    assert names.count("nginx: worker process") == 2 and "nginx: master process" in names

    assert service.stop_signal() == "SIGQUIT"
    check_receipt(service.stop(), "nginx", memory=1 << 20)
    assert "signal 3 (SIGQUIT) received" in service.logs()
    assert page("").code == 7  # curl: nobody listens

    service.start_again()
    service.wait_for(lambda: page("").code == 0)
    assert (page("copied.txt").out, page("made.txt").out) == ("copied into it\n", "made inside\n")
    service.stop()
    services("rm", "service").ok()


def test_redis_serves_stops_and_starts_again(services):
    port = free_port()
    service = Service(services, port, "redis", "--port", str(port))

    def redis(*words) -> str:
        return service.client("redis-cli", "-h", "127.0.0.1", "-p", str(port), *words).out.strip()

    service.wait_for(lambda: redis("PING") == "PONG")
    assert redis("SET", "greeting", "hello") == "OK" and redis("GET", "greeting") == "hello"
    assert redis("EVAL", "for i = 1, 1000 do redis.call('RPUSH', 'list', i) end return redis.call('LLEN', 'list')",
                 "0") == "1000"
    assert service.exec("service", "redis-cli", "-p", port, "GET", "greeting").ok().out == "hello\n"
    assert service.exec("service", "id", "-un").ok().out == "redis\n"
    assert redis("SAVE") == "OK"
    volume = services.folder(service.id) / "volumes"
    assert [p.name for p in volume.rglob("dump.rdb")] == ["dump.rdb"]

    assert service.stop_signal() == "SIGTERM"
    check_receipt(service.stop(), "redis", memory=1 << 20)
    assert "Received SIGTERM scheduling shutdown" in service.logs()
    assert redis("PING") != "PONG"

    service.start_again()
    service.wait_for(lambda: redis("PING") == "PONG")
    assert redis("GET", "greeting") == "hello" and redis("LRANGE", "list", "-1", "-1") == "1000"
    services("restart", "service", timeout=PATIENCE).ok()
    service.wait_for(lambda: redis("PING") == "PONG")
    assert redis("GET", "greeting") == "hello"
    service.stop()
    services("rm", "service").ok()
    assert not volume.exists()


def test_postgres_serves_stops_and_starts_again(services):
    port = free_port()
    service = Service(services, port, "-e", f"PGPORT={port}", "-e", "POSTGRES_PASSWORD=s3cret words", "-e",
                      "POSTGRES_DB=shop", "postgres")
    services.env["PGPASSWORD"] = "s3cret words"

    def sql(text: str) -> process.Result:
        return service.client("psql", "--no-psqlrc", "--quiet", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                              "-p", str(port), "-U", "postgres", "-d", "shop", "-c", text)

    service.wait_for(lambda: sql("select 1").code == 0)
    sql("create table goods (id serial primary key, name text not null, price numeric(8, 2))").ok()
    sql("insert into goods (name, price) values ('rope', 12.50), ('sail', 310), ('oar', 40.25)").ok()
    sql("insert into goods (name, price) select 'nail ' || n, 0.01 * n from generate_series(1, 20000) n").ok()
    total = sql("select count(*), sum(price) from goods").ok().out
    assert total == "20003|2000462.75\n"
    assert "violates not-null" in sql("insert into goods (name) values (null)").err
    services.env["PGPASSWORD"] = "wrong"
    assert "password authentication failed" in sql("select 1").err
    services.env["PGPASSWORD"] = "s3cret words"
    # Within the container by the unix socket; PGPORT is the container's own.
    inside = service.exec("-u", "postgres", "service", "psql", "-At", "-d", "shop", "-c", "select max(id) from goods")
    assert inside.ok().out == "20003\n"
    owner = service.exec("service", "stat", "-c", "%U %a", "/var/lib/postgresql/data").ok().out
    assert owner == "postgres 700\n"

    assert service.stop_signal() == "SIGINT"
    check_receipt(service.stop(), "postgres", memory=4 << 20)
    assert "received fast shutdown request" in service.logs()
    assert "database system is shut down" in service.logs()
    assert sql("select 1").code == 2  # psql: no connection

    service.start_again()
    service.wait_for(lambda: sql("select 1").code == 0)
    assert sql("select count(*), sum(price) from goods").ok().out == total
    assert "was not properly shut down" not in service.logs()
    service.stop()
    services("rm", "service").ok()


def test_postgres_recovers_after_a_kill(services):
    port = free_port()
    service = Service(services, port, "-e", f"PGPORT={port}", "-e", "POSTGRES_HOST_AUTH_METHOD=trust", "postgres")

    def sql(text: str) -> process.Result:
        return service.client("psql", "--no-psqlrc", "--quiet", "-At", "-h", "127.0.0.1", "-p", str(port), "-U",
                              "postgres", "-c", text)

    service.wait_for(lambda: sql("select 1").code == 0)
    sql("create table kept (n int)").ok()
    sql("insert into kept select generate_series(1, 500)").ok()
    services("kill", "service").ok()
    assert services("wait", "service").ok().out == "137\n"
    service.start_again()
    service.wait_for(lambda: sql("select 1").code == 0)
    assert sql("select count(*) from kept").ok().out == "500\n"
    assert "was not properly shut down; automatic recovery in progress" in service.logs()
    services("rm", "-f", "service", timeout=PATIENCE).ok()


def test_a_server_without_its_password_says_so(services):
    id = services.detached("postgres")
    assert services("wait", id, timeout=PATIENCE).ok().out == "64\n"
    assert "set POSTGRES_PASSWORD" in services("logs", id).ok().err
    services("rm", id).ok()


def test_images_are_listed_and_kept_while_in_use(services):
    rows = services("images", "--format", "json").ok().json
    layers = {"python": 3, "nginx": 3, "redis": 3, "postgres": 4}
    assert {row["name"]: row["layers"] for row in rows} == layers
    assert all(row["tag"] == "latest" and row["size"] > 40_000_000 for row in rows)
    assert [line.split()[0] for line in services("images").ok().out.splitlines()] == ["REPOSITORY", *sorted(layers)]
    # Debian's layer is one directory for all four.
    assert len(list((services.store / "layers").iterdir())) == sum(layers.values()) - 3
    id = services.detached("--name", "user", "redis", "sleep", "60")
    services("rmi", "redis").failed("remove image redis", "used by container", id)
    services("exec", "user", "redis-cli", "--version").ok()
    services("rm", "-f", id).ok()
