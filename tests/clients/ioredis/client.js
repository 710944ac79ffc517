// ioredis and iovalkey: client.js MODULE PORT USER PASSWORD. Scripts by defineCommand, which sends
// EVAL once for each connection and EVALSHA from then on, in pipelines and MULTI too.
"use strict";

const { say, lose, attempt, within, tell } = require("../node-story.js");
const loaded = require(process.argv[2]);
const Redis = loaded.Redis || loaded.default || loaded;

async function messages(subscriber, event, count) {
  const seen = [];
  return new Promise((resolve) => {
    subscriber.on(event, (...words) => {
      seen.push(words.map(String));
      if (seen.length === count) resolve(seen);
    });
  });
}

tell(async (port, user, password) => {
  const open = (options) => new Redis({ port, host: "127.0.0.1", lazyConnect: true, ...options });
  const r = open({ connectionName: "io" });
  const commands = {
    add: { numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" },
    show: { numberOfKeys: 1, lua: "return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}" },
    fail: { numberOfKeys: 1, lua: "return redis.call('LPUSH', KEYS[1], 'x')" },
    peek: { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1])", readOnly: true },
  };
  for (const [name, command] of Object.entries(commands)) r.defineCommand(name, command);

  say("== connect");
  await r.connect();
  say(await r.ping(), await r.client("GETNAME"));
  const three = open({ username: user, password, db: 3, connectionName: "three" });
  await three.connect();
  say(await three.acl("WHOAMI"), await three.client("GETNAME"), await three.set("k", "in three"));
  say(await r.exists("k"));
  const wrong = open({ username: user, password: "no", retryStrategy: null });
  const refusal = new Promise((resolve) => wrong.once("error", resolve));
  wrong.on("error", () => {});
  wrong.connect().catch(() => {});
  say("wrong password:", await within(refusal));
  wrong.disconnect();

  say("== values");
  const bytes = Buffer.from([...Array(256).keys()]);
  say(await r.set("bytes", bytes), bytes.equals(await r.getBuffer("bytes")));
  const large = "0123456789abcdef".repeat(100000);
  say(await r.set("large", large), (await r.get("large")) === large);
  say(await r.hset("h", { a: 1, b: 2 }), await r.hgetall("h"), await r.mget("large2", "none"));
  say(await r.zadd("z", 1.5, "x", 2, "y"), await r.zrange("z", 0, -1, "WITHSCORES"));
  for (let i = 0; i < 30; ++i) r.set(`scan:${i}`, i);
  const found = new Set();
  for await (const keys of r.scanStream({ match: "scan:*", count: 7 }))
    keys.forEach((key) => found.add(key));
  say(found.size);
  await attempt("wrong type:", () => r.lpush("h", 1));
  await attempt("unknown:", () => r.call("NOSUCH", "x"));

  say("== pipelines");
  const pipe = r.pipeline();
  for (let i = 0; i < 200; ++i) pipe.incr("n");
  const answers = await pipe.lpush("h", 1).get("n").add("n", 3).get("n").exec();
  say(answers.slice(198));

  say("== MULTI");
  say(await r.multi().set("t", 1).incr("t").get("t").exec());
  say(await r.multi().set("t", "x").incr("t").set("t2", 1).exec(), await r.get("t2"));
  await r.watch("watched");
  await three.select(0);
  await three.set("watched", 10);
  say(await r.multi().set("watched", 1).exec(), await r.get("watched"));
  await r.multi({ pipeline: false });
  say(await r.set("t", 5), await r.add("t", 2), await r.exec());

  say("== scripts");
  for (let round = 0; round < 4; ++round) {
    say(await r.add("s", 5), await r.show("s", "v"), await r.peek("s"));
    await attempt("error:", () => r.fail("s"));
    say(await r.pipeline().add("s", 1).get("s").add("s", 2).fail("s").peek("s").exec());
    say(await r.multi().set("s2", round).add("s2", 1).peek("s2").exec());
    say(await Promise.all([...Array(20)].map(() => r.add("burst", 1))));
    await lose();
  }
  const sha = await r.script("LOAD", "return {ARGV[1], redis.call('INCR', KEYS[1])}");
  say(sha, await r.script("EXISTS", sha, "0".repeat(40)));
  for (let round = 0; round < 4; ++round) {
    await lose();
    say(await r.evalsha(sha, 1, "by sha", "a"));
    say(await r.multi().evalsha(sha, 1, "by sha", "b").evalsha(sha, 1, "by sha", "c").exec());
  }
  await attempt("never given:", () => r.evalsha("f".repeat(40), 0));
  await attempt("compile:", () => r.eval("return (", 0));
  say(await r.eval("return ARGV", 0, "x", "y"));

  say("== pub/sub");
  const sub = open({});
  await sub.connect();
  say(await sub.subscribe("news", "more"), await sub.psubscribe("n*"));
  say(await r.pubsub("NUMSUB", "news"), await r.pubsub("NUMPAT"));
  const seen = [messages(sub, "message", 2), messages(sub, "pmessage", 1)];
  say(await r.publish("news", "hello"), await r.publish("more", "again"));
  for (const one of seen) say(await within(one));
  say(await sub.unsubscribe("news"), await sub.unsubscribe("more"), await sub.punsubscribe("n*"));
  say(await sub.get("t"), await r.publish("news", "nobody"));

  say("== blocking");
  say(await r.blpop("empty", 1), await r.bzpopmin("empty", 0.05));
  const popped = r.duplicate().blpop("q0", "queue", 5);
  say(await three.rpush("queue", "job"), await within(popped));
  say(await r.rpush("q1", "v"), await r.brpoplpush("q1", "q2", 1));
  say(await r.xread("BLOCK", 50, "STREAMS", "stream", "$"));
  say(await r.quit(), await sub.quit());
});
