// What client libraries send when they connect and call a script, replayed: the libraries
// themselves are not to be had from Debian or npm. Every byte of the replies is the server's, but
// for ids and what changes with time.
//
// `make test-clients` reads the properties of the cases for its table.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;
// Commands that leave in one write; the next batch waits for all of their replies.
using Batch = std::vector<Args>;
using Story = std::vector<Batch>;

const std::string kScript = "return {KEYS[1], redis.call('INCR', KEYS[1])}";

// EVALSHA of a script that nobody has, EVAL, and by its name from then on.
Story FallsBackToEval() {
  return {{{"EVALSHA", Sha1Hex(kScript), "1", "key"}},
          {{"EVAL", kScript, "1", "key"}},
          {{"EVALSHA", Sha1Hex(kScript), "1", "key"}, {"EVALSHA", Sha1Hex(kScript), "1", "key"}}};
}

// EVALSHA, SCRIPT LOAD, and EVALSHA once more.
Story FallsBackToLoad() {
  return {{{"EVALSHA", Sha1Hex(kScript), "1", "key"}},
          {{"SCRIPT", "LOAD", kScript}},
          {{"EVALSHA", Sha1Hex(kScript), "1", "key"}, {"GET", "key"}}};
}

Story Joined(Story story, const Story& more) {
  story.insert(story.end(), more.begin(), more.end());
  return story;
}

// `subject` with `user` who has `password`; no user: without AUTH.
struct Who {
  std::string user;
  std::string password;
};
const std::vector<Who> kEverybody = {{"", ""}, {"app", "sesame"}, {"app", "wrong"}};

Args Hello(const Who& who, const std::string& name = "") {
  Args hello = {"HELLO", "3"};
  if (!who.user.empty()) hello.insert(hello.end(), {"AUTH", who.user, who.password});
  if (!name.empty()) hello.insert(hello.end(), {"SETNAME", name});
  return hello;
}

class Handshakes : public testing::Test {
 protected:
  static StageOptions Options() {
    StageOptions options;
    options.replicas = 1;
    options.reads = "master";  // as it is without a configuration
    return options;
  }

  Handshakes() : stage_(Options()) {
    stage_.master()("ACL", "SETUSER", "app", "on", ">sesame", "~*", "+@all");
  }

  void Tried(const std::string& client, const std::string& what) {
    RecordProperty("client", client + ", replay");
    RecordProperty("tried", what);
  }

  // The replies as they came, one behind the other, without what differs between two runs.
  static std::string Play(const Endpoint& endpoint, const Story& story) {
    RespClient client(endpoint);
    std::string replies;
    for (const Batch& batch : story) {
      for (const Args& command : batch) client.Send(command);
      for (const Args& command : batch) {
        client.Receive();
        std::string reply = client.last_raw();
        static const std::regex number("[0-9]+");
        static const std::regex id("(\\$2\r\nid\r\n):[0-9]+");
        if (command[0] == "INFO" || (command[0] == "CLIENT" && command[1] == "ID"))
          reply = std::regex_replace(reply, number, "N");
        replies += command[0] + " > " + std::regex_replace(reply, id, "$1:ID");
      }
    }
    return replies;
  }

  void ExpectSame(const Story& story) {
    const std::string direct = Play(stage_.master().endpoint(), story);
    stage_.master()("SCRIPT", "FLUSH");
    stage_.master()("FLUSHALL");
    EXPECT_EQ(Play(stage_.proxy.endpoint(), story), direct);
    EXPECT_EQ(stage_.Connect()("SCRIPT", "FLUSH"), "+OK");
    stage_.master()("FLUSHALL");
  }

  Stage stage_;
};

TEST_F(Handshakes, GoRedis) {
  Tried("go-redis 9.22", "HELLO 3, fallback, SETINFO, MAINT_NOTIFICATIONS, EVALSHA then EVAL, RO");
  for (const Who& who : kEverybody) {
    Story story = {{Hello(who, "go")},
                   {{"SELECT", "2"}, {"READONLY"}, {"CLIENT", "SETNAME", "go"}},
                   {{"CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip"}},
                   {{"CLIENT", "SETINFO", "LIB-NAME", "go-redis(,go1.24.0)"},
                    {"CLIENT", "SETINFO", "LIB-VER", "9.22.0"}}};
    story = Joined(story, FallsBackToEval());
    ExpectSame(Joined(story, {{{"EVALSHA_RO", Sha1Hex(kScript), "1", "key"}}}));
  }
  // A server that knows no HELLO 3 is asked in the old way.
  ExpectSame({{{"HELLO", "4"}}, {{"AUTH", "app", "sesame"}, {"SELECT", "1"}}, {{"PING"}}});
}

TEST_F(Handshakes, Jedis) {
  Tried("Jedis 8", "HELLO 3, SETNAME, SETINFO, SELECT, scripts by hand");
  for (const Who& who : kEverybody)
    ExpectSame(Joined({{Hello(who)},
                       {{"CLIENT", "SETNAME", "jedis"},
                        {"CLIENT", "SETINFO", "LIB-NAME", "jedis"},
                        {"CLIENT", "SETINFO", "LIB-VER", "8.0.0"}},
                       {{"SELECT", "1"}}},
                      FallsBackToLoad()));
}

TEST_F(Handshakes, Lettuce) {
  Tried("Lettuce 7.7", "HELLO 3, SETINFO, MAINT_NOTIFICATIONS, scripts by hand");
  for (const Who& who : kEverybody)
    ExpectSame(Joined({{Hello(who, "lettuce")},
                       {{"CLIENT", "SETINFO", "lib-name", "Lettuce"},
                        {"CLIENT", "SETINFO", "lib-ver", "7.7.0.RELEASE/abcdef"},
                        {"CLIENT", "MAINT_NOTIFICATIONS", "on"}},
                       {{"SELECT", "0"}, {"PING"}}},
                      FallsBackToEval()));
  // By these words it decides to go on with RESP2.
  ExpectSame({{{"HELLO", "9"}}, {{"HELLO"}}, {{"PING"}}});
}

TEST_F(Handshakes, Redisson) {
  Tried("Redisson 4.7", "AUTH, SELECT, SETNAME, CAPA, READONLY, script cache, EVALSHA_RO, pub/sub");
  for (const Who& who : kEverybody) {
    Batch first;
    if (!who.user.empty()) first.push_back({"AUTH", who.user, who.password});
    first.insert(first.end(), {{"SELECT", "1"}, {"CLIENT", "SETNAME", "redisson"}, {"PING"}});
    ExpectSame(Joined({first, {{"CLIENT", "CAPA", "redirect"}, {"READONLY"}, {"PING"}}},
                      FallsBackToLoad()));
    ExpectSame(Joined(
        {first}, Joined(FallsBackToLoad(), {{{"EVALSHA_RO", Sha1Hex(kScript), "1", "key"}},
                                            {{"PUBLISH", "redisson_lock__channel:{lock}", "0"}}})));
  }
  ExpectSame({{{"SUBSCRIBE", "redisson_lock__channel:{lock}"}, {"PING"}},
              {{"UNSUBSCRIBE", "redisson_lock__channel:{lock}"}}});
}

TEST_F(Handshakes, StackExchangeRedis) {
  Tried("StackExchange.Redis 3.1",
        "one batch of fifteen commands, a second connection for pub/sub");
  for (const Who& who : kEverybody) {
    Batch batch;
    if (!who.user.empty()) batch.push_back({"AUTH", who.user, who.password});
    const Batch rest = {{"HELLO", "3"},
                        {"CLIENT", "SETNAME", "HOST(SE.Redis-v3.1.31)"},
                        {"CLIENT", "SETINFO", "lib-name", "SE.Redis"},
                        {"CLIENT", "SETINFO", "lib-ver", "3.1.31"},
                        {"CLIENT", "ID"},
                        {"CONFIG", "GET", "timeout"},
                        {"CONFIG", "GET", "replica-read-only"},
                        {"CONFIG", "GET", "databases"},
                        {"SENTINEL", "MASTERS"},
                        {"INFO", "replication"},
                        {"INFO", "server"},
                        {"CLUSTER", "NODES"},
                        {"GET", "__Booksleeve_TieBreak"},
                        {"ECHO", std::string("\x01\xff\x00tracer\r\n", 11)}};
    batch.insert(batch.end(), rest.begin(), rest.end());
    ExpectSame(Joined({batch}, FallsBackToLoad()));
  }
  ExpectSame({{{"CLIENT", "SETNAME", "HOST(SE.Redis-v3.1.31)"},
               {"SUBSCRIBE", "__Booksleeve_MasterChanged"}},
              {{"PING"}}});
}

TEST_F(Handshakes, RedisRs) {
  Tried("redis-rs 1.6", "HELLO 3 or AUTH, SELECT and SETINFO in one batch, script loading");
  for (const Who& who : kEverybody) {
    const Batch rest = {{"SELECT", "4"},
                        {"CLIENT", "SETINFO", "LIB-NAME", "redis-rs"},
                        {"CLIENT", "SETINFO", "LIB-VER", "1.6.0"}};
    Batch with_hello = {Hello(who)};
    with_hello.insert(with_hello.end(), rest.begin(), rest.end());
    ExpectSame(Joined({with_hello}, FallsBackToLoad()));
    Batch with_auth = rest;
    if (!who.user.empty()) with_auth.insert(with_auth.begin(), {"AUTH", who.user, who.password});
    ExpectSame(Joined({with_auth}, FallsBackToLoad()));
  }
}

TEST_F(Handshakes, RedisClientOfRuby) {
  Tried("redis-client 0.30", "HELLO 3, SELECT, scripts by hand");
  for (const Who& who : kEverybody)
    ExpectSame(Joined({{Hello(who), {"SELECT", "2"}, {"CLIENT", "SETNAME", "sidekiq"}}},
                      FallsBackToLoad()));
}

}  // namespace
