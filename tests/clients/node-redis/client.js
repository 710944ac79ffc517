// node-redis: client.js MODULE [RESP] PORT USER PASSWORD. Scripts by defineScript, which sends
// EVALSHA and falls back to EVAL; in MULTI it always sends EVAL.
"use strict";

const { say, lose, attempt, within, tell } = require("../node-story.js");
const { createClient, defineScript } = require(process.argv[2]);

const RESP = process.argv.length === 7 ? Number(process.argv[3]) : undefined;

// Version 4 asks for transformArguments, the later ones for parseCommand.
function script(body, values) {
  return defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: body,
    transformArguments: (key, ...rest) => [key, ...rest.map(String)],
    parseCommand: (parser, key, ...rest) => {
      parser.pushKey(key);
      for (const value of rest.slice(0, values)) parser.push(String(value));
    },
    transformReply: (reply) => reply,
  });
}

const scripts = {
  add: script("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1),
  show: script("return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}", 1),
  fail: script("return redis.call('LPUSH', KEYS[1], 'x')", 0),
};

tell(async (port, user, password) => {
  const open = async (options = {}) => {
    const socket = { port, host: "127.0.0.1" };
    const client = createClient({ ...(RESP && { RESP }), socket, scripts, ...options });
    client.on("error", () => {});
    await client.connect();
    return client;
  };

  say("== connect");
  const r = await open({ name: "node" });
  say(await r.ping(), await r.clientGetName());
  const three = await open({ username: user, password, database: 3, name: "three" });
  say(await three.sendCommand(["ACL", "WHOAMI"]), await three.clientGetName());
  say(await three.set("k", "in three"), await r.exists("k"));
  const socket = { port, host: "127.0.0.1", reconnectStrategy: false };
  await attempt("wrong password:", () => open({ username: user, password: "no", socket }));

  say("== values");
  const large = "0123456789abcdef".repeat(100000);
  say(await r.set("large", large), (await r.get("large")) === large);
  say(await r.hSet("h", { a: 1, b: 2 }), await r.hGetAll("h"), await r.mGet(["none", "k"]));
  say(await r.zAdd("z", [{ score: 1.5, value: "x" }, { score: 2, value: "y" }]));
  say(await r.zRangeWithScores("z", 0, -1), await r.zScore("z", "x"), await r.sMembers("none"));
  await Promise.all([...Array(30)].map((_, i) => r.set(`scan:${i}`, i)));
  const found = new Set();
  for await (const keys of r.scanIterator({ MATCH: "scan:*", COUNT: 7 }))
    [keys].flat().forEach((key) => found.add(key));
  say(found.size);
  await attempt("wrong type:", () => r.lPush("h", "1"));
  await attempt("unknown:", () => r.sendCommand(["NOSUCH", "x"]));

  say("== pipelines");
  const many = await Promise.all([...Array(200)].map(() => r.incr("n")));
  say(many[0], many[199], await Promise.allSettled([r.lPush("h", "1"), r.get("n"), r.add("n", 3)]));

  say("== MULTI");
  say(await r.multi().set("t", "1").incr("t").get("t").exec());
  await attempt("in it:", () => r.multi().set("t", "x").incr("t").set("t2", "1").exec());
  say(await r.get("t2"));
  await r.watch("watched");
  await three.select(0);
  await three.set("watched", "10");
  await attempt("watched:", () => r.multi().set("watched", "1").exec());
  say(await r.get("watched"));

  say("== scripts");
  for (let round = 0; round < 4; ++round) {
    say(await r.add("s", 5), await r.show("s", "v"));
    await attempt("error:", () => r.fail("s"));
    say(await r.multi().set("s2", `${round}`).add("s2", 1).get("s2").exec());
    say(await Promise.all([...Array(20)].map(() => r.add("burst", 1))));
    await lose();
  }
  const sha = await r.scriptLoad("return {ARGV[1], redis.call('INCR', KEYS[1])}");
  say(sha, await r.scriptExists([sha, "0".repeat(40)]));
  const call = (argument) => ["EVALSHA", sha, "1", "by sha", argument];
  for (let round = 0; round < 4; ++round) {
    await lose();
    say(await r.evalSha(sha, { keys: ["by sha"], arguments: ["a"] }));
    say(await r.multi().addCommand(call("b")).addCommand(call("c")).exec());
  }
  await attempt("never given:", () => r.evalSha("f".repeat(40)));
  await attempt("compile:", () => r.eval("return ("));
  say(await r.eval("return ARGV", { arguments: ["x", "y"] }));

  say("== pub/sub");
  const sub = await open();
  const news = [];
  let arrived;
  const all = new Promise((resolve) => (arrived = resolve));
  const take = (...words) => news.push(words) === 3 && arrived();
  await sub.subscribe(["news", "more"], take);
  await sub.pSubscribe("n*", take);
  say(await r.pubSubNumSub(["news"]), await r.pubSubNumPat(), await r.publish("news", "hello"));
  say(await r.publish("more", "again"), await within(all), news);
  await sub.unsubscribe(["news", "more"]);
  await sub.pUnsubscribe("n*");
  say(await sub.get("t"), await r.publish("news", "nobody"));

  say("== blocking");
  say(await r.blPop("empty", 1), await r.bzPopMin("empty", 0.05));
  const popped = sub.blPop(["q0", "queue"], 5);
  say(await three.rPush("queue", "job"), await within(popped));
  say(await r.rPush("q1", "v"), await r.brPopLPush("q1", "q2", 1));
  // By its own words, version 5 has no RESP3 form of it.
  if (!RESP) say(await r.xRead({ key: "stream", id: "$" }, { BLOCK: 50 }));
  say(await r.quit(), await sub.quit());
});
