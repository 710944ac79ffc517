"""The clients: where each one's program is, what it needs, and how its version is found.

One row for each. A program is started as `command PORT USER PASSWORD`, prints what the client got
line by line, and last "end". A line "== topic" begins a topic; after a line "@lose" it waits for a
line on its standard input: the nodes lose their scripts meanwhile (see stage.Through.lose_scripts).
"""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Client:
    def __init__(self, name, command, debian=(), npm=None, since=(0,)):
        self.name = name
        self.command = [os.path.join(HERE, w) if is_ours(w) else w for w in command]
        self.debian = debian  # packages; the first is the client and says its version
        self.npm = npm  # the name under which package.json has it
        self.since = since  # the first server version that it works with, by its own word

    def missing(self, node_modules):
        """What keeps it from being run; "" if nothing."""
        for package in self.debian:
            if not debian_version(package):
                return f"Debian's {package}"
        if self.npm and not os.path.exists(os.path.join(node_modules, self.npm, "package.json")):
            return f"npm's {self.npm}"
        return ""

    def version(self, node_modules):
        if not self.npm:
            return debian_version(self.debian[0])
        with open(os.path.join(node_modules, self.npm, "package.json"), encoding="utf-8") as file:
            return json.load(file)["version"]


def debian_version(package):
    """Without the epoch and Debian's own part; "" if it is not installed."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
        capture_output=True, text=True, check=False).stdout.split()
    if asked[:1] != ["installed"]:
        return ""
    return asked[1].rpartition(":")[2].partition("-")[0].partition("+")[0]


def is_ours(word):
    return os.path.exists(os.path.join(HERE, word)) and "/client." in word


def node(folder, package, *more):
    return ["node", f"{folder}/client.js", package, *more]


CLIENTS = [
    Client("redis-benchmark", ["bash", "redis-benchmark/client.sh"], ["redis-tools"]),
    Client("redis-py", ["/usr/bin/python3", "redis-py/client.py"], ["python3-redis"]),
    Client("php-redis", ["php", "php-redis/client.php"], ["php-redis", "php-cli"]),
    Client("Predis", ["php", "predis/client.php"], ["php-nrk-predis", "php-cli"]),
    Client("redis-rb", ["ruby", "redis-rb/client.rb"], ["ruby-redis"]),
    Client("Sidekiq", ["ruby", "sidekiq/client.rb"], ["ruby-sidekiq"]),
    Client("Perl Redis", ["perl", "perl/client.pl", "Redis"], ["libredis-perl"]),
    Client("Perl Redis::Fast", ["perl", "perl/client.pl", "Redis::Fast"], ["libredis-fast-perl"]),
    Client("lua-nginx-redis in nginx", ["/usr/bin/python3", "lua-nginx-redis/client.py"],
           ["lua-nginx-redis", "libnginx-mod-http-lua"]),
    Client("redigo", ["bash", "redigo/client.sh"],
           ["golang-github-gomodule-redigo-dev", "golang-go"]),
    Client("ioredis 5", node("ioredis", "ioredis5"), npm="ioredis5"),
    Client("ioredis 6", node("ioredis", "ioredis6"), npm="ioredis6"),
    Client("iovalkey", node("ioredis", "iovalkey"), npm="iovalkey"),
    Client("node-redis 4", node("node-redis", "redis4"), npm="redis4"),
    Client("node-redis 5", node("node-redis", "redis5"), npm="redis5"),
    Client("node-redis 5, RESP3", node("node-redis", "redis5", "3"), npm="redis5"),
    Client("node-redis 6", node("node-redis", "redis6"), npm="redis6"),
    Client("valkey-glide", node("valkey-glide", "@valkey/valkey-glide"),
           npm="@valkey/valkey-glide"),
    Client("BullMQ", node("bullmq", "bullmq"), npm="bullmq", since=(6, 2)),
    Client("Bull", node("bull", "bull"), npm="bull"),
    Client("redlock", node("redlock", "redlock"), npm="redlock"),
    Client("rate-limiter-flexible", node("rate-limiter-flexible", "rate-limiter-flexible"),
           npm="rate-limiter-flexible"),
    Client("redis-semaphore", node("redis-semaphore", "redis-semaphore"), npm="redis-semaphore"),
]
