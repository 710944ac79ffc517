// What the Node programs share: the story's lines, and the word to the runner.
"use strict";

const readline = require("readline");

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Keys in one order, bytes as text: two runs of the same client must print the same.
function shown(value) {
  if (value === undefined) return "undefined";
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.constructor.name} ${value.message}`;
  return JSON.stringify(value, (_, v) => {
    if (typeof v === "bigint") return `${v}n`;
    if (v instanceof Error) return shown(v);
    if (v && v.type === "Buffer") return `bytes ${Buffer.from(v.data).toString("latin1")}`;
    if (v instanceof Map) return [...v];
    if (v && typeof v === "object" && !Array.isArray(v))
      return Object.fromEntries(Object.entries(v).sort());
    return v;
  });
}

function say(...words) {
  console.log(words.map(shown).join(" "));
}

// The nodes lose their scripts now.
async function lose() {
  say("@lose");
  await lines.next();
}

async function attempt(what, action) {
  try {
    say(what, await action());
  } catch (error) {
    say(what, error);
  }
}

// The first call of `next` that comes, or the word "nothing" after a while.
function within(promise, ms = 5000) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms, "nothing")));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function tell(story) {
  const [port, user, password] = process.argv.slice(-3);
  story(Number(port), user, password).then(
    () => {
      say("end");
      process.exit(0);
    },
    (error) => {
      console.log(error);
      process.exit(1);
    },
  );
}

module.exports = { say, lose, attempt, within, tell };
