#include "config/printer.h"

#include <gtest/gtest.h>

#include "config/quoting.h"
#include "tests/config/config_support.h"

namespace config {
namespace {

// The printed line of a key, its spaces melted into one.
std::string LineOf(const Loaded& loaded, const std::string& section, const std::string& key) {
  std::istringstream lines(PrintConfig(loaded));
  std::string line;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("[")) inside = line == "[" + section + "]";
    if (!inside || !line.starts_with(key + " = ")) continue;
    std::string melted;
    for (const char c : line) {
      if (c != ' ' || !melted.ends_with(' ')) melted += c;
    }
    return melted;
  }
  return "";
}

TEST(Printer, SaysWhereEachValueCameFrom) {
  const TempFolder folder;
  const std::string file =
      folder.Write("c.toml", "[upstream]\nlanes = 1\npoll_interval = \"60s\"\n");
  const LoadResult result = Load(file, {{"0.0.0.0:7000"}, ""});
  ASSERT_EQ(LinesOf(result), Lines());
  const Loaded& loaded = result.value();
  EXPECT_EQ(LineOf(loaded, "upstream", "lanes"), "lanes = 1 # " + file + ":2");
  EXPECT_EQ(LineOf(loaded, "upstream", "poll_interval"), "poll_interval = \"1m\" # " + file + ":3");
  EXPECT_EQ(LineOf(loaded, "proxy", "listen"), "listen = [\"0.0.0.0:7000\"] # flag --listen");
  EXPECT_EQ(LineOf(loaded, "proxy", "workers"), "workers = 0 # default");
  EXPECT_EQ(LineOf(loaded, "sync", "enabled"),
            "enabled = false # default; not yet supported, of no effect");
}

TEST(Printer, WhatIsPrintedLoadsBackToTheSameSettings) {
  const TempFolder folder;
  const std::string password = Quoted(folder.Write("pass\"word\\", "secret\n"));
  const std::string text = R"(
[proxy]
listen = ["0.0.0.0:7000", "[::1]:7001", "unix:/tmp/a \"b\".sock"]
workers = 3
max_clients = 77
client_idle_timeout = "90s"
client_output_limit = "1048577b"
client_query_limit = "512kb"
drain_timeout = "1500ms"
users = [{ name = "default", password_file = )" +
                           password + R"( }, { name = "gr\u00fc\u00df\n", password_file = )" +
                           password + R"( }]
[upstream]
discovery = "static"
nodes = ["a:1", "[fe80::1%eth0]:2"]
username = "shacast"
password_file = )" + password +
                           R"(
poll_interval = "60000ms"
lanes = 8
dedicated_idle_timeout = "0"
[routing]
reads = "any"
scripts_to_replicas = ["0123456789ABCDEF0123456789abcdef01234567"]
failover_hold = "0"
forward_shutdown = true
[scripts]
max_memory = "3gb"
eval_as_evalsha = false
[admin]
listen = ""
[log]
level = "warn"
format = "json"
file = "tab\there.log"
)";
  const LoadResult first = LoadText(text, "with\nnewline");
  ASSERT_EQ(LinesOf(first), Lines());
  const std::string printed = PrintConfig(first.value());
  const LoadResult second = LoadText(printed, "printed");
  ASSERT_EQ(LinesOf(second), Lines()) << printed;
  EXPECT_EQ(TextOf(second.value().settings), TextOf(first.value().settings));
  EXPECT_NE(TextOf(second.value().settings), TextOf(Settings()));
}

TEST(Printer, TheDefaultsLoadBackToo) {
  const LoadResult result = LoadText(PrintConfig(Load(std::nullopt, {}).value()), "printed");
  ASSERT_EQ(LinesOf(result), Lines());
  EXPECT_EQ(TextOf(result.value().settings), TextOf(Settings()));
}

TEST(Printer, NeverShowsASecret) {
  const TempFolder folder;
  const std::string file = folder.Write("pw", "s3cret");
  const LoadResult literal = LoadText("\nupstream.password = \"s3cret\"", "f");
  const LoadResult from_file =
      LoadText("upstream.password_file = " + Quoted(file) +
                   "\nproxy.users = [{ name = \"a\", password_file = " + Quoted(file) + " }]",
               "f");
  ASSERT_TRUE(literal.ok());
  ASSERT_TRUE(from_file.ok());
  EXPECT_EQ(PrintConfig(literal.value()).find("s3cret"), std::string::npos);
  EXPECT_EQ(PrintConfig(from_file.value()).find("s3cret"), std::string::npos);
  EXPECT_EQ(LineOf(literal.value(), "upstream", "password"),
            "password = \"***\" # f:2; it is set, and not shown");
  EXPECT_EQ(LineOf(from_file.value(), "upstream", "password"), "password = \"\" # default");
}

TEST(Printer, WhatWasPrintedBesideAPasswordFileHidesNothing) {
  const TempFolder folder;
  const LoadResult first =
      LoadText("upstream.password_file = " + Quoted(folder.Write("pw", "s3cret")), "f");
  ASSERT_TRUE(first.ok());
  const LoadResult again = LoadText(PrintConfig(first.value()), "printed");
  ASSERT_EQ(LinesOf(again), Lines());
  EXPECT_TRUE(
      LineOf(again.value(), "upstream", "password").starts_with("password = \"\" # printed:"));
  EXPECT_EQ(again.value().settings.upstream.password, "s3cret");
}

TEST(Printer, WithASecretLeftOutItLoadsBackAllTheSame) {
  const LoadResult result = LoadText("upstream = { username = \"u\", password = \"p\" }", "f");
  ASSERT_TRUE(result.ok());
  const LoadResult again = LoadText(PrintConfig(result.value()), "printed");
  ASSERT_EQ(LinesOf(again), Lines());
  EXPECT_EQ(again.value().settings.upstream.password, "***") << "no node takes that by mistake";
}

}  // namespace
}  // namespace config
