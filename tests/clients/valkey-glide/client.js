// valkey-glide: client.js MODULE PORT USER PASSWORD. Its core is a redis-rs of its own; scripts are
// sent as EVALSHA, and after NOSCRIPT by SCRIPT LOAD and EVALSHA once more.
"use strict";

const { say, lose, attempt, within, tell } = require("../node-story.js");
const glide = require(process.argv[2]);
const { GlideClient, GlideClientConfiguration, Logger, Script, Batch, ProtocolVersion } = glide;

// Its log is not the story.
Logger.setLoggerConfig("off");

tell(async (port, user, password) => {
  const open = (options = {}) =>
    GlideClient.createClient({
      addresses: [{ host: "127.0.0.1", port }],
      requestTimeout: 10000,
      ...options,
    });

  say("== connect");
  const r = await open({ clientName: "glide" });
  say(await r.ping(), await r.clientGetName());
  const three = await open({
    credentials: { username: user, password },
    databaseId: 3,
    clientName: "three",
    protocol: ProtocolVersion.RESP2,
  });
  say(await three.customCommand(["ACL", "WHOAMI"]), await three.clientGetName());
  say(await three.set("k", "in three"), await r.exists(["k"]));
  await attempt("wrong password:", async () => {
    try {
      await open({ credentials: { username: user, password: "no" } });
    } catch (error) {
      throw new Error(/WRONGPASS|AuthenticationFailed/.test(error.message) ? "refused" : error);
    }
  });

  say("== values");
  const large = "0123456789abcdef".repeat(100000);
  say(await r.set("large", large), (await r.get("large")) === large);
  say(await r.hset("h", { a: "1", b: "2" }), await r.hgetall("h"), await r.mget(["none", "k"]));
  say(await r.zadd("z", { x: 1.5, y: 2 }), await r.zrangeWithScores("z", { start: 0, end: -1 }));
  say(await r.zscore("z", "x"), await r.smembers("none"));
  await Promise.all([...Array(30)].map((_, i) => r.set(`scan:${i}`, `${i}`)));
  const found = new Set();
  for (let cursor = "0"; ; ) {
    const [next, keys] = await r.scan(cursor, { match: "scan:*", count: 7 });
    keys.forEach((key) => found.add(key));
    if ((cursor = next) === "0") break;
  }
  say(found.size);
  await attempt("wrong type:", () => r.lpush("h", ["1"]));
  await attempt("unknown:", () => r.customCommand(["NOSUCH", "x"]));

  say("== pipelines");
  const pipe = new Batch(false);
  for (let i = 0; i < 200; ++i) pipe.incr("n");
  say((await r.exec(pipe.lpush("h", ["1"]).get("n"), false)).slice(198));

  say("== MULTI");
  say(await r.exec(new Batch(true).set("t", "1").incr("t").get("t"), true));
  say(await r.exec(new Batch(true).set("t", "x").incr("t").set("t2", "1"), false));
  await r.watch(["watched"]);
  await three.select(0);
  await three.set("watched", "10");
  say(await r.exec(new Batch(true).set("watched", "1"), true), await r.get("watched"));

  say("== scripts");
  const add = new Script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  const show = new Script("return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}");
  const fail = new Script("return redis.call('LPUSH', KEYS[1], 'x')");
  const run = (script, key, ...args) => r.invokeScript(script, { keys: [key], args });
  for (let round = 0; round < 4; ++round) {
    say(await run(add, "s", "5"), await run(show, "s", "v"));
    await attempt("error:", () => run(fail, "s"));
    say(await Promise.all([...Array(20)].map(() => run(add, "burst", "1"))));
    await lose();
  }
  const sha = await r.customCommand(["SCRIPT", "LOAD", "return {ARGV[1], redis.call('INCR', KEYS[1])}"]);
  say(sha, await r.scriptExists([sha, "0".repeat(40)]));
  const call = (argument) => ["EVALSHA", sha, "1", "by sha", argument];
  for (let round = 0; round < 4; ++round) {
    await lose();
    say(await r.customCommand(call("a")));
    say(await r.exec(new Batch(true).customCommand(call("b")).customCommand(call("c")), true));
  }
  await attempt("never given:", () => r.customCommand(["EVALSHA", "f".repeat(40), "0"]));
  say(await r.customCommand(["EVAL", "return ARGV", "0", "x", "y"]));

  say("== pub/sub");
  const modes = GlideClientConfiguration.PubSubChannelModes;
  const seen = [];
  let arrived;
  const all = new Promise((resolve) => (arrived = resolve));
  const sub = await open({
    pubsubSubscriptions: {
      channelsAndPatterns: {
        [modes.Exact]: new Set(["news", "more"]),
        [modes.Pattern]: new Set(["n*"]),
      },
      callback: (m) =>
        seen.push([m.pattern ?? "", m.channel, m.message].map(String)) === 3 && arrived(),
    },
  });
  const numsub = async () => JSON.stringify(await r.pubsubNumSub(["news", "more"]));
  for (let i = 0; i < 500 && !(await numsub()).match(/1.*1/); ++i)
    await new Promise((resolve) => setTimeout(resolve, 10));
  for (let i = 0; i < 500 && (await r.pubsubNumPat()) !== 1; ++i)
    await new Promise((resolve) => setTimeout(resolve, 10));
  say(await r.publish("hello", "news"), await r.publish("again", "more"), await within(all), seen);
  say(await sub.get("t"));

  say("== blocking");
  say(await r.blpop(["empty"], 1), await r.bzpopmin(["empty"], 0.05));
  const popped = three.blpop(["q0", "queue"], 5);
  say(await r.rpush("queue", ["job"]), await within(popped));
  say(await r.rpush("q1", ["v"]), await r.customCommand(["BRPOPLPUSH", "q1", "q2", "1"]));
  say(await r.xread({ stream: "$" }, { block: 50 }));
  for (const client of [r, three, sub]) client.close();
});
