// redis-semaphore on ioredis 5 and 6: each kind of lock is a handful of Lua scripts.
"use strict";

const { say, lose, attempt, tell } = require("../node-story.js");
const { Mutex, Semaphore, MultiSemaphore, RedlockMutex } = require(process.argv[2]);

const short = { acquireTimeout: 300, retryInterval: 20, lockTimeout: 60000, refreshInterval: 0 };

tell(async (port, user, password) => {
  for (const module of ["ioredis5", "ioredis6"]) {
    const { Redis } = require(module);
    const r = new Redis({ port, host: "127.0.0.1", username: user, password });
    const kinds = {
      mutex: () => new Mutex(r, "m", short),
      semaphore: () => new Semaphore(r, "s", 2, short),
      "multi-semaphore": () => new MultiSemaphore(r, "ms", 3, 2, short),
      "redlock mutex": () => new RedlockMutex([r], "rm", short),
    };
    say("== locks with", module);
    for (const [kind, make] of Object.entries(kinds)) {
      const held = [];
      // So many until one more must wait in vain.
      for (let i = 0; i < 3; ++i) {
        const lock = make();
        await attempt(`${kind} ${i}:`, async () => {
          await lock.acquire();
          held.push(lock);
          return "acquired";
        });
        await lose();
      }
      for (const lock of held) say(kind, "held", lock.isAcquired, await lock.release());
      const again = make();
      await again.acquire();
      say(kind, "once more", again.isAcquired);
      await again.release();
    }
    await r.quit();
  }
});
