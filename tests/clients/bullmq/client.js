// BullMQ: ten and more scripts, sent as ioredis 6 sends them, and workers that block in BZPOPMIN.
"use strict";

const { say, lose, within, tell } = require("../node-story.js");
const { Queue, Worker, QueueEvents, FlowProducer } = require(process.argv[2]);

const sorted = (values) => [...values].sort();

tell(async (port, user, password) => {
  const connection = { port, host: "127.0.0.1", username: user, password };
  const queue = new Queue("jobs", { connection });
  const events = new QueueEvents("jobs", { connection });
  await events.waitUntilReady();
  const tries = new Map();
  const work = async (job) => {
    tries.set(job.name, (tries.get(job.name) ?? 0) + 1);
    if (job.name.startsWith("fails")) throw new Error(`${job.name} fails`);
    if (job.name.startsWith("twice") && tries.get(job.name) < 2) throw new Error("not yet");
    await job.updateProgress(50);
    return job.data.value * 2;
  };
  const worker = new Worker("jobs", work, { connection, concurrency: 4 });
  // What blocks when the master ends is lost with it, as on a direct connection.
  for (const one of [worker, events, queue])
    one.on("error", (error) => /^UPSTREAMLOST/.test(error.message) || say("error:", error));
  await worker.waitUntilReady();

  say("== bulk, retries, delays, priorities");
  for (let round = 0; round < 2; ++round) {
    const name = (word, i) => `${word} ${round}.${i}`;
    const jobs = await queue.addBulk(
      [...Array(20)].map((_, i) => ({ name: name("double", i), data: { value: i } })),
    );
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20000)));
    say(results);
    await lose();
    const options = { attempts: 2, backoff: { type: "fixed", delay: 50 } };
    const twice = await queue.add(name("twice", 0), { value: 21 }, options);
    const failing = await queue.add(name("fails", 0), {}, options);
    say(await twice.waitUntilFinished(events, 20000));
    say(await failing.waitUntilFinished(events, 20000).catch((error) => error.message));
    await lose();
    const later = await queue.add(name("later", 0), { value: 4 }, { delay: 100, priority: 3 });
    say(await later.waitUntilFinished(events, 20000));
  }
  say(await queue.getJobCounts("wait", "active", "delayed", "failed", "completed"));
  say(sorted([...tries].map(([job, n]) => `${job}: ${n}`)).filter((t) => !t.startsWith("double")));

  say("== pause, flows, repeat");
  await queue.pause();
  const paused = await queue.add("paused", { value: 1 });
  say(await queue.isPaused(), await paused.getState());
  await lose();
  await queue.resume();
  say(await paused.waitUntilFinished(events, 20000));
  const flows = new FlowProducer({ connection });
  const tree = await flows.add({
    name: "parent",
    queueName: "jobs",
    data: { value: 100 },
    children: [1, 2, 3].map((value) => ({ name: "child", queueName: "jobs", data: { value } })),
  });
  say(await tree.job.waitUntilFinished(events, 20000), sorted(Object.values(await tree.job.getChildrenValues())));
  await lose();
  let repeats = 0;
  const thrice = new Promise((resolve) =>
    worker.on("completed", (job) => job.name === "tick" && ++repeats === 3 && resolve("three")),
  );
  await queue.upsertJobScheduler("ticker", { every: 200 }, { name: "tick", data: { value: 1 } });
  say(await within(thrice, 20000), await queue.removeJobScheduler("ticker"));
  await worker.close();
  await queue.obliterate({ force: true });
  say(await queue.getJobCounts("wait", "completed"));
  for (const one of [queue, events, flows]) await one.close();
});
