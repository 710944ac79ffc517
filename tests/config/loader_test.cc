#include "config/loader.h"

#include <gtest/gtest.h>

#include "tests/config/config_support.h"

namespace config {
namespace {

using namespace std::chrono_literals;

Settings Good(std::string_view toml) {
  const LoadResult result = LoadText(toml, "f");
  EXPECT_EQ(LinesOf(result), Lines());
  return result.value().settings;
}

// The complaint about `line` in [section]; it has to be the only one.
std::string About(const std::string& section, const std::string& line) {
  const Lines lines = ComplaintsAbout("[" + section + "]\n" + line + "\n");
  EXPECT_EQ(lines.size(), 1u) << line;
  return lines.empty() ? "" : lines[0];
}

TEST(Loader, AnEmptyFileAndNoFileGiveTheDefaults) {
  EXPECT_EQ(TextOf(Good("")), TextOf(Settings()));
  const LoadResult none = Load(std::nullopt, {});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(TextOf(none.value().settings), TextOf(Settings()));
}

TEST(Loader, ReadsEveryKind) {
  const Settings s = Good(R"(
[proxy]
listen = ["0.0.0.0:7000", "[::1]:7001", "unix:/tmp/s.sock"]
workers = 4
client_idle_timeout = "5m"
client_output_limit = "2MB"
[upstream]
discovery = "static"
nodes = ["a:1", "b:2"]
username = "proxy"
password = "secret"
[routing]
reads = "prefer-replica"
scripts_to_replicas = ["ABCDEFabcdef00000000000000000000000000ff"]
max_replica_lag = "0"
forward_shutdown = true
[log]
level = "debug"
format = "json"
)");
  ASSERT_EQ(s.proxy.listen.size(), 3u);
  EXPECT_EQ(s.proxy.listen[1].address, (Address{"::1", 7001}));
  EXPECT_EQ(s.proxy.listen[2].path, "/tmp/s.sock");
  EXPECT_EQ(s.proxy.workers, 4u);
  EXPECT_EQ(s.proxy.client_idle_timeout, 5min);
  EXPECT_EQ(s.proxy.client_output_limit, 2u << 20);
  EXPECT_EQ(s.upstream.discovery, Discovery::kStatic);
  EXPECT_EQ(s.upstream.nodes, (std::vector<Address>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(s.upstream.username, "proxy");
  EXPECT_EQ(s.upstream.password, "secret");
  EXPECT_EQ(s.routing.reads, Reads::kPreferReplica);
  EXPECT_EQ(s.routing.scripts_to_replicas, Lines{"abcdefabcdef00000000000000000000000000ff"});
  EXPECT_EQ(s.routing.max_replica_lag, 0ms);
  EXPECT_TRUE(s.routing.forward_shutdown);
  EXPECT_EQ(s.log.level, LogLevel::kDebug);
  EXPECT_EQ(s.log.format, LogFormat::kJson);
}

TEST(Loader, TakesSectionsAlsoAsDottedKeysAndInlineTables) {
  EXPECT_EQ(Good("proxy.workers = 3").proxy.workers, 3u);
  EXPECT_EQ(Good("proxy = { workers = 3, tls = { cert_file = \"\" } }").proxy.workers, 3u);
}

TEST(Loader, PointsAtTheFirstMistakeInTheGrammar) {
  EXPECT_EQ(ComplaintsAbout("[proxy]\nworkers = \n"),
            Lines{"f:2:11: Error while parsing key-value pair: expected value, saw '\\n'"});
  EXPECT_EQ(ComplaintsAbout("[proxy]\nworkers = 1\nworkers = 2\n").size(), 1u);
  EXPECT_EQ(ComplaintsAbout("x = \"\xff\"\n"), Lines{"f:1:5: Encountered invalid utf-8 sequence"});
}

TEST(Loader, PointsAtAnUnknownKeyByItsName) {
  EXPECT_EQ(About("proxy", "  wokrers = 3"),
            R"(f:2:3: unknown key "wokrers" in [proxy]; did you mean "workers"?)");
  EXPECT_EQ(About("proxy", "colour = \"red\""), R"(f:2:1: unknown key "colour" in [proxy])");
  EXPECT_EQ(About("log", "\"a\\nb\" = 1"), R"(f:2:1: unknown key "a\nb" in [log])");
}

TEST(Loader, NamesTheSectionThatAMisplacedKeyBelongsTo) {
  EXPECT_EQ(About("upstream", "reads = \"any\""),
            R"(f:2:1: unknown key "reads" in [upstream], it belongs to [routing])");
  EXPECT_EQ(About("log", "listen = []"),
            R"(f:2:1: unknown key "listen" in [log], it belongs to [proxy] or [admin])");
  EXPECT_EQ(ComplaintsAbout("workers = 3"),
            Lines{R"(f:1:1: unknown key "workers" outside of any section, it belongs to [proxy])"});
  EXPECT_EQ(
      ComplaintsAbout("wokrers = 3"),
      Lines{R"(f:1:1: unknown key "wokrers" outside of any section; did you mean "workers"?)"});
}

TEST(Loader, PointsAtAnUnknownSection) {
  EXPECT_EQ(ComplaintsAbout("\n[prox]\nx = 1"),
            Lines{R"(f:2:2: unknown section [prox]; did you mean "proxy"?)"});
  EXPECT_EQ(ComplaintsAbout("[proxy.tsl]"),
            Lines{R"(f:1:8: unknown section [proxy.tsl]; did you mean "proxy.tls"?)"});
  EXPECT_EQ(ComplaintsAbout("[tls]"),
            Lines{R"(f:1:2: unknown section [tls]; did you mean "proxy.tls"?)"});
  EXPECT_EQ(ComplaintsAbout("[\"proxy.tls\"]"),
            Lines{R"(f:1:2: unknown section [proxy.tls]; did you mean "proxy.tls"?)"});
  EXPECT_EQ(ComplaintsAbout("[colours]"), Lines{"f:1:2: unknown section [colours]"});
}

TEST(Loader, WantsASectionToBeATable) {
  EXPECT_EQ(ComplaintsAbout("proxy = 3"),
            Lines{"f:1:9: expected a section [proxy], got an integer"});
  EXPECT_EQ(ComplaintsAbout("[[proxy]]"), Lines{"f:1:1: expected a section [proxy], got a list"});
}

TEST(Loader, PointsAtTheValueOfAWrongType) {
  EXPECT_EQ(About("proxy", "workers = \"4\""),
            "f:2:11: proxy.workers: expected an integer, got a string");
  EXPECT_EQ(About("proxy", "workers = 4.0"),
            "f:2:11: proxy.workers: expected an integer, got a floating-point number");
  EXPECT_EQ(About("proxy", "listen = \"h:1\""),
            "f:2:10: proxy.listen: expected a list of addresses such as [\"127.0.0.1:6380\"], "
            "got a string");
  EXPECT_EQ(About("proxy", "listen = [1]"),
            "f:2:11: proxy.listen: expected an address such as \"127.0.0.1:6380\", got an integer");
  EXPECT_EQ(About("proxy", "client_output_limit = 64"),
            "f:2:23: proxy.client_output_limit: expected a size such as \"64mb\", got an integer");
  EXPECT_EQ(
      About("upstream", "poll_interval = 500"),
      "f:2:17: upstream.poll_interval: expected a duration such as \"250ms\", got an integer");
  EXPECT_EQ(About("upstream", "password = 1979-05-27"),
            "f:2:12: upstream.password: expected a string, got a date");
  EXPECT_EQ(
      About("routing", "reads = 07:32:00"),
      "f:2:9: routing.reads: expected \"master\", \"prefer-replica\", \"replica\" or \"any\", "
      "got a time of day");
  EXPECT_EQ(About("routing", "forward_shutdown = \"yes\""),
            "f:2:20: routing.forward_shutdown: expected true or false, got a string");
  EXPECT_EQ(About("routing", "scripts_to_replicas = 1979-05-27T07:32:00Z"),
            "f:2:23: routing.scripts_to_replicas: expected a list of SHA1 digests, got a date and "
            "time");
  EXPECT_EQ(About("scripts", "preload = {}"),
            "f:2:11: scripts.preload: expected a list of strings, got a table");
  EXPECT_EQ(About("admin", "listen = false"),
            "f:2:10: admin.listen: expected an address or \"\", got a boolean");
  EXPECT_EQ(ComplaintsAbout("[log.level]"),
            Lines{"f:1:1: log.level: expected \"debug\", \"info\", \"warn\" or \"error\", got a "
                  "table"});
}

TEST(Loader, HintsAtTheStringForABareZero) {
  EXPECT_EQ(About("routing", "max_replica_lag = 0"),
            "f:2:19: routing.max_replica_lag: expected a duration such as \"250ms\", got an "
            "integer; did you mean \"0\"?");
  // Where zero is no answer it is not hinted at.
  EXPECT_EQ(
      About("upstream", "poll_interval = 0"),
      "f:2:17: upstream.poll_interval: expected a duration such as \"250ms\", got an integer");
}

TEST(Loader, WantsTheUnitsOfAKey) {
  EXPECT_EQ(About("upstream", "poll_interval = \"500\""),
            "f:2:17: upstream.poll_interval: a duration needs a unit (ms, s, m or h), got \"500\"");
  EXPECT_EQ(About("proxy", "drain_timeout = \"30sec\""),
            "f:2:17: proxy.drain_timeout: a duration has one of the units ms, s, m or h, got "
            "\"30sec\"; did you mean \"30s\"?");
  EXPECT_EQ(
      About("scripts", "max_memory = \"64ms\""),
      "f:2:14: scripts.max_memory: a size has one of the units b, kb, mb or gb, got \"64ms\"");
}

TEST(Loader, SaysTheRange) {
  EXPECT_EQ(About("proxy", "workers = 1025"),
            "f:2:11: proxy.workers: 1025 is out of range, 0 to 1024");
  EXPECT_EQ(About("proxy", "max_clients = -1"),
            "f:2:15: proxy.max_clients: -1 is out of range, 1 to 1000000");
  EXPECT_EQ(About("proxy", "max_clients = 9223372036854775807"),
            "f:2:15: proxy.max_clients: 9223372036854775807 is out of range, 1 to 1000000");
  EXPECT_EQ(About("proxy", "client_output_limit = \"0\""),
            "f:2:23: proxy.client_output_limit: \"0\" is out of range, \"1mb\" to \"1024gb\"");
  EXPECT_EQ(About("proxy", "client_query_limit = \"63kb\""),
            "f:2:22: proxy.client_query_limit: \"63kb\" is out of range, \"64kb\" to \"1024gb\"");
  EXPECT_EQ(About("proxy", "client_query_limit = \"99999999999999999999gb\""),
            "f:2:22: proxy.client_query_limit: \"99999999999999999999gb\" is out of range, "
            "\"64kb\" to \"1024gb\"");
  EXPECT_EQ(About("upstream", "poll_interval = \"0\""),
            "f:2:17: upstream.poll_interval: \"0\" is out of range, \"10ms\" to \"1m\"");
  EXPECT_EQ(About("proxy", "client_idle_timeout = \"99ms\""),
            "f:2:23: proxy.client_idle_timeout: \"99ms\" is out of range, \"100ms\" to \"8760h\", "
            "or \"0\" (never)");
}

TEST(Loader, TakesBothEndsOfARange) {
  EXPECT_EQ(Good("proxy.max_clients = 1").proxy.max_clients, 1u);
  EXPECT_EQ(Good("proxy.max_clients = 1000000").proxy.max_clients, 1'000'000u);
  EXPECT_EQ(Good("upstream.poll_interval = \"10ms\"").upstream.poll_interval, 10ms);
  EXPECT_EQ(Good("upstream.poll_interval = \"1m\"").upstream.poll_interval, 1min);
  EXPECT_EQ(Good("proxy.client_query_limit = \"64kb\"").proxy.client_query_limit, 64u << 10);
}

TEST(Loader, ListsTheWordsOfAChoice) {
  EXPECT_EQ(
      About("routing", "reads = \"replicas\""),
      "f:2:9: routing.reads: expected \"master\", \"prefer-replica\", \"replica\" or \"any\", "
      "got \"replicas\"; did you mean \"replica\"?");
  EXPECT_EQ(About("log", "format = \"JSON\""),
            "f:2:10: log.format: expected \"text\" or \"json\", got \"JSON\"; did you mean "
            "\"json\"?");
  EXPECT_EQ(About("log", "level = \"\""),
            "f:2:9: log.level: expected \"debug\", \"info\", \"warn\" or \"error\", got \"\"");
}

TEST(Loader, RefusesWhatIsListedTwice) {
  EXPECT_EQ(About("upstream", "nodes = [\"a:1\", \"b:1\", \"a:1\"]"),
            "f:2:24: upstream.nodes: \"a:1\" is listed twice");
  EXPECT_EQ(About("proxy", "listen = [\"unix:/a\",\n  \"unix:/a\"]"),
            "f:3:3: proxy.listen: \"unix:/a\" is listed twice");
  const std::string sha(40, 'a');
  EXPECT_EQ(
      About("routing", "scripts_to_replicas = [\"" + sha + "\", \"" + std::string(40, 'A') + "\"]"),
      "f:2:68: routing.scripts_to_replicas: \"" + sha + "\" is listed twice");
}

TEST(Loader, WantsDigestsOf40HexDigits) {
  for (const std::string& text :
       {std::string(39, 'a'), std::string(41, 'a'), std::string(40, 'g'), std::string()}) {
    EXPECT_EQ(About("routing", "scripts_to_replicas = [\"" + text + "\"]"),
              "f:2:24: routing.scripts_to_replicas: expected a SHA1 digest of 40 hex digits, got "
              "\"" +
                  text + "\"");
  }
}

TEST(Loader, PutsTheComplaintOfAnAddressAtTheElement) {
  EXPECT_EQ(About("upstream", "nodes = [\"a:1\",\n         \"localhost\"]"),
            "f:3:10: upstream.nodes: \"localhost\" has no port; did you mean \"localhost:6379\"?");
  EXPECT_EQ(About("upstream", "sentinels = [\"s\"]"),
            "f:2:14: upstream.sentinels: \"s\" has no port; did you mean \"s:26379\"?");
  EXPECT_EQ(About("admin", "listen = \"localhost\""),
            "f:2:10: admin.listen: \"localhost\" has no port; did you mean \"localhost:9121\"?");
}

TEST(Loader, RefusesEmptyTextWhereItMeansNothing) {
  EXPECT_EQ(About("sync", "channel = \"\""), "f:2:11: sync.channel: may not be empty");
  EXPECT_EQ(About("scripts", "preload = [\"\"]"),
            "f:2:12: scripts.preload: an element may not be empty");
  EXPECT_EQ(About("log", "file = \"a\\u0000b\""), "f:2:8: log.file: has a zero byte in it");
}

TEST(Loader, RefusesUsersThatAreNotWhole) {
  EXPECT_EQ(About("proxy", "users = {}"),
            "f:2:9: proxy.users: expected a list of { name, password_file }, got a table");
  EXPECT_EQ(About("proxy", "users = [\"default\"]"),
            "f:2:10: proxy.users: expected { name, password_file }, got a string");
  EXPECT_EQ(About("proxy", "users = [{ password_file = \"x\" }]"),
            "f:2:10: proxy.users: a user needs a name");
  EXPECT_EQ(About("proxy", "users = [{ name = \"x\" }]"),
            "f:2:10: proxy.users: a user needs a password_file");
  EXPECT_EQ(About("proxy", "users = [{ name = \"\", password_file = \"x\" }]"),
            "f:2:19: proxy.users: a user's name is empty");
  EXPECT_EQ(About("proxy", "users = [{ name = 1, password_file = \"x\" }]"),
            "f:2:19: proxy.users: expected a string for name, got an integer");
  EXPECT_EQ(ComplaintsAbout("[[proxy.users]]\nname = \"x\"\npasword_file = \"y\""),
            (Lines{"f:1:1: proxy.users: a user needs a password_file",
                   "f:3:1: proxy.users: unknown key \"pasword_file\" in a user; did you mean "
                   "\"password_file\"?"}));
}

TEST(Loader, GivesAllComplaintsAtOnceInTheOrderOfTheFile) {
  constexpr std::string_view kToml = R"([upstream]
nodes = ["localhost", 3]
username = "x"
tls_ca_file = 1
[zzz]
[proxy]
listen = []
thraeds = 2
workers = "2"
)";
  EXPECT_EQ(
      ComplaintsAbout(kToml),
      (Lines{
          R"(f:2:10: upstream.nodes: "localhost" has no port; did you mean "localhost:6379"?)",
          R"(f:2:23: upstream.nodes: expected an address such as "127.0.0.1:6379", got an integer)",
          "f:3:12: upstream.username: is set, but neither password nor password_file is",
          "f:4:15: upstream.tls_ca_file: expected a string, got an integer",
          "f:5:2: unknown section [zzz]",
          "f:7:10: proxy.listen: is empty, clients could not connect",
          "f:8:1: unknown key \"thraeds\" in [proxy]",
          "f:9:11: proxy.workers: expected an integer, got a string",
      }));
}

TEST(Loader, NeverShowsASecretInAComplaint) {
  for (const std::string_view toml :
       {"upstream.password = 's3cret\\u0000'\nupstream.usernam = 's3cret'",
        "upstream.password = \"s3cret\\u0000\"", "upstream.passwort = \"s3cret\"",
        "proxy.users = [{ name = \"a\", password = \"s3cret\" }]"}) {
    const Lines lines = ComplaintsAbout(toml);
    EXPECT_FALSE(lines.empty());
    for (const std::string& line : lines) EXPECT_EQ(line.find("s3cret"), line.npos) << line;
  }
}

TEST(Loader, SurvivesDeepNesting) {
  EXPECT_EQ(ComplaintsAbout("a = " + std::string(100'000, '[')).size(), 1u);
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  EXPECT_EQ(ComplaintsAbout(dots + " = 1"), Lines{"f: too many dotted keys"});
  std::string fewer = "a";
  for (int i = 0; i < 1'900; ++i) fewer += ".a";
  EXPECT_EQ(ComplaintsAbout(fewer + " = 1"), Lines{"f:1:1: unknown section [a]"});
  // Dots in strings and comments are no keys.
  EXPECT_EQ(ComplaintsAbout("# it's " + std::string(5'000, '.') + "\nlog.level = \"info\""),
            Lines());
}

}  // namespace
}  // namespace config
