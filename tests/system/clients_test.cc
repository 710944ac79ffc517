// Commands about clients: they speak of the clients of shacast, over all workers, to whom the
// server would answer them, and in the words of its version.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;
using Fields = std::map<std::string, std::string>;

StageOptions Workers(int workers) {
  StageOptions options;
  options.replicas = 0;
  options.config.Set("proxy", "workers", std::to_string(workers));
  return options;
}

std::vector<std::string> LinesOf(const std::string& list) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find('\n', at), list.size());
    lines.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> WordsOf(const std::string& line) {
  std::vector<std::pair<std::string, std::string>> words;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    words.emplace_back(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    at = end + 1;
  }
  return words;
}

Fields FieldsOf(const std::string& line) {
  Fields fields;
  for (const auto& [name, value] : WordsOf(line)) fields[name] = value;
  return fields;
}

std::vector<std::string> NamesOf(const std::string& line) {
  std::vector<std::string> names;
  for (const auto& [name, value] : WordsOf(line)) names.push_back(name);
  return names;
}

std::string Id(RespClient& client) {
  return client.Ask({"CLIENT", "ID"}).text;
}

// Every client of CLIENT LIST, by id.
std::map<std::string, Fields> ListedTo(RespClient& client, const Args& filter = {}) {
  Args words = {"CLIENT", "LIST"};
  words.insert(words.end(), filter.begin(), filter.end());
  std::map<std::string, Fields> clients;
  for (const std::string& line : LinesOf(client.Ask(words).text)) {
    const Fields fields = FieldsOf(line);
    clients[fields.at("id")] = fields;
  }
  return clients;
}

class Clients : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, Clients, ::testing::Values(1, 3));

TEST_P(Clients, AreListedOverAllWorkersWithTheFieldsOfTheServersVersion) {
  Stage stage(Workers(GetParam()));
  RespClient direct = stage.master().Connect();
  std::vector<RespClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(stage.Connect());
    EXPECT_EQ(clients[i]("CLIENT", "SETNAME", "c" + std::to_string(i)), "+OK");
  }
  clients[1]("SELECT", "3");
  clients[2]("MULTI");
  clients[2]("GET", "k");
  clients[3]("GET", "k");
  const auto listed = ListedTo(clients[4]);
  ASSERT_EQ(listed.size(), 5u) << "and no connection of shacast's own";
  EXPECT_EQ(listed.at(Id(clients[1])).at("db"), "3");
  EXPECT_EQ(listed.at(Id(clients[1])).at("name"), "c1");
  EXPECT_EQ(listed.at(Id(clients[3])).at("cmd"), "get");
  EXPECT_EQ(listed.at(Id(clients[4])).at("flags"), "N");
  EXPECT_EQ(NamesOf(LinesOf(clients[4].Ask({"CLIENT", "LIST"}).text).front()),
            NamesOf(LinesOf(direct.Ask({"CLIENT", "LIST"}).text).front()));
  const auto in_multi = std::find_if(listed.begin(), listed.end(),
                                     [](const auto& one) { return one.second.at("name") == "c2"; });
  ASSERT_NE(in_multi, listed.end());
  EXPECT_EQ(in_multi->second.at("multi"), "1");
  EXPECT_EQ(in_multi->second.at("flags"), "x");
}

TEST_P(Clients, AreKilledOnWhateverWorkerAndNoConnectionOfShacastsOwn) {
  Stage stage(Workers(GetParam()));
  RespClient killer = stage.Connect();
  std::vector<RespClient> victims;
  for (int i = 0; i < 4; ++i) {
    victims.push_back(stage.Connect());
    EXPECT_EQ(victims[i]("SET", "k", "v"), "+OK");
  }
  const auto listed = ListedTo(killer);
  const std::string first = Id(victims[0]);
  EXPECT_EQ(killer("CLIENT", "KILL", "ID", first), ":1");
  EXPECT_TRUE(victims[0].SeesEnd());
  EXPECT_EQ(killer("CLIENT", "KILL", "ID", first), ":0");
  const std::string addr = listed.at(Id(victims[1])).at("addr");
  EXPECT_EQ(killer("CLIENT", "KILL", addr), "+OK");
  EXPECT_TRUE(victims[1].SeesEnd());
  EXPECT_EQ(killer("CLIENT", "KILL", addr), "-ERR No such client");
  EXPECT_EQ(killer("CLIENT", "KILL", "TYPE", "normal"), ":2");
  EXPECT_TRUE(victims[2].SeesEnd());
  EXPECT_TRUE(victims[3].SeesEnd());
  EXPECT_EQ(killer("GET", "k"), "v") << "its lane is there";
  EXPECT_TRUE(stage.proxy.LogLines("node.lost").empty());
}

TEST(ClientKill, OfOneselfAnswersFirstAndWhatCameBehindItIsNotDone) {
  Stage stage(Workers(2));
  RespClient client = stage.Connect();
  const std::string id = Id(client);
  client.SendRaw(Encode({"SET", "before", "1"}) +
                 Encode({"CLIENT", "KILL", "ID", id, "SKIPME", "no"}) +
                 Encode({"SET", "behind", "1"}) + Encode({"SET", "behind", "2"}));
  EXPECT_EQ(client.ReadToEnd(), "+OK\r\n:1\r\n");
  EXPECT_EQ(stage.master()("EXISTS", "before", "behind"), ":1");
}

TEST(ClientKill, OfOneThatBlocksEndsItsBlockingAndLosesNoElement) {
  Stage stage(Workers(2));
  RespClient blocked = stage.Connect();
  RespClient killer = stage.Connect();
  const std::string id = Id(blocked);
  blocked.Send({"BLPOP", "list", "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  EXPECT_EQ(ListedTo(killer).at(id).at("flags"), "b");
  EXPECT_EQ(killer("CLIENT", "KILL", "ID", id), ":1");
  EXPECT_TRUE(blocked.SeesEnd());
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 0; }));
  EXPECT_EQ(killer("RPUSH", "list", "x"), ":1");
  EXPECT_EQ(killer("LPOP", "list"), "x");
}

// What is wrong with the words, and what the server does not know, is the server's to say.
TEST(ClientCommands, AreRefusedInTheServersOwnWords) {
  Stage stage(Workers(2));
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const Args& command : {Args{"CLIENT"},
                              Args{"CLIENT", "ID", "x"},
                              Args{"CLIENT", "SETNAME", "a b"},
                              Args{"CLIENT", "SETINFO", "LIB-NAME", "lib"},
                              Args{"CLIENT", "SETINFO", "SIZE", "x"},
                              Args{"CLIENT", "SETINFO", "LIB-VER", "a b"},
                              Args{"CLIENT", "CAPA", "redirect"},
                              Args{"CLIENT", "INFO", "x"},
                              Args{"CLIENT", "LIST", "TYPE"},
                              Args{"CLIENT", "LIST", "TYPE", "pubsub"},
                              Args{"CLIENT", "LIST", "TYPE", "master"},
                              Args{"CLIENT", "LIST", "TYPE", "x"},
                              Args{"CLIENT", "LIST", "ID", "x"},
                              Args{"CLIENT", "LIST", "ID", "999999"},
                              Args{"CLIENT", "LIST", "USER", "nobody"},
                              Args{"CLIENT", "LIST", "SIZE", "1"},
                              Args{"CLIENT", "LIST", "MAXAGE", "9999"},
                              Args{"CLIENT", "KILL"},
                              Args{"CLIENT", "KILL", "1.2.3.4:5"},
                              Args{"CLIENT", "KILL", "ID", "x"},
                              Args{"CLIENT", "KILL", "ID", "-1"},
                              Args{"CLIENT", "KILL", "ID", "999999"},
                              Args{"CLIENT", "KILL", "ID", "999998", "999999"},
                              Args{"CLIENT", "KILL", "TYPE", "x"},
                              Args{"CLIENT", "KILL", "TYPE", "replica"},
                              Args{"CLIENT", "KILL", "USER", "nobody"},
                              Args{"CLIENT", "KILL", "SKIPME", "x"},
                              Args{"CLIENT", "KILL", "SIZE", "1"},
                              Args{"CLIENT", "KILL", "MAXAGE", "999999"},
                              Args{"CLIENT", "KILL", "MAXAGE", "0"},
                              Args{"CLIENT", "KILL", "NAME", "nobody"},
                              Args{"CLIENT", "KILL", "ID", "1", "ADDR"},
                              Args{"CLIENT", "KILL", "NONSENSE"},
                              Args{"CLIENT", "NONSENSE"},
                              Args{"CLIENT", "GETREDIR"},
                              Args{"CLIENT", "TRACKINGINFO"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << Encode(command);
  }
}

TEST(ClientCommands, AreForThoseWhomTheServerLetsIn) {
  const TempFolder folder;
  StageOptions options = Workers(2);
  options.server.args = {"--requirepass", "secret"};
  options.server.password = "secret";
  options.config.Set("upstream", "password_file", TomlString(folder.Write("pw", "secret")));
  Stage stage(options);
  stage.proxy.WaitReady(0);
  RespClient direct(stage.master().endpoint());
  RespClient client = stage.Connect();
  const std::string body = "return 'secret'";
  RespClient other = stage.Connect();
  EXPECT_EQ(other("AUTH", "secret"), "+OK");
  EXPECT_EQ(other("SCRIPT", "LOAD", body), Sha1Hex(body));
  for (const Args& command :
       {Args{"CLIENT", "ID"}, Args{"CLIENT", "LIST"}, Args{"CLIENT", "GETNAME"},
        Args{"CLIENT", "SETNAME", "x"}, Args{"CLIENT", "KILL", "TYPE", "normal"},
        Args{"CLIENT", "KILL", "1.2.3.4:5"}, Args{"INFO"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << Encode(command);
  }
  EXPECT_EQ(client.Ask({"SCRIPT", "SHOW", Sha1Hex(body)}).code(), "NOAUTH");
  EXPECT_EQ(other("SCRIPT", "SHOW", Sha1Hex(body)), body);
  for (const char* what : {"INFO", "NODES", "SCRIPTS", "CLIENTS"})
    EXPECT_EQ(client.Ask({"PROXY", what}).code(), "NOAUTH") << what;
  EXPECT_EQ(other.Ask({"PROXY", "CLIENTS"}).elements.size(), 2u) << "nobody was killed";
}

TEST(ClientCommands, NeedTheRightThatTheServerWantsForThem) {
  Stage stage(Workers(2));
  stage.master()("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-client", "-info");
  RespClient client = stage.Connect();
  RespClient direct(stage.master().endpoint());
  for (RespClient* each : {&client, &direct}) EXPECT_EQ((*each)("AUTH", "limited", "pw"), "+OK");
  for (const Args& command : {Args{"CLIENT", "LIST"}, Args{"CLIENT", "KILL", "TYPE", "normal"},
                              Args{"CLIENT", "SETNAME", "x"}, Args{"INFO"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw()) << Encode(command);
  }
  EXPECT_EQ(client.Ask({"PROXY", "SCRIPTS"}).code(), "NOPERM");
  EXPECT_EQ(client.Ask({"PROXY", "CLIENTS"}).code(), "NOPERM");
  EXPECT_EQ(client.Ask({"PROXY", "INFO"}).code(), "") << "this user was let in";
  RespClient other = stage.Connect();
  bool seen = false;
  for (const auto& [id, fields] : ListedTo(other)) seen = seen || fields.at("user") == "limited";
  EXPECT_TRUE(seen);
  EXPECT_EQ(other("CLIENT", "KILL", "USER", "limited"), ":1");
  EXPECT_TRUE(client.SeesEnd());
}

TEST(ClientCommands, InATransactionSpeakOfTheClientTooOnceItIsExecuted) {
  Stage stage(Workers(2));
  RespClient client = stage.Connect();
  RespClient other = stage.Connect();
  const std::string id = Id(client);
  client("MULTI");
  for (const Args& command :
       {Args{"CLIENT", "SETNAME", "me"}, Args{"CLIENT", "ID"}, Args{"CLIENT", "GETNAME"},
        Args{"SET", "k", "v"}, Args{"CLIENT", "KILL", "ID", Id(other)}})
    EXPECT_EQ(client.Ask(command).Show(), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[+OK, :" + id + ", me, +OK, :1]");
  EXPECT_TRUE(other.SeesEnd());
  // The connection that ran it has the name of all others, whoever has it next.
  EXPECT_EQ(client("CLIENT", "GETNAME"), "me");
  EXPECT_EQ(client("GET", "k"), "v");
  client("MULTI");
  client("CLIENT", "SETNAME", "other");
  client("DISCARD");
  EXPECT_EQ(client("CLIENT", "GETNAME"), "me");
}

TEST_P(Clients, ThatBlockAreUnblockedByTheirIds) {
  Stage stage(Workers(GetParam()));
  RespClient blocked = stage.Connect();
  RespClient other = stage.Connect();
  const std::string id = Id(blocked);
  for (const auto& [how, reply] : std::vector<std::pair<std::string, std::string>>{
           {"", "(nil)"},
           {"TIMEOUT", "(nil)"},
           {"ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"}}) {
    blocked.Send({"BLPOP", "list", "0"});
    ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
    Args unblock = {"CLIENT", "UNBLOCK", id};
    if (!how.empty()) unblock.push_back(how);
    EXPECT_EQ(other.Ask(unblock).Show(), ":1") << how;
    EXPECT_EQ(blocked.Receive().Show(), reply) << how;
    EXPECT_EQ(other.Ask(unblock).Show(), ":0") << how;
  }
  RespClient direct = stage.master().Connect();
  for (const Args& command :
       {Args{"CLIENT", "UNBLOCK", "x"}, Args{"CLIENT", "UNBLOCK", "999999"},
        Args{"CLIENT", "UNBLOCK", "999999", "NONSENSE"}, Args{"CLIENT", "UNBLOCK"},
        Args{"CLIENT", "UNBLOCK", "-1"}, Args{"CLIENT", "UNBLOCK", "0"}}) {
    other.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(other.last_raw(), direct.last_raw()) << Encode(command);
  }
  // Behind a pipeline, in its order.
  blocked.Send({"BLPOP", "list", "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  const auto answers =
      other.Pipeline({{"SET", "k", "1"}, {"CLIENT", "UNBLOCK", id}, {"INCR", "k"}});
  EXPECT_EQ(answers[1].Show(), ":1");
  EXPECT_EQ(answers[2].Show(), ":2");
  EXPECT_TRUE(blocked.Receive().is_null());
}

// A client that takes its invalidations elsewhere: the subscriber is named by shacast's id.
TEST_P(Clients, MayBeTheGoalOfAnothersInvalidations) {
  Stage stage(Workers(GetParam()));
  RespClient listener = stage.Connect();
  RespClient reader = stage.Connect();
  RespClient writer = stage.Connect();
  const std::string id = Id(listener);
  listener("SUBSCRIBE", "__redis__:invalidate");
  EXPECT_EQ(reader("CLIENT", "TRACKING", "ON", "REDIRECT", id), "+OK");
  reader("GET", "k");
  EXPECT_EQ(writer("SET", "k", "v"), "+OK");
  // (Redict writes the channel's name in another way.)
  EXPECT_EQ(listener.Receive().elements.at(2).Show(), "[k]");
  EXPECT_EQ(writer("CLIENT", "TRACKING", "ON", "REDIRECT", "999999"),
            "-ERR The client ID you want redirect to does not exist");
}

TEST_P(Clients, NeedNotSubscribeToGetAnothersInvalidationsAsPushes) {
  Stage stage(Workers(GetParam()));
  RespClient listener = stage.Connect();
  RespClient reader = stage.Connect();
  RespClient writer = stage.Connect();
  listener("HELLO", "3");
  const std::string id = Id(listener);
  EXPECT_EQ(reader("CLIENT", "TRACKING", "ON", "REDIRECT", id), "+OK");
  EXPECT_EQ(reader("CLIENT", "GETREDIR"), ":" + id);
  reader("GET", "k");
  EXPECT_EQ(writer("SET", "k", "v"), "+OK");
  EXPECT_EQ(listener.Receive().Show(), ">[invalidate, [k]]");
  EXPECT_EQ(listener("GET", "k"), "v");
  // It keeps its number when that client has gone.
  listener.Close();
  ASSERT_TRUE(WaitUntil([&] {
    reader("GET", "k");
    writer("SET", "k", "v");
    return reader.Ask({"CLIENT", "TRACKINGINFO"}).Show().find("broken_redirect") !=
           std::string::npos;
  }));
  EXPECT_EQ(reader("CLIENT", "GETREDIR"), ":" + id);
}

TEST(ClientList, TellsWhatAServerKeepsForEachClient) {
  Stage stage(Workers(2));
  RespClient asker = stage.Connect();
  RespClient subscriber = stage.Connect();
  RespClient tracker = stage.Connect();
  RespClient monitor = stage.Connect();
  subscriber("SUBSCRIBE", "a", "b");
  subscriber.Receive();
  subscriber("PSUBSCRIBE", "*");
  tracker("HELLO", "3");
  tracker("CLIENT", "TRACKING", "ON");
  monitor("MONITOR");
  const std::string list = asker.Ask({"CLIENT", "LIST"}).text;
  std::map<std::string, std::string> lines;
  std::istringstream stream(list);
  for (std::string line; std::getline(stream, line);)
    lines[line.substr(3, line.find(' ') - 3)] = line;
  EXPECT_NE(list.find(" flags=P "), std::string::npos) << list;
  EXPECT_NE(list.find(" sub=2 psub=1 "), std::string::npos) << list;
  EXPECT_NE(list.find(" flags=t "), std::string::npos) << list;
  EXPECT_NE(list.find(" flags=O "), std::string::npos) << list;
  EXPECT_EQ(lines.size(), 4u);
  const std::string pubsub = asker.Ask({"CLIENT", "LIST", "TYPE", "pubsub"}).text;
  EXPECT_EQ(std::count(pubsub.begin(), pubsub.end(), '\n'), 1);
  EXPECT_EQ(asker("CLIENT", "KILL", "TYPE", "pubsub"), ":1");
  EXPECT_TRUE(WaitUntil([&] { return subscriber.SeesEnd(); }));
}

TEST(InfoCommand, GetsASectionOfShacastsOwn) {
  Stage stage(Workers(2));
  RespClient client = stage.Connect();
  for (const Args& command :
       {Args{"INFO"}, Args{"INFO", "all"}, Args{"INFO", "everything"}, Args{"info", "DEFAULT"}}) {
    const std::string text = client.Ask(command).text;
    EXPECT_TRUE(text.starts_with("# Server\r\n"));
    const size_t at = text.find("\r\n\r\n# shacast\r\nshacast_version:");
    ASSERT_NE(at, std::string::npos) << command.back();
    EXPECT_EQ(text.find("\r\n# ", at + 6), std::string::npos) << "it is the last one";
  }
  const std::string alone = client.Ask({"INFO", "shacast"}).text;
  EXPECT_TRUE(alone.starts_with("# shacast\r\n"));
  EXPECT_NE(alone.find("\r\nworkers:2\r\n"), std::string::npos);
  EXPECT_NE(alone.find("\r\nclients:"), std::string::npos);
  EXPECT_EQ(client.Ask({"INFO", "server"}).text.find("shacast"), std::string::npos);
  client.Ask({"HELLO", "3"});
  EXPECT_EQ(client.Ask({"INFO", "shacast"}).type, '=');
  EXPECT_EQ(client.Ask({"INFO"}).type, '=');
}

TEST(ProxyCommand, ListsClientsAndAnswersWithoutAMaster) {
  StageOptions options = Workers(3);
  options.config.Set("routing", "failover_hold", TomlString("100ms"));
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient blocked = stage.Connect();
  const std::string id = Id(blocked);
  blocked.Send({"BLPOP", "list", "0"});
  ASSERT_TRUE(WaitUntil([&] { return stage.master().InfoNumber("blocked_clients") == 1; }));
  bool seen = false;
  for (const Value& row : client.Ask({"PROXY", "CLIENTS"}).elements) {
    if (std::to_string(row.at("id").number()) != id) continue;
    seen = true;
    EXPECT_EQ(row.at("where").text, "lease");
    EXPECT_EQ(row.at("node").text, stage.master().address());
    EXPECT_EQ(row.at("on_the_way").number(), 1);
    EXPECT_EQ(row.at("cmd").text, "blpop");
  }
  EXPECT_TRUE(seen);
  stage.master().Kill();
  ASSERT_TRUE(WaitUntil([&] { return client.Ask({"GET", "k"}).code() == "UPSTREAMDOWN"; }));
  EXPECT_EQ(client.Ask({"PROXY", "NODES"}).elements.size(), 1u);
  EXPECT_GE(client.Ask({"PROXY", "CLIENTS"}).elements.size(), 1u);
}

}  // namespace
