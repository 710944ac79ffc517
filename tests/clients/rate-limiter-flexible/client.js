// rate-limiter-flexible on ioredis 5 and 6 and node-redis 6: a script by whatever way its client has.
"use strict";

const { say, lose, attempt, tell } = require("../node-story.js");
const { RateLimiterRedis, RateLimiterQueue } = require(process.argv[2]);

async function connect(module, port, user, password) {
  if (module.startsWith("ioredis")) {
    const { Redis } = require(module);
    return new Redis({ port, host: "127.0.0.1", username: user, password });
  }
  const { createClient } = require(module);
  const socket = { port, host: "127.0.0.1" };
  const client = createClient({ socket, username: user, password });
  await client.connect();
  return client;
}

const left = (result) =>
  `consumed ${result.consumedPoints}, left ${result.remainingPoints}, in time ` +
  `${result.msBeforeNext > 0 && result.msBeforeNext <= 60000}`;

tell(async (port, user, password) => {
  for (const module of ["ioredis5", "ioredis6", "redis6"]) {
    say("== limits and queues with", module);
    const storeClient = await connect(module, port, user, password);
    const useRedisPackage = module.startsWith("redis");
    const keyPrefix = module;
    const limits = { storeClient, useRedisPackage, keyPrefix, points: 5, duration: 60 };
    const limiter = new RateLimiterRedis(limits);
    for (let i = 0; i < 8; ++i) {
      try {
        say(left(await limiter.consume("client")));
      } catch (refused) {
        say("refused:", refused instanceof Error ? refused : left(refused));
      }
      await lose();
    }
    say(left(await limiter.get("client")), left(await limiter.reward("client", 2)));
    say(await limiter.delete("client"), await limiter.get("client"));
    const burst = await Promise.allSettled([...Array(8)].map(() => limiter.consume("burst")));
    say(burst.filter((one) => one.status === "fulfilled").length, "of", burst.length);
    const queue = new RateLimiterQueue(
      new RateLimiterRedis({ ...limits, keyPrefix: `${module}q`, points: 2, duration: 1 }),
    );
    await attempt("queue:", () => Promise.all([1, 2, 3].map(() => queue.removeTokens(1, "q"))).then(
      (all) => all.length,
    ));
    await (storeClient.quit ? storeClient.quit() : storeClient.close());
  }
});
