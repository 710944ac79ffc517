// Bull 4 on ioredis 5: scripts by defineCommand, pub/sub, BRPOPLPUSH.
"use strict";

const { say, lose, within, tell } = require("../node-story.js");
const Queue = require(process.argv[2]);

tell(async (port, user, password) => {
  const queue = new Queue("jobs", { redis: { port, host: "127.0.0.1", username: user, password } });
  // What blocks when the master ends is lost with it, as on a direct connection.
  queue.on("error", (error) => /^UPSTREAMLOST/.test(error.message) || say("error:", error));
  const tries = new Map();
  queue.process("*", 4, async (job) => {
    tries.set(job.name, (tries.get(job.name) ?? 0) + 1);
    if (job.name === "fails") throw new Error(`${job.name}`);
    if (job.name.startsWith("twice") && tries.get(job.name) < 2) throw new Error("not yet");
    return job.data.value * 2;
  });
  await queue.isReady();

  say("== retries, delays, priorities");
  for (let round = 0; round < 2; ++round) {
    const jobs = await Promise.all([...Array(20)].map((_, value) => queue.add("double", { value })));
    say(await Promise.all(jobs.map((job) => within(job.finished(), 20000))));
    await lose();
    const options = { attempts: 2, backoff: 50 };
    say(await (await queue.add(`twice ${round}`, { value: 21 }, options)).finished());
    const failing = await queue.add("fails", {}, options);
    say(await failing.finished().catch((error) => error.message));
    await lose();
    say(await (await queue.add("later", { value: 4 }, { delay: 100, priority: 3 })).finished());
  }
  say(await queue.getJobCounts());

  say("== pause, repeat");
  await queue.pause();
  const paused = await queue.add("paused", { value: 1 });
  say(await queue.isPaused(), await queue.getWaitingCount() + await queue.getPausedCount());
  await lose();
  await queue.resume();
  say(await paused.finished());
  await lose();
  let repeats = 0;
  const thrice = new Promise((resolve) =>
    queue.on("completed", (job) => job.name === "tick" && ++repeats === 3 && resolve("three")),
  );
  await queue.add("tick", { value: 1 }, { repeat: { every: 200 } });
  say(await within(thrice, 20000), await queue.removeRepeatable("tick", { every: 200 }));
  await queue.obliterate({ force: true });
  say(await queue.getJobCounts());
  await queue.close();
});
