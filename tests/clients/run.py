"""Run every client's program against a server and through shacast, and compare what it printed.

  run.py BUILD_DIR CACHE_DIR [NAME...]     NAME as in clients.py, or a part of it; none: all

Against the server nothing is ever lost; through shacast the nodes are flushed behind its back and
the master is started again between the client's calls, and still every line must be the same. A
NOSCRIPT that the client's library hid is counted too: through shacast there may be no more of them
than the server said.

The programs of the build folder that play redis-cli and the replayed handshakes run as well.
Where all ran, with the machine's own redis-server, the table in docs/compatibility.md is written
anew. A client whose package is not there is left out, and said to be.

Prints a line for each; the last one is "N passed, N failed". Exit status: 0 if nothing failed and
something passed, 2 usage.
"""

import difflib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import stage
from clients import CLIENTS
from table import write_table

DEADLINE = 120 * stage.PATIENCE / 20


class Told:
    """What one run of a program printed."""

    def __init__(self):
        self.lines = []
        self.status = None
        self.noscripts = None

    def topics(self):
        return [line[3:] for line in self.lines if line.startswith("== ")]

    def whole(self):
        return self.status == 0 and self.lines[-1:] == ["end"]


def play(client, place, environment):
    told = Told()
    child = subprocess.Popen(
        [*client.command, str(place.port), stage.USER, stage.PASSWORD], env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="backslashreplace", start_new_session=True)
    lines = queue.Queue()

    def read():
        for line in child.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    end = time.monotonic() + DEADLINE
    try:
        while True:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
            if line is None:
                break
            told.lines.append(line)
            if line == "@lose":
                place.lose_scripts()
                child.stdin.write("\n")
                child.stdin.flush()
        told.status = child.wait(stage.PATIENCE)
        told.noscripts = place.noscripts()
    except queue.Empty:
        told.lines.append(f"(not at its end after {DEADLINE:.0f} s)")
    except BrokenPipeError:
        told.lines.append("(ended while it was to wait)")
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdin.close()
    return told


class Result:
    def __init__(self, name, version="", topics=(), direct="", shacast="", left_out=""):
        self.name = name
        self.version = version
        self.topics = list(topics)
        self.direct = direct  # "passed", or what was wrong
        self.shacast = shacast
        self.left_out = left_out  # why it was not run

    def title(self):
        """ "ioredis 5" is 5.11.1, and "node-redis 5, RESP3" is too."""
        name, comma, rest = self.name.partition(",")
        name = re.sub(r" \d+$", "", name) if self.version else name
        return f"{name} {self.version}".strip() + comma + rest

    def passed(self):
        return (self.direct, self.shacast) == ("passed", "same")


def try_client(client, binary, node_modules):
    missing = client.missing(node_modules)
    if missing:
        return Result(client.name, left_out=missing + " is not there")
    if tuple(map(int, stage.server_version()[1].split("."))) < client.since:
        return Result(client.name, left_out="it wants a newer server")
    environment = dict(os.environ, NODE_PATH=node_modules, LC_ALL="C.UTF-8", TZ="UTC",
                       NODE_NO_WARNINGS="1")
    tells = []
    for make in (stage.Direct, lambda: stage.Through(binary)):
        place = make()
        try:
            tells.append(play(client, place, environment))
        finally:
            place.close()
    direct, through = tells
    result = Result(client.name, client.version(node_modules), direct.topics(), "passed", "same")
    if not direct.whole():
        result.direct = "failed"
        print("\n".join(direct.lines[-15:]))
    if through.lines != direct.lines or through.status != direct.status:
        result.shacast = "differs"
        print("\n".join(difflib.unified_diff(direct.lines, through.lines, "direct", "shacast", "",
                                             "", 2, "")))
    elif direct.noscripts is not None and through.noscripts > direct.noscripts:
        result.shacast = f"NOSCRIPT {through.noscripts} times, direct {direct.noscripts}"
    return result


def try_program(build, program, what):
    """A GoogleTest program whose cases say which client they are about: a Result for each."""
    path = os.path.join(build, program)
    if not os.path.exists(path):
        return [Result(what, left_out=f"{program} is not built")]
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        done = subprocess.run([path, f"--gtest_output=json:{report}"], capture_output=True,
                              text=True, errors="backslashreplace", check=False)
        try:
            with open(report, encoding="utf-8") as file:
                suites = json.load(file)["testsuites"]
        except (OSError, ValueError):
            print(done.stdout[-4000:] + done.stderr[-4000:])
            return [Result(what, direct="passed", shacast="did not end")]
    results = {}
    for case in (case for suite in suites for case in suite["testsuite"]):
        if "client" not in case:
            continue  # skipped before it said so
        result = results.setdefault(case["client"], Result(
            case["client"], case.get("version", ""), direct="passed", shacast="same"))
        result.topics.append(case["tried"])
        if case.get("failures"):
            result.shacast = "differs"
    if done.returncode != 0:
        print(done.stdout[-4000:])
        if all(result.passed() for result in results.values()):
            results[what] = Result(what, direct="passed", shacast="failed")
    return list(results.values())


def main():
    if len(sys.argv) < 3 or not os.path.exists(os.path.join(sys.argv[1], "shacast")):
        print(__doc__, file=sys.stderr)
        return 2
    build, cache, names = *map(os.path.abspath, sys.argv[1:3]), sys.argv[3:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    node_modules = os.path.join(cache, "node_modules")
    os.environ["SHACAST_CLIENTS_CACHE"] = cache
    wanted = [c for c in CLIENTS if not names or any(n.lower() in c.name.lower() for n in names)]
    version = " ".join(stage.server_version())
    print(f"Server: {version}")
    results = []

    def add(result, began):
        results.append(result)
        if result.left_out:
            line = f"left out: {result.left_out}"
        else:
            line = f"direct {result.direct}, through shacast {result.shacast}"
        print(f"{result.title():38} {line}   {time.monotonic() - began:.1f} s", flush=True)

    began = time.monotonic()
    if not names:
        for program, what in (("system_redis_cli_test", "redis-cli"),
                              ("system_handshakes_test", "replayed handshakes")):
            for result in try_program(build, program, what):
                add(result, began)
                began = time.monotonic()
    for client in wanted:
        began = time.monotonic()
        try:
            result = try_client(client, os.path.join(build, "shacast"), node_modules)
        except stage.Failure as failure:
            print(failure)
            result = Result(client.name, direct="passed", shacast="failed")
        add(result, began)
    left_out = [r.name for r in results if r.left_out]
    failed = [r.name for r in results if not r.left_out and not r.passed()]
    passed = len(results) - len(left_out) - len(failed)
    if not names and "SHACAST_REDIS_SERVER" not in os.environ:
        write_table(results, version)
    if left_out:
        print("\nLeft out: " + ", ".join(left_out))
    if failed:
        print("\nFailed: " + ", ".join(failed))
    print(f"\n{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
