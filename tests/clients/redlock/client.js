// redlock 4 on ioredis 5: its scripts are EVAL and EVALSHA of its own making.
"use strict";

const { say, lose, attempt, tell } = require("../node-story.js");
const Redlock = require(process.argv[2]);
const Redis = require("ioredis5");

tell(async (port, user, password) => {
  const r = new Redis({ port, host: "127.0.0.1", username: user, password });
  const locks = new Redlock([r], { retryCount: 0 });
  const patient = new Redlock([r], { retryCount: 100, retryDelay: 20, retryJitter: 0 });

  say("== lock, extend, wait, unlock");
  for (let round = 0; round < 4; ++round) {
    let lock = await locks.lock("lock", 30000);
    say(await r.exists("lock"));
    await attempt("locked twice:", () => locks.lock("lock", 30000));
    await lose();
    lock = await lock.extend(20000);
    say("extended", (await r.pttl("lock")) > 15000);
    await lose();
    const waiting = patient.lock(["lock", "second"], 30000);
    await lock.unlock();
    const both = await waiting;
    say("held", await r.exists("lock", "second"));
    await both.unlock();
    say("free", await r.exists("lock", "second"));
    await attempt("unlocked twice:", () => both.unlock());
  }
  await r.quit();
});
