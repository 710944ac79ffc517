"""redis-py, through its own ways to do things."""

import sys
import threading

import redis

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def say(*words):
    print(*words, flush=True)


def lose():
    say("@lose")
    sys.stdin.readline()


def attempt(what, action):
    try:
        say(what, action())
    except redis.RedisError as error:
        say(what, type(error).__name__, error)


r = redis.Redis(port=port, client_name="py", decode_responses=False)

say("== connect")
say(r.ping(), r.client_getname())
other = redis.Redis(port=port, username=user, password=password, db=3, client_name="other")
say(other.acl_whoami(), other.client_getname(), other.set("k", "in three"), r.exists("k"))
attempt("wrong password:", redis.Redis(port=port, username=user, password="no").ping)
say("loading" in r.info("persistence"), r.info("replication")["role"])

say("== values")
say(r.set("bytes", bytes(range(256))), r.get("bytes") == bytes(range(256)))
large = b"0123456789abcdef" * 100_000
say(r.set("large", large), r.get("large") == large)
say(r.hset("h", mapping={"a": 1, "b": 2}), sorted(r.hgetall("h").items()))
say(r.zadd("z", {"x": 1.5, "y": 2}), r.zrange("z", 0, -1, withscores=True))
for i in range(30):
    r.set(f"scan:{i}", i)
say(len(set(r.scan_iter("scan:*", count=7))))
attempt("wrong type:", lambda: r.lpush("h", 1))
attempt("unknown:", lambda: r.execute_command("NOSUCH", "x"))

say("== pipelines")
with r.pipeline(transaction=False) as pipe:
    for i in range(200):
        pipe.incr("n")
    pipe.lpush("h", 1)
    pipe.get("n")
    answers = pipe.execute(raise_on_error=False)
    say(answers[199], type(answers[200]).__name__, answers[201])

say("== MULTI")
with r.pipeline() as pipe:
    say(pipe.set("t", 1).incr("t").get("t").execute())
    attempt("in it:", lambda: pipe.set("t", "x").incr("t").set("t2", 1).execute())
    say(r.get("t"), r.get("t2"))


def bump(pipe):
    bump.tries += 1
    seen = int(pipe.get("watched") or 0)
    if bump.tries == 1:
        other_zero.set("watched", 10)
    pipe.multi()
    pipe.set("watched", seen + 1)


other_zero = redis.Redis(port=port)
bump.tries = 0
say(r.transaction(bump, "watched"), "tries", bump.tries, r.get("watched"))

say("== scripts")
add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
show = r.register_script("return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}")
fail = r.register_script("return redis.call('LPUSH', KEYS[1], 'x')")
for round_ in range(4):
    say(add(keys=["s"], args=[5]), show(keys=["s"], args=["v"]))
    attempt("error:", lambda: fail(keys=["s"]))
    with r.pipeline(transaction=False) as pipe:
        add(keys=["s"], args=[1], client=pipe)
        pipe.get("s")
        add(keys=["s"], args=[2], client=pipe)
        say(pipe.execute())
    with r.pipeline() as pipe:
        pipe.set("s2", round_)
        add(keys=["s2"], args=[1], client=pipe)
        say(pipe.execute())
    lose()
sha = r.script_load("return {ARGV[1], redis.call('INCR', KEYS[1])}")
say(sha, r.script_exists(sha, "0" * 40))
for _ in range(4):
    lose()
    say(r.evalsha(sha, 1, "by sha", "a"))
    with r.pipeline() as pipe:
        say(pipe.evalsha(sha, 1, "by sha", "b").evalsha(sha.upper(), 1, "by sha", "c").execute())
attempt("never given:", lambda: r.evalsha("f" * 40, 0))
attempt("compile:", lambda: r.eval("return (", 0))
say(r.eval("return ARGV", 0, "x", "y"))

say("== lock")
lock = r.lock("lock", timeout=10)
say(lock.acquire(blocking=False), r.lock("lock", timeout=10).acquire(blocking=False))
lose()
say(lock.extend(5), lock.reacquire())
lose()
say(lock.release(), r.exists("lock"))

say("== pub/sub")
p = r.pubsub()
p.subscribe("news")
p.psubscribe("n*")
say(p.get_message(timeout=5))
say(p.get_message(timeout=5))
say(r.pubsub_channels(), r.pubsub_numsub("news"), r.pubsub_numpat())
say(r.publish("news", "hello"))
say(p.get_message(timeout=5))
say(p.get_message(timeout=5))
p.ping()
say(p.get_message(timeout=5))
p.unsubscribe("news")
p.punsubscribe("n*")
say(p.get_message(timeout=5))
say(p.get_message(timeout=5), r.publish("news", "nobody"))
p.close()

say("== blocking")
say(r.blpop("empty", timeout=1))
timer = threading.Timer(0.2, lambda: other_zero.rpush("queue", "job"))
timer.start()
say(r.blpop(["q0", "queue"], timeout=5))
timer.join()
say(r.execute_command("BZPOPMIN", "empty", "0.05"), r.rpush("q1", "v"), r.brpoplpush("q1", "q2", 1))
attempt("blmove:", lambda: r.blmove("q2", "q1", 1))  # from 6.2 on
say(r.lrange("q1", 0, -1), r.xread({"stream": "$"}, block=50))
say("end")
