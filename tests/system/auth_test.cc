// Who checks passwords: the master, the proxy, and the nodes to which the proxy itself must prove
// who it is.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

RedisProcess::Options WithPassword() {
  RedisProcess::Options options;
  options.args = {"--requirepass", "secret", "--masterauth", "secret"};
  options.password = "secret";
  return options;
}

StageOptions Protected(const TempFolder& folder) {
  StageOptions options;
  options.server = WithPassword();
  options.config.Set("upstream", "password_file",
                     TomlString(folder.Write("upstream.pw", "secret\n")));
  return options;
}

// With a password WaitReady() is for those who know that it is the server's, and not the proxy's.
class ProtectedStage : public Stage {
 public:
  explicit ProtectedStage(const StageOptions& options) : Stage(options) {
    proxy.WaitReady(nodes.replicas());
  }
};

TEST(Auth, TheProxyFindsItsWayWithThePasswordFromAFileAndClientsMustAuthenticateThemselves) {
  const TempFolder folder;
  ProtectedStage stage(Protected(folder));
  RespClient client = stage.Connect();
  RespClient direct(stage.master().endpoint());
  for (const Args& command :
       {Args{"GET", "k"}, Args{"SET", "k", "v"}, Args{"AUTH", "wrong"},
        Args{"AUTH", "default", "wrong"}, Args{"AUTH"}, Args{"EVAL", "return 1", "0"},
        Args{"MULTI"}, Args{"HELLO", "3"}, Args{"SUBSCRIBE", "c"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << command[0];
  }
}

TEST(Auth, ClientsThatHaveAuthenticatedWorkOnEveryNode) {
  const TempFolder folder;
  StageOptions options = Protected(folder);
  options.read_scripts = ReadScripts(2);
  ProtectedStage stage(options);
  RespClient client = stage.Connect();
  EXPECT_EQ(client.Ask({"GET", "k"}).code(), "NOAUTH");
  EXPECT_EQ(client("AUTH", "secret"), "+OK");
  EXPECT_EQ(client("SET", "k", "v"), "+OK");
  stage.nodes.WaitSynced();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client("GET", "k"), "v");
  EXPECT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), Sha1Hex(ReadScript(1)));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(client(EvalShaForm(), Sha1Hex(ReadScript(1)), "0", "x"), "1:x");
  client("MULTI");
  client("INCR", "n");
  EXPECT_EQ(client("EXEC"), "[:1]");
  client.Send({"BLPOP", "list", "0"});
  RespClient other = stage.Connect();
  EXPECT_EQ(other.Ask({"HELLO", "3", "AUTH", "default", "secret"}).type, '%');
  EXPECT_EQ(other("RPUSH", "list", "x"), ":1");
  EXPECT_EQ(client.Receive().Show(), "[list, x]");
  // Another client is not let in by them.
  EXPECT_EQ(stage.Connect().Ask({"GET", "k"}).code(), "NOAUTH");
  // A body of more than 16 KB, which a server takes only from those who have authenticated.
  const std::string body = "--" + std::string(20'000, 'x') + "\nreturn 7";
  EXPECT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(body), "0"), ":7");
}

TEST(Auth, CommandsRunAsTheUserWhoAuthenticated) {
  StageOptions options;
  options.replicas = 1;
  Stage stage(options);
  for (RedisProcess* node : stage.nodes.nodes())
    ASSERT_EQ((*node)("ACL", "SETUSER", "limited", "on", ">pw", "~own:*", "+@all", "-flushall"),
              "+OK");
  RespClient limited = stage.Connect();
  RespClient everybody = stage.Connect();
  ASSERT_EQ(limited("AUTH", "limited", "pw"), "+OK");
  EXPECT_EQ(limited("SET", "own:k", "v"), "+OK");
  EXPECT_EQ(limited.Ask({"SET", "k", "v"}).code(), "NOPERM");
  EXPECT_EQ(limited.Ask({"FLUSHALL"}).code(), "NOPERM");
  EXPECT_EQ(limited("ACL", "WHOAMI"), "limited");
  EXPECT_EQ(everybody("SET", "k", "v"), "+OK");
  EXPECT_EQ(everybody("ACL", "WHOAMI"), "default");
  limited("MULTI");
  limited("ACL", "WHOAMI");
  EXPECT_EQ(limited("EXEC"), "[limited]");
  // A failing AUTH leaves everything as it was.
  EXPECT_EQ(limited.Ask({"AUTH", "limited", "wrong"}).code(), "WRONGPASS");
  EXPECT_EQ(limited("ACL", "WHOAMI"), "limited");
  EXPECT_EQ(limited("AUTH", "default", ""), "+OK");
  EXPECT_EQ(limited("ACL", "WHOAMI"), "default");
}

TEST(Auth, AUserWithoutTheRightToSelectStaysInTheDatabaseChosenBefore) {
  StageOptions options;
  options.replicas = 0;
  Stage stage(options);
  ASSERT_EQ(stage.master()("ACL", "SETUSER", "bob", "on", ">pw", "~*", "+@all", "-select"), "+OK");
  RespClient client = stage.Connect();
  RespClient direct(stage.master().endpoint());
  for (const Args& command :
       {Args{"SELECT", "9"}, Args{"AUTH", "bob", "pw"}, Args{"SET", "k", "v"}, Args{"SELECT", "0"},
        Args{"EVAL", "return redis.call('GET', KEYS[1])", "1", "k"}, Args{"MULTI"},
        Args{"GET", "k"}, Args{"EXEC"}, Args{"AUTH", "bob", "wrong"}, Args{"GET", "k"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << command[0];
  }
}

TEST(Auth, InsideATransactionIsForWhatComesBehindIt) {
  StageOptions options;
  options.reads = "master";  // replicas do not know the user
  Stage stage(options);
  stage.master()("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+@connection",
                 "+@transaction");
  for (const Args& login :
       {Args{"AUTH", "reader", "secret"}, Args{"HELLO", "3", "AUTH", "reader", "secret"}}) {
    RespClient client = stage.Connect();
    const auto answers = client.Pipeline({{"MULTI"}, {"SET", "k", "v"}, login, {"EXEC"}});
    EXPECT_EQ(answers[2].Show(), "+QUEUED");
    EXPECT_EQ(client.Ask({"SET", "k", "other"}).code(), "NOPERM") << login[0];
    EXPECT_EQ(client("GET", "k"), "v");
    // A wrong password changes nobody.
    RespClient other = stage.Connect();
    Args wrong = login;
    wrong.back() = "wrong";
    other.Pipeline({{"MULTI"}, wrong, {"EXEC"}});
    EXPECT_EQ(other("SET", "k", "v"), "+OK");
  }
}

TEST(Auth, ABadVersionOfHelloIsRefusedBeforeItsOptionsAreLookedAt) {
  Stage stage({});
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const Args& command : {Args{"HELLO", "x", "NONSENSE"}, Args{"HELLO", "4", "SETNAME", "a b"},
                              Args{"HELLO", "1"}, Args{"HELLO", "3", "NONSENSE"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << command[1];
  }
}

TEST(Auth, AUserWithoutEvalIsGivenNoBodyOnALeaseThatWasAnothersEither) {
  Stage stage({});
  const std::string body = "return redis.call('SET', KEYS[1], 'x')";
  ASSERT_EQ(stage.master()("ACL", "SETUSER", "noeval", "on", ">pw", "~*", "+@all", "-eval"), "+OK");
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  ASSERT_EQ(client("WATCH", "k"), "+OK");
  ASSERT_EQ(client("AUTH", "noeval", "pw"), "+OK");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(body), "1", "k"), "+OK");
}

TEST(Auth, UsersOfTheConfigurationAreCheckedByTheProxyItself) {
  const TempFolder folder;
  StageOptions options = Protected(folder);
  options.config.Set(
      "proxy", "users",
      "[{ name = \"default\", password_file = " + TomlString(folder.Write("default.pw", "open")) +
          " }, { name = \"app\", password_file = " +
          TomlString(folder.Write("app.pw", "sesame\n")) + " }]");
  Stage stage(options);
  const auto connect = [&](const std::string& user, const std::string& password) {
    RespClient client = stage.Connect();
    EXPECT_EQ(client("AUTH", user, password), "+OK");
    return client;
  };
  RespClient client = stage.Connect();
  for (const Args& command : {Args{"GET", "k"}, Args{"PING"}, Args{"EVAL", "return 1", "0"},
                              Args{"PROXY", "NODES"}, Args{"MULTI"}, Args{"SUBSCRIBE", "c"}})
    EXPECT_EQ(client(command[0], command.size() > 1 ? command[1] : "x"),
              "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Ask({"AUTH", "secret"}).code(), "WRONGPASS");  // the nodes' own
  EXPECT_EQ(client.Ask({"AUTH", "app", "open"}).code(), "WRONGPASS");
  EXPECT_EQ(client.Ask({"AUTH", "nobody", ""}).code(), "WRONGPASS");
  EXPECT_EQ(client("AUTH", "open"), "+OK");
  RespClient app = connect("app", "sesame");
  ASSERT_TRUE(WaitUntil([&] { return client("SET", "k", "v") == "+OK"; }));
  EXPECT_EQ(app("SET", "k", "w"), "+OK");
  app("MULTI");
  app("INCR", "n");
  EXPECT_EQ(app("EXEC"), "[:1]");
  EXPECT_EQ(app("SCRIPT", "LOAD", WriteScript(1)), Sha1Hex(WriteScript(1)));
  EXPECT_EQ(app("EVALSHA", Sha1Hex(WriteScript(1)), "1", "n"), ":2");
  RespClient three = stage.Connect();
  EXPECT_EQ(three.Ask({"HELLO", "3"}).code(), "NOAUTH");
  EXPECT_EQ(three.Ask({"HELLO", "3", "AUTH", "app", "wrong"}).code(), "WRONGPASS");
  EXPECT_EQ(three.Ask({"HELLO", "3", "AUTH", "app", "sesame"}).type, '%');
  EXPECT_EQ(three("GETSET", "k", "x"), "w");
}

TEST(Auth, BeforeAuthenticationLargeCommandsAreRefusedAsByTheServer) {
  if (Server().version == "redis 6.0.16" || Server().major >= 7) {
    const TempFolder folder;
    ProtectedStage stage(Protected(folder));
    for (const std::string& bytes :
         {std::string("*2\r\n$4\r\nECHO\r\n$20000\r\n"), std::string("*11\r\n"),
          std::string("*2\r\n$4\r\nAUTH\r\n$16385\r\n")}) {
      RespClient client = stage.Connect();
      RespClient direct(stage.master().endpoint());
      // The proxy knows by then that the master wants a password.
      EXPECT_EQ(client.Ask({"PING"}).code(), direct.Ask({"PING"}).code());
      client.SendRaw(bytes);
      direct.SendRaw(bytes);
      EXPECT_EQ(client.ReadToEnd(), direct.ReadToEnd()) << bytes;
    }
  } else {
    GTEST_SKIP() << Server().version << " has no such limit";
  }
}

TEST(Auth, AWrongPasswordOfTheProxyIsSaidOnceAndMendedByTheServersSide) {
  ReplicaSet nodes(0, WithPassword());
  ProxyConfig config;
  config.Set("upstream", "password", TomlString("wrong"))
      .Set("routing", "failover_hold", TomlString("100ms"));
  const ProxyProcess proxy({nodes.master().address()}, config);
  ASSERT_TRUE(proxy.WaitLog("node.down", "WRONGPASS"));
  RespClient client = proxy.Connect();
  for (int i = 0; i < 3; ++i) {
    const std::string answer = client("SET", "k", "v");
    EXPECT_TRUE(answer.starts_with("-UPSTREAMDOWN")) << answer;
    EXPECT_NE(answer.find("WRONGPASS"), std::string::npos) << answer;
  }
  EXPECT_TRUE(proxy.WaitLog("node.down"));
  EXPECT_EQ(proxy.LogLines("node.down").size(), 1u);
  nodes.master()("CONFIG", "SET", "requirepass", "wrong");
  EXPECT_TRUE(WaitUntil([&] { return client("AUTH", "wrong") == "+OK"; }));
  EXPECT_EQ(client("SET", "k", "v"), "+OK");
}

}  // namespace
