// The log of a real run, in both formats and at the default level: what an operator would ask for
// is there, once for each thing that happened, and every line can be read by a program.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

struct Line {
  std::string level;
  std::string event;
  std::string message;
  std::map<std::string, std::string> fields;
};

// 2026-11-25T04:32:15.037Z
bool IsTime(const std::string& text) {
  const std::string shape = "0000-00-00T00:00:00.000Z";
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

Line FromJson(const std::string& text) {
  const auto object = nlohmann::json::parse(text);
  Line line;
  for (const auto& [key, value] : object.items()) {
    const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    if (key == "level") {
      line.level = shown;
    } else if (key == "event") {
      line.event = shown;
    } else if (key == "msg") {
      line.message = shown;
    } else if (key == "ts") {
      EXPECT_TRUE(IsTime(shown)) << text;
    } else {
      line.fields[key] = shown;
    }
  }
  return line;
}

// Takes the word up to `mark` off the front.
std::string Take(std::string* text, const std::string& mark) {
  const size_t end = std::min(text->find(mark), text->size());
  const std::string word = text->substr(0, end);
  text->erase(0, std::min(end + mark.size(), text->size()));
  return word;
}

// "TIME level event  sentence key=plain key="in quotes"".
Line FromText(std::string text) {
  Line line;
  EXPECT_TRUE(IsTime(text.substr(0, 24))) << text;
  Take(&text, " ");
  line.level = Take(&text, " ");
  text.erase(0, text.find_first_not_of(' '));
  line.event = Take(&text, "  ");
  line.message = text;
  for (size_t equals = text.find('='); equals != std::string::npos; equals = text.find('=')) {
    const size_t blank = text.rfind(' ', equals);
    const std::string key = text.substr(blank + 1, equals - blank - 1);
    text.erase(0, equals + 1);
    if (!text.starts_with('"')) {
      line.fields[key] = text.substr(0, text.find(' '));
      continue;
    }
    size_t end = 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    line.fields[key] = nlohmann::json::parse(text.substr(0, end + 1));
    text.erase(0, end + 1);
  }
  return line;
}

class LogEvents : public ::testing::TestWithParam<const char*> {
 protected:
  bool json() const { return GetParam() == std::string("json"); }

  std::vector<Line> LinesOf(const ProxyProcess& proxy) const {
    std::vector<Line> lines;
    std::istringstream log(proxy.Log());
    for (std::string text; std::getline(log, text);) {
      try {
        lines.push_back(json() ? FromJson(text) : FromText(text));
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what() << ": " << text;
      }
    }
    return lines;
  }

  // The lines about `event` whose fields are as wanted; a wanted value is the beginning of it.
  static size_t Count(const std::vector<Line>& lines, const std::string& level,
                      const std::string& event, const std::map<std::string, std::string>& wanted) {
    size_t count = 0;
    for (const Line& line : lines) {
      bool fits = line.level == level && line.event == event;
      for (const auto& [key, begin] : wanted) {
        const auto at = line.fields.find(key);
        fits =
            fits && at != line.fields.end() && at->second.starts_with(begin) && !at->second.empty();
      }
      count += fits ? 1 : 0;
    }
    return count;
  }
};

TEST_P(LogEvents, AnOperatorFindsWhatHappenedAtTheDefaultLevel) {
  ReplicaSet nodes(1);
  RedisProcess& master = nodes.master();
  RedisProcess& replica = nodes.replica(0);
  ProxyConfig config;
  config.Set("log", "format", TomlString(GetParam()))
      .Set("log", "level", TomlString("info"))
      .Set("routing", "reads", TomlString("prefer-replica"))
      .Set("scripts", "max_memory", TomlString("64kb"));
  ProxyProcess proxy({master.address()}, config);
  ASSERT_TRUE(proxy.WaitLog("replica.readable"));
  ASSERT_TRUE(proxy.WaitLog("attach.seen"));
  RespClient client = proxy.Connect();

  // A script, and a node that loses it behind our back.
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("EVAL", WriteScript(1), "1", "n"), ":1");
  ASSERT_EQ(client("SCRIPT", "LOAD", "return 'loaded'"), Sha1Hex("return 'loaded'"));
  master("SCRIPT", "FLUSH");
  ASSERT_EQ(client("EVALSHA", sha, "1", "n"), ":2");
  // One that nobody gave us, and one that says so itself.
  const std::string nobodys(40, 'a');
  const std::string liar =
      "return redis.error_reply('NO' .. 'SCRIPT No matching script. Please use EVAL.')";
  ASSERT_TRUE(client("EVALSHA", nobodys, "0").starts_with("-NOSCRIPT"));
  ASSERT_EQ(client("SCRIPT", "LOAD", liar), Sha1Hex(liar));
  ASSERT_TRUE(client("EVALSHA", Sha1Hex(liar), "0").starts_with("-NOSCRIPT"));
  // More than there is room for, and none.
  for (const char letter : {'a', 'b'})
    ASSERT_EQ(client("EVAL", "--" + std::string(40'000, letter) + "\nreturn 1", "0"), ":1");
  ASSERT_TRUE(proxy.WaitLog("script.evicted"));
  ASSERT_EQ(client("SCRIPT", "FLUSH"), "+OK");

  // A replica attaches, the master is lost, a replica is made the master.
  const size_t attaches = proxy.LogLines("attach.seen").size();
  RedisProcess& fresh = nodes.Attach();
  ASSERT_TRUE(WaitUntil([&] { return proxy.LogLines("attach.seen").size() > attaches; }));
  ASSERT_TRUE(proxy.WaitLog("node.up", fresh.address()));
  master.Kill();
  ASSERT_TRUE(proxy.WaitLog("topology.changed", "there is no master"));
  replica("REPLICAOF", "NO", "ONE");
  ASSERT_TRUE(proxy.WaitLog("topology.changed", "the master is " + replica.address()));
  ASSERT_EQ(proxy.Stop(), 0);

  const std::vector<Line> lines = LinesOf(proxy);
  for (const Line& line : lines) {
    EXPECT_TRUE(line.level == "info" || line.level == "warn") << line.level;
    EXPECT_FALSE(line.event.empty() || line.message.empty());
  }
  const auto has = [&](const std::string& level, const std::string& event,
                       const std::map<std::string, std::string>& fields, size_t least = 1) {
    EXPECT_GE(Count(lines, level, event, fields), least) << level << " " << event;
  };
  EXPECT_EQ(Count(lines, "info", "start",
                  {{"version", "0."},
                   {"listen", proxy.endpoint().ToString()},
                   {"workers", "2"},
                   {"pid", std::to_string(proxy.process().pid())}}),
            1u);
  has("info", "node.found", {{"node", replica.address()}, {"why", "named by another node"}});
  has("info", "node.up", {{"node", master.address()}});
  has("info", "topology.changed", {{"epoch", ""}, {"why", "it says so itself"}}, 2);
  has("warn", "topology.changed", {{"epoch", ""}, {"why", master.address()}});
  has("warn", "node.down", {{"node", master.address()}});
  has("info", "replica.readable", {{"node", replica.address()}, {"epoch", ""}});
  has("warn", "replica.not_readable", {{"node", replica.address()}, {"why", ""}});
  has("info", "attach.seen", {{"why", "first look at the master"}, {"nodes", ""}});
  has("info", "attach.seen", {{"why", ""}, {"nodes", ""}}, 2);
  has("info", "generation.raised", {{"node", master.address()}, {"generation", ""}, {"why", ""}},
      2);
  has("info", "generation.raised", {{"node", master.address()}, {"why", "lost: "}});
  EXPECT_EQ(Count(lines, "info", "script.learned", {{"sha", sha}, {"bytes", ""}, {"from", "EVAL"}}),
            1u);
  has("info", "script.learned", {{"sha", Sha1Hex("return 'loaded'")}, {"from", "SCRIPT LOAD"}});
  EXPECT_EQ(Count(lines, "info", "noscript.repaired", {{"sha", sha}}), 1u);
  EXPECT_EQ(
      Count(lines, "info", "noscript.passed", {{"sha", nobodys}, {"why", "shacast does not hold"}}),
      1u);
  has("info", "noscript.passed", {{"sha", Sha1Hex(liar)}, {"why", "they are the script's own"}});
  EXPECT_EQ(Count(lines, "info", "script.evicted", {{"scripts", ""}, {"bytes_kept", ""}}), 1u);
  EXPECT_EQ(Count(lines, "info", "scripts.flushed", {{"flush", "1"}}), 1u);
  EXPECT_EQ(Count(lines, "info", "stop.draining", {{"signal", "SIGTERM"}, {"clients", "1"}}), 1u);
  EXPECT_EQ(Count(lines, "info", "stop", {}), 1u);
  EXPECT_EQ(lines.front().event, "start");
  EXPECT_EQ(lines.back().event, "stop");
  // Nothing of what clients said, and no flood.
  EXPECT_EQ(proxy.Log().find("return"), std::string::npos);
  EXPECT_LT(lines.size(), 80u);
}

TEST_P(LogEvents, AFloodOfScriptsAndMissesIsCountedInsteadOfWritten) {
  ReplicaSet nodes(0);
  ProxyConfig config;
  config.Set("log", "format", TomlString(GetParam()))
      .Set("log", "level", TomlString("info"))
      .Set("scripts", "max_memory", TomlString("64kb"))
      .Set("proxy", "workers", "1");
  ProxyProcess proxy({nodes.master().address()}, config);
  ASSERT_TRUE(proxy.WaitLog("attach.seen"));
  RespClient client = proxy.Connect();
  std::vector<RespClient::Args> commands;
  for (int i = 0; i < 2'000; ++i) {
    commands.push_back({"EVAL", "return '" + std::to_string(i) + std::string(60, 'x') + "'", "0"});
    commands.push_back({"EVALSHA", Sha1Hex("nobody's " + std::to_string(i)), "0"});
  }
  const auto began = std::chrono::steady_clock::now();
  client.Pipeline(commands);
  const auto seconds =
      2 + std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began)
              .count();
  ASSERT_EQ(proxy.Counter("noscript_passed_unknown"), 2'000);
  EXPECT_EQ(proxy.Stop(), 0);
  const auto most = static_cast<size_t>(20 * seconds);
  EXPECT_LE(proxy.LogLines("noscript.passed").size(), most);
  EXPECT_LE(proxy.LogLines("script.learned").size(), most);
  EXPECT_LE(proxy.LogLines("script.evicted").size(), most);
  LinesOf(proxy);  // all of them are whole
}

INSTANTIATE_TEST_SUITE_P(Formats, LogEvents, ::testing::Values("text", "json"));

}  // namespace
