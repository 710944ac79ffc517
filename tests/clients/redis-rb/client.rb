# redis-rb: scripts by hand, as EVALSHA after SCRIPT LOAD or EVAL.
require "digest"
require "redis"

port, user, password = ARGV
$stdout.sync = true

def say(*words)
  puts(words.map { |w| w.is_a?(String) ? w : w.inspect }.join(" "))
end

def lose
  say "@lose"
  $stdin.gets
end

def attempt(what)
  say(what, yield)
rescue Redis::BaseError => e
  say(what, e.class, e.message)
end

address = { host: "127.0.0.1", port: port.to_i, timeout: 10 }
r = Redis.new(**address, id: "rb")

say "== connect"
say(r.ping, r.call("CLIENT", "GETNAME"))
three = Redis.new(**address, username: user, password: password, db: 3)
say(three.call("ACL", "WHOAMI"), three.set("k", "in three"), r.exists?("k"))
attempt("wrong password:") { Redis.new(**address, username: user, password: "no").ping }

say "== values"
bytes = (0..255).to_a.pack("C*")
say(r.set("bytes", bytes), r.get("bytes").b == bytes)
large = "0123456789abcdef" * 100_000
say(r.set("large", large), r.get("large") == large)
say(r.hset("h", "a", 1, "b", 2), r.hgetall("h"), r.mget("none", "k"))
say(r.zadd("z", [[1.5, "x"], [2, "y"]]), r.zrange("z", 0, -1, with_scores: true))
30.times { |i| r.set("scan:#{i}", i) }
say(r.scan_each(match: "scan:*", count: 7).to_a.uniq.size)
attempt("wrong type:") { r.lpush("h", 1) }
attempt("unknown:") { r.call("NOSUCH", "x") }

say "== pipelines"
counted = r.pipelined do |pipe|
  200.times { pipe.incr("n") }
  pipe.get("n")
end
say(counted.last(2))
attempt("error in it:") { r.pipelined { |pipe| pipe.lpush("h", 1); pipe.incr("n") } }
say(r.get("n"))

say "== MULTI"
say(r.multi { |tx| tx.set("t", 1); tx.incr("t"); tx.get("t") })
attempt("in it:") { r.multi { |tx| tx.set("t", "x"); tx.incr("t"); tx.set("t2", 1) } }
say(r.get("t2"))
three.select(0)
watched = r.watch("watched") do
  three.set("watched", 10)
  r.multi { |tx| tx.set("watched", 1) }
end
say(watched, r.get("watched"), r.watch("watched") { |client| client.unwatch })

say "== scripts"
body = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
show = "return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}"
say(r.eval(body, ["s"], [5]), r.eval(show, keys: ["s"], argv: ["v"]))
add = r.script(:load, "return {ARGV[1], redis.call('INCR', KEYS[1])}")
say(add, r.script(:exists, [add, "0" * 40]))
add_sha = Digest::SHA1.hexdigest(body)
show_sha = Digest::SHA1.hexdigest(show)
4.times do |round|
  lose
  say(r.evalsha(add_sha, ["s"], [5]), r.evalsha(add, ["by sha"], ["a"]))
  say(r.evalsha(show_sha, ["s"], ["v"]))
  attempt("error:") { r.eval("return redis.call('LPUSH', KEYS[1], 'x')", ["s"]) }
  piped = r.pipelined do |pipe|
    pipe.evalsha(add, ["by sha"], ["b"])
    pipe.get("by sha")
    pipe.evalsha(add_sha, ["s"], [1])
  end
  say(piped, r.multi { |tx| tx.set("s2", round); tx.evalsha(add, ["s2"], ["c"]) })
end
attempt("never given:") { r.evalsha("f" * 40) }
attempt("compile:") { r.eval("return (") }
say(r.eval("return ARGV", [], %w[x y]))

say "== pub/sub"
sub = Redis.new(**address)
sub.subscribe("news", "more") do |on|
  on.subscribe do |channel, count|
    say("subscribed", channel, count)
    say(r.publish("news", "hello"), r.publish("more", "again")) if count == 2
  end
  on.message do |channel, message|
    say(channel, message)
    sub.unsubscribe if channel == "more"
  end
end
sub.psubscribe("n*") do |on|
  on.psubscribe { |*words| say(words, r.pubsub("numpat"), r.publish("news", "pattern")) }
  on.pmessage do |*words|
    say(words)
    sub.punsubscribe
  end
end
say(sub.get("t"), r.publish("news", "nobody"))

say "== blocking"
say(r.blpop("empty", timeout: 1), r.bzpopmin("empty", timeout: 0.05))
teller = Thread.new do
  sleep 0.2
  three.rpush("queue", "job")
end
say(r.blpop("q0", "queue", timeout: 5))
teller.join
say(r.rpush("q1", "v"), r.brpoplpush("q1", "q2", timeout: 1), r.xread("stream", "$", block: 50))
say "end"
