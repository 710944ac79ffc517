// The way of a client's bytes through shacast and back.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/random_commands.h"
#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

StageOptions MasterOnly() {
  StageOptions options;
  options.replicas = 0;
  options.reads = "master";
  return options;
}

std::string Replies(RespClient& client, int count) {
  std::string raw;
  for (int i = 0; i < count; ++i) {
    client.Receive();
    raw += client.last_raw();
  }
  return raw;
}

// One client's random commands, to shacast and to a server of its own: the same replies, byte for
// byte. Returns what is different.
std::string Compare(const Endpoint& proxy, const Endpoint& server, unsigned seed, int rounds,
                    int protocol) {
  try {
    RespClient through(proxy);
    RespClient direct(server);
    if (protocol == 3) {
      through.Ask({"HELLO", "3"});
      direct.Ask({"HELLO", "3"});
    }
    RandomCommands commands(seed, "c" + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < rounds; ++round) {
      const int count = static_cast<int>(1 + random() % 60);
      const std::string bytes = commands.NextBytes(count);
      const size_t largest = round % 3 == 0 ? 7 : round % 3 == 1 ? 1500 : 1 << 20;
      std::thread sender([&] {
        std::mt19937 pieces(seed);
        // Not too many tiny ones.
        SendInPieces(through, bytes, pieces, std::max<size_t>(largest, bytes.size() / 2000));
      });
      direct.SendRaw(bytes);
      const std::string expected = Replies(direct, count);
      const std::string got = Replies(through, count);
      sender.join();
      if (got != expected) {
        const size_t at =
            std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first -
            got.begin();
        return "round " + std::to_string(round) + ", byte " + std::to_string(at) + ": got " +
               got.substr(at, 200) + "\nexpected " + expected.substr(at, 200);
      }
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(ProxyPath, RepliesOfManyClientsAreThoseOfTheServerByteForByte) {
  Stage stage(MasterOnly());
  RedisProcess oracle;
  constexpr int kClients = 12;
  std::vector<std::string> different(kClients);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      different[i] = Compare(stage.proxy.endpoint(), oracle.endpoint(), static_cast<unsigned>(i),
                             60, i % 3 == 2 ? 3 : 2);
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(different, std::vector<std::string>(kClients));
  EXPECT_EQ(stage.master()("DBSIZE"), oracle("DBSIZE"));
}

TEST(ProxyPath, ACommandThatComesByteByByteIsTheSameCommand) {
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  const std::string bytes = Encode({"SET", "k", "v\r\n$3"}) + "GET k\r\n" + Encode({"GET", "k"}) +
                            "  \r\n\r\n*0\r\n*-1\r\n" + Encode({"EVAL", ReadScript(1), "0", "x"});
  for (const char byte : bytes) {
    client.SendRaw(std::string_view(&byte, 1));
    ASSERT_EQ(other("PING"), "+PONG");
  }
  EXPECT_EQ(client.Receive().Show(), "+OK");
  EXPECT_EQ(client.Receive().Show(), "v\r\n$3");
  EXPECT_EQ(client.Receive().Show(), "v\r\n$3");
  EXPECT_EQ(client.Receive().Show(), "1:x");
}

TEST(ProxyPath, InlineCommandsAreTakenApartAsTheServerDoes) {
  Stage stage(MasterOnly());
  for (const std::string line :
       {"PING\r\n", "PING\n", "  PING  \r\n", "SET k v\r\n", "GET k\n",
        "SET k \"a b\\r\\n\\x41\\\"\"\r\n", "GET k\r\n", "SET k 'it''s'\r\n", "SET k 'it\\'s'\r\n",
        "GET k\r\n", "SET k \"\"\r\n", "GET k\r\n", "ECHO \"\\x00\\xff\"\r\n", "ECHO a\"b\"\r\n",
        "ECHO \"unbalanced\r\n", "ECHO 'a'b\r\n", "\r\n\r\nPING\r\n", "get\tk\r\n"}) {
    RespClient client = stage.Connect();
    RespClient direct = stage.master().Connect();
    const std::string bytes = line + Encode({"PING"});
    for (RespClient* each : {&client, &direct}) {
      each->SendRaw(bytes);
      each->ShutdownWrite();
    }
    EXPECT_EQ(client.ReadToEnd(), direct.ReadToEnd()) << line;
  }
}

TEST(ProxyPath, AClientThatClosedItsSideGetsAllItsReplies) {
  Stage stage(MasterOnly());
  for (int round = 0; round < 20; ++round) {
    RespClient client = stage.Connect();
    std::string bytes;
    std::string expected;
    for (int i = 0; i < 300; ++i) {
      const std::string value = std::to_string(round) + std::string(1000, 'v') + std::to_string(i);
      bytes += Encode({"SET", "k", value}) + Encode({"GET", "k"});
      expected += "+OK\r\n$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    }
    client.SendRaw(bytes);
    client.ShutdownWrite();
    ASSERT_EQ(client.ReadToEnd(), expected);
  }
}

TEST(ProxyPath, QuitIsAnsweredAfterAllThatCameBefore) {
  Stage stage(MasterOnly());
  RespClient client = stage.Connect();
  client.SendRaw(Encode({"SET", "k", "v"}) + Encode({"GET", "k"}) + Encode({"QUIT"}) +
                 Encode({"SET", "k", "never"}));
  EXPECT_EQ(client.ReadToEnd(), "+OK\r\n$1\r\nv\r\n+OK\r\n");
  EXPECT_EQ(stage.master()("GET", "k"), "v");
}

TEST(ProxyPath, MaxClientsAreServedAndOneMoreIsToldSoAndClosed) {
  if (TestTls()) GTEST_SKIP() << "with TLS it is closed without a word";
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "max_clients", "5");
  Stage stage(options);
  std::vector<RespClient> clients;
  for (int i = 0; i < 5; ++i) {
    // The clients of the fixture's own questions need a moment to leave.
    ASSERT_TRUE(WaitUntil([&] {
      RespClient client = stage.Connect();
      client.Send({"PING"});
      try {
        if (client.Receive().Show() != "+PONG") return false;
      } catch (const ConnectionEnded&) {
        return false;
      }
      clients.push_back(std::move(client));
      return true;
    }));
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(stage.Connect().ReadToEnd(), "-ERR max number of clients reached\r\n");
  for (auto& client : clients) EXPECT_EQ(client("SET", "k", "v"), "+OK");
  clients.pop_back();
  ASSERT_TRUE(WaitUntil([&] {
    RespClient client = stage.Connect();
    client.Send({"PING"});
    try {
      return client.Receive().Show() == "+PONG";
    } catch (const ConnectionEnded&) {
      return false;
    }
  }));
  EXPECT_TRUE(stage.proxy.WaitLog("client.refused"));
  EXPECT_EQ(stage.proxy.LogLines("client.refused").size(), 1u);
}

TEST(ProxyPath, AClientIdleForLongerThanItMayBeIsClosed) {
  StageOptions options = MasterOnly();
  options.config.Set("proxy", "client_idle_timeout", TomlString("1s"));
  Stage stage(options);
  RespClient idle = stage.Connect();
  RespClient active = stage.Connect();
  RespClient waits = stage.Connect();
  waits.Send({"BLPOP", "list", "0"});
  EXPECT_TRUE(WaitUntil([&] {
    EXPECT_EQ(active("PING"), "+PONG");
    return idle.SeesEnd(milliseconds(1));
  }));
  EXPECT_EQ(active("PING"), "+PONG");
  // One that waits for the server is not idle.
  EXPECT_EQ(active("RPUSH", "list", "x"), ":1");
  EXPECT_EQ(waits.Receive().Show(), "[list, x]");
}

TEST(ProxyPath, UnixSocketsAndIpv6AreListenedOnBesideEachOther) {
  if (TestTls()) GTEST_SKIP() << "its listeners speak plainly";
  ReplicaSet nodes(0);
  const TempFolder folder;
  const std::string path = folder.File("s.sock");
  ProxyProcess first({nodes.master().address()}, ProxyConfig());
  const int port = first.endpoint().port;
  EXPECT_EQ(first.Stop(), 0);
  std::vector<Endpoint> endpoints = {{"127.0.0.1", port, ""}, {"", 0, path}};
  std::vector<std::string> listen = {"127.0.0.1:" + std::to_string(port), "unix:" + path};
  if (!ReadFile("/proc/net/if_inet6").empty()) {
    endpoints.push_back({"::1", port, ""});
    listen.push_back("[::1]:" + std::to_string(port));
  }
  ProxyConfig config;
  config.Set("proxy", "listen", TomlStrings(listen));
  ProxyProcess proxy({nodes.master().address()}, config);
  for (const Endpoint& endpoint : endpoints) {
    RespClient client(endpoint);
    EXPECT_EQ(client("INCR", "n").substr(0, 1), ":") << endpoint.ToString();
    EXPECT_EQ(client("ECHO", endpoint.ToString()), endpoint.ToString());
  }
  EXPECT_EQ(nodes.master()("GET", "n"), std::to_string(endpoints.size()));
  EXPECT_EQ(proxy.Stop(), 0);
  // What was left of the socket's file does not stand in the way of the next start.
  ProxyProcess again({nodes.master().address()}, config);
  EXPECT_EQ(RespClient({"", 0, path})("PING"), "+PONG");
}

TEST(ProxyPath, ManyClientsComeAndGoWhileTheirCommandsAreOnTheWay) {
  Stage stage(MasterOnly());
  RespClient steady = stage.Connect();
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    RespClient passer = stage.Connect();
    RandomCommands commands(static_cast<unsigned>(i), "p");
    const std::string bytes = commands.NextBytes(20);
    passer.SendRaw(std::string_view(bytes).substr(0, random() % bytes.size()));
    passer.Close(i % 2 == 0);
    ASSERT_EQ(steady("INCR", "steady"), ":" + std::to_string(i + 1));
  }
  EXPECT_TRUE(WaitUntil([&] {
    int lent = 0;
    for (const Value& node : stage.proxy.Nodes())
      lent += static_cast<int>(node.at("leases").number());
    return lent == 0;
  }));
}

TEST(ProxyPath, ClientsOfBothProtocolsSideBySideGetTheirOwn) {
  Stage stage(MasterOnly());
  RespClient two = stage.Connect();
  RespClient three = stage.Connect();
  RespClient direct = stage.master().Connect();
  const Value hello = three.Ask({"HELLO", "3"});
  EXPECT_EQ(hello.type, '%');
  EXPECT_EQ(hello.at("proto").number(), 3);
  EXPECT_EQ(hello.at("role").text, "master");
  EXPECT_EQ(hello.at("id").text, three.Ask({"CLIENT", "ID"}).text);
  two("HSET", "h", "a", "1");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(two.Ask({"HGETALL", "h"}).type, '*');
    EXPECT_EQ(three.Ask({"HGETALL", "h"}).type, '%');
    EXPECT_EQ(three("GET", "none"), "(nil)");
    EXPECT_EQ(three.last_raw(), "_\r\n");
    EXPECT_EQ(two("GET", "none"), "(nil)");
    EXPECT_EQ(two.last_raw(), "$-1\r\n");
  }
  // Back to RESP2, and what is wrong is said in the server's words.
  for (const Args& command :
       {Args{"HELLO", "4"}, Args{"HELLO", "x"}, Args{"HELLO", "3", "NONSENSE"}}) {
    direct.Ask(command);
    two.Ask(command);
    EXPECT_EQ(two.last_raw(), direct.last_raw()) << command[1];
  }
  EXPECT_EQ(three.Ask({"HELLO", "2"}).type, '*');
  EXPECT_EQ(three.Ask({"HGETALL", "h"}).type, '*');
  // Each worker has both kinds of connection in use: scripts cross them.
  const std::string sha = two("SCRIPT", "LOAD", "return {double = 1.5}");
  three.Ask({"HELLO", "3"});
  EXPECT_EQ(three("EVALSHA", sha, "0"), ",1.5");
  EXPECT_EQ(two("EVALSHA", sha, "0"), "1.5");
}

}  // namespace
