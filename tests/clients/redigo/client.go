// redigo: scripts by redis.NewScript, which sends EVALSHA and falls back to EVAL.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/gomodule/redigo/redis"
)

var in = bufio.NewReader(os.Stdin)

func shown(value interface{}) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case []interface{}:
		text := "["
		for i, one := range v {
			if i > 0 {
				text += ", "
			}
			text += shown(one)
		}
		return text + "]"
	case nil:
		return "nil"
	}
	return fmt.Sprint(value)
}

func say(words ...interface{}) {
	for i, word := range words {
		if i > 0 {
			fmt.Print(" ")
		}
		fmt.Print(shown(word))
	}
	fmt.Println()
}

func lose() {
	say("@lose")
	in.ReadString('\n')
}

// The answer or the error, whatever came.
func got(value interface{}, err error) interface{} {
	if err != nil {
		return "error: " + err.Error()
	}
	return value
}

func open(port string, options ...redis.DialOption) redis.Conn {
	options = append(options, redis.DialReadTimeout(10*time.Second))
	c, err := redis.Dial("tcp", "127.0.0.1:"+port, options...)
	if err != nil {
		fmt.Println("connect:", err)
		os.Exit(1)
	}
	return c
}

func main() {
	port, user, password := os.Args[1], os.Args[2], os.Args[3]
	pool := &redis.Pool{MaxIdle: 3, Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", "127.0.0.1:"+port, redis.DialClientName("go"))
	}}
	c := pool.Get()

	say("== connect")
	say(got(c.Do("PING")), got(c.Do("CLIENT", "GETNAME")))
	three := open(port, redis.DialUsername(user), redis.DialPassword(password), redis.DialDatabase(3))
	say(got(three.Do("ACL", "WHOAMI")), got(three.Do("SET", "k", "in three")), got(c.Do("EXISTS", "k")))
	_, err := redis.Dial("tcp", "127.0.0.1:"+port, redis.DialUsername(user), redis.DialPassword("no"))
	say("wrong password:", err)

	say("== values")
	large := make([]byte, 1600000)
	for i := range large {
		large[i] = byte(i)
	}
	say(got(c.Do("SET", "large", large)))
	back, _ := redis.Bytes(c.Do("GET", "large"))
	say(string(back) == string(large))
	say(got(c.Do("HSET", "h", "a", 1, "b", 2)), got(c.Do("HGETALL", "h")), got(c.Do("MGET", "none", "k")))
	say("wrong type:", got(c.Do("LPUSH", "h", 1)), "unknown:", got(c.Do("NOSUCH", "x")))

	say("== pipelines")
	for i := 0; i < 200; i++ {
		c.Send("INCR", "n")
	}
	c.Send("LPUSH", "h", 1)
	c.Flush()
	for i := 0; i < 199; i++ {
		c.Receive()
	}
	say(got(c.Receive()), got(c.Receive()), got(c.Do("GET", "n")))

	say("== MULTI")
	c.Send("MULTI")
	c.Send("SET", "t", 1)
	c.Send("INCR", "t")
	say(got(c.Do("EXEC")))
	c.Send("MULTI")
	c.Send("SET", "t", "x")
	c.Send("INCR", "t")
	say(got(c.Do("EXEC")))
	c.Do("WATCH", "watched")
	three.Do("SELECT", 0)
	three.Do("SET", "watched", 10)
	c.Send("MULTI")
	c.Send("SET", "watched", 1)
	say(got(c.Do("EXEC")), got(c.Do("GET", "watched")))

	say("== scripts")
	add := redis.NewScript(1, "return redis.call('INCRBY', KEYS[1], ARGV[1])")
	show := redis.NewScript(1, "return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}")
	fail := redis.NewScript(1, "return redis.call('LPUSH', KEYS[1], 'x')")
	loaded := redis.NewScript(1, "return {ARGV[1], redis.call('INCR', KEYS[1])}")
	say(got(nil, loaded.Load(c)), got(c.Do("SCRIPT", "EXISTS", loaded.Hash())))
	for round := 0; round < 4; round++ {
		say(got(add.Do(c, "s", 5)), got(show.Do(c, "s", "v")), got(fail.Do(c, "s")))
		// Sent by its hash alone, so in a pipeline nothing could fall back.
		add.SendHash(c, "s", 1)
		loaded.SendHash(c, "by sha", "a")
		c.Flush()
		say(got(c.Receive()), got(c.Receive()))
		c.Send("MULTI")
		c.Send("SET", "s2", round)
		loaded.SendHash(c, "s2", "b")
		say(got(c.Do("EXEC")))
		// The connection goes to the pool and comes back.
		c.Close()
		c = pool.Get()
		lose()
	}
	say("never given:", got(c.Do("EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", 0)))
	say("compile:", got(c.Do("EVAL", "return (", 0)), got(c.Do("EVAL", "return ARGV", 0, "x", "y")))

	say("== pub/sub")
	sub := redis.PubSubConn{Conn: open(port)}
	sub.Subscribe("news")
	sub.PSubscribe("n*")
	for i := 0; i < 4; i++ {
		switch m := sub.ReceiveWithTimeout(5 * time.Second).(type) {
		case redis.Subscription:
			say(m.Kind, m.Channel, m.Count)
			if m.Count == 2 {
				say(got(c.Do("PUBLISH", "news", "hello")), got(c.Do("PUBSUB", "NUMSUB", "news")))
			}
		case redis.Message:
			say("message", m.Pattern, m.Channel, m.Data)
		case error:
			say("error:", m)
		}
	}
	sub.Ping("are you there")
	say(sub.ReceiveWithTimeout(5 * time.Second))
	sub.Unsubscribe()
	sub.PUnsubscribe()
	say(sub.ReceiveWithTimeout(5*time.Second), sub.ReceiveWithTimeout(5*time.Second))
	say(got(sub.Conn.Do("GET", "t")), got(c.Do("PUBLISH", "news", "nobody")))

	say("== blocking")
	say(got(c.Do("BLPOP", "empty", 1)), got(c.Do("BZPOPMIN", "empty", "0.05")))
	go func() {
		time.Sleep(200 * time.Millisecond)
		three.Do("RPUSH", "queue", "job")
	}()
	say(got(c.Do("BLPOP", "q0", "queue", 5)), got(c.Do("RPUSH", "q1", "v")))
	say(got(c.Do("BRPOPLPUSH", "q1", "q2", 1)))
	c.Close()
	three.Close()
	say("end")
}
