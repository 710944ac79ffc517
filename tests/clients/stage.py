"""Real servers and the real shacast for the clients' programs: on free ports of 127.0.0.1, in a
temporary folder, ended by their pids.

The server is SHACAST_REDIS_SERVER, else redis-server, else Debian's redis-check-rdb, which is the
same program under another name (so the package redis-tools is enough).
"""

import atexit
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE = 20.0 * int(os.environ.get("SHACAST_TEST_PATIENCE", "1"))
USER, PASSWORD = "app", "sesame"


class Failure(Exception):
    """Something of ours did not do what it must; not a client's failure."""


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    pause = 0.001
    while not condition():
        if time.monotonic() > end:
            raise Failure(what)
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


_given = set()


def free_port():
    """From below the range that the kernel takes for outgoing connections: a server must be able to
    come back on its port."""
    while True:
        port = random.randrange(15000, 30000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


class RespError(str):
    """An error reply."""


class Connection:
    """A RESP2 client for what the runner itself wants to know."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def ask(self, *args):
        words = [str(arg).encode() for arg in args]
        self._socket.sendall(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
        )
        return self._read()

    def _read(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection is gone")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        raise ConnectionError(f"no RESP2: {line!r}")


def ask(port, *args):
    with Connection(port) as connection:
        return connection.ask(*args)


def server_program():
    given = os.environ.get("SHACAST_REDIS_SERVER")
    return given or shutil.which("redis-server") or shutil.which("redis-check-rdb")


def server_version():
    """The server's own name and version: ("redis", "7.0.15")."""
    words = subprocess.run(
        ["redis-server", "--version"], executable=server_program(), capture_output=True, text=True
    ).stdout.split()
    return words[0].lower(), next(w[2:] for w in words if w.startswith("v="))


class Process:
    def __init__(self, argv, executable, folder, name):
        self.log = os.path.join(folder, name + ".log")
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                argv, executable=executable, cwd=folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)
        atexit.register(self.kill)

    def running(self):
        return self._child.poll() is None

    def stop(self):
        if self.running():
            self._child.terminate()
        try:
            return self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1

    def wait(self):
        return self._child.wait(PATIENCE)

    def kill(self):
        if self.running():
            self._child.kill()
            self._child.wait()
        atexit.unregister(self.kill)


class Server:
    """With a user "app" besides the default one."""

    def __init__(self, folder, *args):
        self.port = free_port()
        self._folder = os.path.join(folder, str(self.port))
        os.mkdir(self._folder)
        rights = ["on", ">" + PASSWORD, "~*", "+@all"]
        if not server_version()[1].startswith("6.0"):
            rights.append("&*")
        self._argv = [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--repl-diskless-sync-delay", "0", "--user", USER, *rights, *args]
        self.start()

    def start(self):
        self._process = Process(self._argv, server_program(), self._folder, "server")
        wait_until(self._answers, "the server does not start")

    def _answers(self):
        if not self._process.running():
            with open(self._process.log, encoding="utf-8") as log:
                raise Failure("the server does not start:\n" + log.read())
        try:
            return ask(self.port, "PING") == "PONG"
        except OSError:
            return False

    def restart(self):
        """With its data, but without its scripts."""
        try:
            ask(self.port, "SHUTDOWN", "SAVE")
        except OSError:
            pass  # that is its answer
        self._process.wait()
        self.start()

    def info(self, field, section="everything"):
        for line in ask(self.port, "INFO", section).split("\r\n"):
            if line.startswith(field + ":"):
                return line[len(field) + 1 :]
        return ""

    def noscripts(self):
        """How often it said NOSCRIPT; None if it does not count (before 6.2)."""
        if server_version()[1].startswith("6.0"):
            return None
        said = self.info("errorstat_NOSCRIPT", "errorstats")
        return int(said.partition("=")[2] or 0)

    def stop(self):
        self._process.stop()


class Direct:
    """One server, and the client knows its address."""

    name = "direct"

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="shacast-clients-")
        self.server = Server(self._folder.name)
        self.port = self.server.port
        self.server_port = self.port

    def lose_scripts(self):
        pass  # the oracle keeps them

    def noscripts(self):
        return self.server.noscripts()

    def close(self):
        self.server.stop()
        self._folder.cleanup()


class Through:
    """A master and a replica with shacast in front of them, which the client takes for a server."""

    name = "shacast"

    def __init__(self, binary):
        self._folder = tempfile.TemporaryDirectory(prefix="shacast-clients-")
        self.master = Server(self._folder.name)
        self.replica = Server(self._folder.name, "--replicaof", "127.0.0.1",
                              str(self.master.port))
        self.server_port = self.master.port
        self.port = free_port()
        self._losses = 0
        config = os.path.join(self._folder.name, "shacast.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f'[proxy]\nlisten = ["127.0.0.1:{self.port}"]\nworkers = 2\n'
                f'[upstream]\nnodes = ["127.0.0.1:{self.master.port}"]\npoll_interval = "100ms"\n'
                '[log]\nlevel = "debug"\n')
        self._proxy = Process(["shacast", "--config", config], binary, self._folder.name, "shacast")
        wait_until(self._ready, "shacast does not find the replica set")

    def _ready(self):
        if not self._proxy.running():
            raise Failure("shacast does not run:\n" + self.log())
        try:
            nodes = ask(self.port, "PROXY", "NODES")
        except OSError:
            return False
        states = sorted(node[node.index("state") + 1] for node in nodes)
        return states == ["readable", "serves"] and "commands.told" in self.log()

    def log(self):
        with open(self._proxy.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def lose_scripts(self):
        """In turn: all nodes lose their scripts, the master is started again."""
        self._losses += 1
        if self._losses % 2 == 1:
            for node in (self.master, self.replica):
                ask(node.port, "SCRIPT", "FLUSH")
        else:
            self.master.restart()
            run_id = self.master.info("run_id", "server")
            wait_until(lambda: self._serves(run_id), "the master is not found again")

    def _serves(self, run_id):
        return any(run_id in n and "serves" in n for n in ask(self.port, "PROXY", "NODES"))

    def noscripts(self):
        counted = ask(self.port, "PROXY", "INFO").split("\r\n")
        return sum(int(l.partition(":")[2]) for l in counted if l.startswith("noscript_passed"))

    def close(self):
        status = self._proxy.stop()
        self.master.stop()
        self.replica.stop()
        if status != 0:
            raise Failure(f"shacast ended with status {status}:\n" + self.log()[-4000:])
        self._folder.cleanup()
