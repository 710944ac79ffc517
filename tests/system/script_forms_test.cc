// What a script call may look like, and what of it reaches the nodes: cases 1, 2, 3, 7 and 10 of
// the catalogue of script cases.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

// Echoes everything that it was called with.
const std::string kEchoScript = "return {#KEYS, #ARGV, KEYS, ARGV}";

std::string MixedCase(std::string text) {
  for (size_t i = 0; i < text.size(); i += 2) text[i] = Upper(text.substr(i, 1))[0];
  return text;
}

StageOptions Options() {
  StageOptions options;
  options.read_scripts = ReadScripts(10);
  options.read_scripts.push_back(kEchoScript);
  return options;
}

int64_t Sum(const std::vector<CommandCounts>& counts, const std::string& command) {
  int64_t sum = 0;
  for (const auto& count : counts) sum += count(command);
  return sum;
}

TEST(ScriptCases, Case01_UpperAndMixedCaseNameTheSameScript) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  const std::string body = ReadScript(1);
  const std::string sha = Sha1Hex(body);
  ASSERT_EQ(client("SCRIPT", "LOAD", body), sha);
  for (const std::string& spelt : {sha, Upper(sha), MixedCase(sha)}) {
    EXPECT_EQ(client("EVALSHA", spelt, "0", "x"), "1:x") << spelt;
    EXPECT_EQ(client(EvalShaForm(), spelt, "0", "y"), "1:y") << spelt;
    EXPECT_EQ(client("SCRIPT", "EXISTS", spelt), "[:1]") << spelt;
  }
}

TEST(ScriptCases, Case01_WhatCameInUpperCaseGoesOnInUpperCase) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  Monitor monitor(stage.master());
  EXPECT_EQ(client("eVaLsHa", Upper(sha), "0", "x"), "1:x");
  // (A vouched script of 6.0 is run by a replica.)
  if (Server().read_only_forms) {
    EXPECT_EQ(monitor.Seen(kScriptCalls),
              std::vector<std::string>{"\"eVaLsHa\" \"" + Upper(sha) + "\" \"0\" \"x\""});
  }
}

TEST(ScriptCases, Case01_OtherLengthsAndOtherLettersAreTheServersBusiness) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  std::string no_hex = sha;
  no_hex[7] = 'z';
  for (const std::string& name : {sha.substr(1), sha + "0", no_hex, std::string(),
                                  std::string(40, ' '), std::string(40, '\0')}) {
    for (const std::string& form : {std::string("EVALSHA"), EvalShaForm()}) {
      client.Ask({form, name, "0"});
      direct.Ask({form, name, "0"});
      EXPECT_EQ(client.last_raw(), direct.last_raw()) << form << " '" << name << "'";
    }
    EXPECT_EQ(client("SCRIPT", "EXISTS", name), "[:0]") << name;
  }
}

TEST(ScriptCases, Case02_TheReadOnlyFormStaysReadOnlyWhenTheBodyGoesWithIt) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no EVALSHA_RO";
  StageOptions options = Options();
  options.reads = "master";
  Stage stage(options);
  RespClient client = stage.Connect();
  const std::string writer = WriteScript(1);
  ASSERT_EQ(client("SCRIPT", "LOAD", writer), Sha1Hex(writer));
  stage.VoidKnowledge();
  CommandCounts counts(stage.master());
  const std::string answer = client("EVALSHA_RO", Sha1Hex(writer), "1", "n");
  EXPECT_EQ(answer.find("-ERR Write commands are not allowed from read-only scripts"), 0u)
      << answer;
  EXPECT_EQ(counts("eval_ro"), 1);
  EXPECT_EQ(counts({"eval", "evalsha", "evalsha_ro"}), 0);
  EXPECT_EQ(client("EXISTS", "n"), ":0");
}

TEST(ScriptCases, Case02_BodiesOfEveryKindArriveByteForByte) {
  const std::vector<std::pair<std::string, std::string>> scripts = {
      {"", "(nil)"},
      {"return 'line\\r\\n' .. ARGV[1] --[[\r\n$5\r\nEVIL\r\n*1\r\n]]", "line\r\nx"},
      {"return '\r\n' .. ARGV[1]", ""},
      {"-- " + std::string(1 << 20, 'b') + "\nreturn 'big' .. ARGV[1]", "bigx"},
      {"return '\xff\xfe\x80' .. ARGV[1]", "\xff\xfe\x80x"},
  };
  StageOptions options = Options();
  for (const auto& [body, answer] : scripts) options.read_scripts.push_back(body);
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const auto& [body, answer] : scripts) {
    const std::string sha = Sha1Hex(body);
    const std::string expected = direct("EVAL", body, "0", "x");
    if (!answer.empty()) {
      EXPECT_EQ(expected, answer);
    }
    const std::string loaded = direct("SCRIPT", "LOAD", body);
    EXPECT_EQ(client("SCRIPT", "LOAD", body), loaded);
    if (loaded != sha) continue;  // it does not compile, here as there
    // Both replicas get it, and run it.
    for (int i = 0; i < 4; ++i) EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), expected);
    EXPECT_EQ(client("EVALSHA", sha, "0", "x"), expected);
  }
}

TEST(ScriptCases, Case02_ABodyWithANulReachesTheReplicaWhole) {
  std::string body = "return 'a?b' .. ARGV[1]";
  body[body.find('?')] = '\0';
  StageOptions options = Options();
  options.read_scripts.push_back(body);
  Stage stage(options);
  RespClient client = stage.Connect();
  const std::string expected = stage.master().Connect()("EVAL", body, "0", "x");
  EXPECT_EQ(client("EVAL", body, "0", "x"), expected);
  const std::string sha = Sha1Hex(body);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client(EvalShaForm(), sha, "0", "x"), expected);
  EXPECT_EQ(client.Ask({"PROXY", "SCRIPTS", sha}).at("body").text, body);
}

TEST(ScriptCases, Case02_ArgumentsKeepTheirNumberOrderAndBytes) {
  const std::string large(200'000, 'v');
  const std::vector<RespClient::Args> tails = {
      {"0"},
      {"1", "k"},
      {"2", "k2", "k1", "a", "b", "c"},
      {"0", "", "", ""},
      {"1", std::string("k\0\r\n", 4), std::string("\r\n$3\r\n", 6), large, "end"}};
  StageOptions options = Options();
  std::vector<std::string> bodies;
  for (size_t i = 0; i < tails.size(); ++i)
    bodies.push_back(kEchoScript + " --" + std::to_string(i));
  options.read_scripts.insert(options.read_scripts.end(), bodies.begin(), bodies.end());
  options.replicas = 1;
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (size_t i = 0; i < tails.size(); ++i) {
    const std::string sha = direct("SCRIPT", "LOAD", bodies[i]);
    ASSERT_EQ(client("EVAL", bodies[i], "0"), "[:0, :0, [], []]");
    CommandCounts counts(stage.replica(0));
    // With the body, then by name; then as an EVAL that goes by name.
    for (const std::string& form : {EvalShaForm(), EvalShaForm(), EvalForm()}) {
      RespClient::Args command = {form, form == EvalForm() ? bodies[i] : sha};
      command.insert(command.end(), tails[i].begin(), tails[i].end());
      client.Ask(command);
      command[0] = "EVALSHA";
      command[1] = sha;
      direct.Ask(command);
      EXPECT_EQ(client.last_raw(), direct.last_raw());
    }
    // (On 6.0 the EVAL above was the replica's first already.)
    EXPECT_EQ(counts(EvalStat()), Server().read_only_forms ? 1 : 0);
    EXPECT_EQ(counts(EvalShaStat()), Server().read_only_forms ? 2 : 3);
  }
}

TEST(ScriptCases, Case03_EachReplicaGetsTheBodyExactlyOnce) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(3));
  ASSERT_EQ(client("EVAL", ReadScript(3), "0", "x"), "3:x");
  // On 6.0 that was a replica already: the count begins with the first call.
  const bool ran_on_replica = !Server().read_only_forms;
  CommandCounts master(stage.master());
  std::vector<CommandCounts> replicas = {CommandCounts(stage.replica(0)),
                                         CommandCounts(stage.replica(1))};
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(client(EvalShaForm(), sha, "0", std::to_string(i)), "3:" + std::to_string(i));
  EXPECT_EQ(Sum(replicas, EvalStat()), ran_on_replica ? 1 : 2);
  EXPECT_EQ(Sum(replicas, EvalShaStat()), ran_on_replica ? 19 : 18);
  for (const auto& count : replicas) {
    EXPECT_LE(count(EvalStat()), 1);
    EXPECT_GE(count(EvalShaStat()), 1);
  }
  EXPECT_EQ(master(kScriptCalls), 0);
}

TEST(ScriptCases, Case03_MonitorShowsTheBodyOnceAndTheDigestAfterwards) {
  StageOptions options = Options();
  options.replicas = 1;
  Stage stage(options);
  RespClient client = stage.Connect();
  const std::string body = ReadScript(4);
  const std::string sha = Sha1Hex(body);
  // Known from a SCRIPT LOAD at the master alone, as far as the replica is concerned.
  ASSERT_EQ(client("SCRIPT", "LOAD", body), sha);
  stage.VoidKnowledge();
  Monitor monitor(stage.replica(0));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client(EvalShaForm(), sha, "1", "k", "v"), "4:v");
  const std::string tail = "\" \"1\" \"k\" \"v\"";
  EXPECT_EQ(monitor.Seen(kScriptCalls),
            (std::vector<std::string>{"\"" + EvalForm() + "\" \"" + body + tail,
                                      "\"" + EvalShaForm() + "\" \"" + sha + tail,
                                      "\"" + EvalShaForm() + "\" \"" + sha + tail}));
}

TEST(ScriptCases, Case03_AWriteScriptIsLoadedAtTheMasterOnceForEachGeneration) {
  Stage stage(Options());
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(1)), sha);
  CommandCounts counts(stage.master());
  for (int i = 1; i <= 5; ++i) ASSERT_EQ(client("EVALSHA", sha, "1", "n"), ":" + std::to_string(i));
  EXPECT_EQ(counts("eval"), 0);  // SCRIPT LOAD was the proof
  EXPECT_EQ(counts("evalsha"), 5);
  stage.Attach();
  for (int i = 6; i <= 9; ++i) ASSERT_EQ(client("EVALSHA", sha, "1", "n"), ":" + std::to_string(i));
  EXPECT_EQ(counts("eval"), 1);
  EXPECT_EQ(counts("evalsha"), 8);
}

TEST(ScriptCases, Case07_ConcurrentFirstUseNeverSendsTheDigestBeforeTheBodyIsProven) {
  StageOptions options = Options();
  options.replicas = 1;
  options.config.Set("upstream", "lanes", "2");
  constexpr int kRounds = 40;
  constexpr int kClients = 8;
  for (int i = 10; i < 10 + kRounds; ++i) options.read_scripts.push_back(ReadScript(i));
  Stage stage(options);
  RespClient loader = stage.Connect();
  for (int round = 0; round < kRounds; ++round)
    ASSERT_EQ(loader("SCRIPT", "LOAD", ReadScript(10 + round)), Sha1Hex(ReadScript(10 + round)));
  // The replica really has nothing, and nobody believes that it has.
  stage.replica(0)("SCRIPT", "FLUSH");
  stage.VoidKnowledge();
  CommandCounts counts(stage.replica(0));
  std::vector<std::string> wrong[kClients];
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      RespClient client = stage.Connect();
      for (int round = 0; round < kRounds; ++round) {
        const std::string answer =
            client(EvalShaForm(), Sha1Hex(ReadScript(10 + round)), "0", std::to_string(c));
        if (answer != std::to_string(10 + round) + ":" + std::to_string(c))
          wrong[c].push_back(answer);
      }
    });
  }
  for (auto& client : clients) client.join();
  for (const auto& answers : wrong) EXPECT_EQ(answers, std::vector<std::string>());
  // Not one call found the script missing: nothing had to be repaired.
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 0);
  EXPECT_EQ(counts({EvalStat(), EvalShaStat()}), kRounds * kClients);
  EXPECT_GE(counts(EvalStat()), kRounds);
}

TEST(ScriptCases, Case07_ABurstOfOneScriptCarriesTheBodyOnceForALane) {
  StageOptions options = Options();
  options.replicas = 1;
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(5));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(5)), sha);
  stage.VoidKnowledge();
  CommandCounts counts(stage.replica(0));
  constexpr int kCalls = 500;
  std::vector<RespClient::Args> burst;
  for (int i = 0; i < kCalls; ++i) burst.push_back({EvalShaForm(), sha, "0", std::to_string(i)});
  const auto answers = client.Pipeline(burst);
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(answers[i].Show(), "5:" + std::to_string(i));
  EXPECT_EQ(counts(EvalStat()), 1);
  EXPECT_EQ(counts(EvalShaStat()), kCalls - 1);
}

TEST(ScriptCases, Case10_TheOldestOfTenThousandGoesFirst) {
  StageOptions options;
  options.replicas = 0;
  options.config.Set("proxy", "workers", "1");
  Stage stage(options);
  RespClient client = stage.Connect();
  constexpr int kCapacity = 10'000;
  std::vector<RespClient::Args> loads;
  for (int i = 0; i <= kCapacity; ++i) loads.push_back({"SCRIPT", "LOAD", ReadScript(i)});
  const auto answers = client.Pipeline(loads);
  ASSERT_EQ(answers.back().Show(), Sha1Hex(ReadScript(kCapacity)));
  EXPECT_EQ(stage.proxy.Nodes().at(0).at("scripts_known").number(), kCapacity);
  CommandCounts counts(stage.master());
  EXPECT_EQ(client("EVALSHA", Sha1Hex(ReadScript(1)), "0", "x"), "1:x");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(ReadScript(kCapacity)), "0", "x"), "10000:x");
  EXPECT_EQ(counts("eval"), 0);
  EXPECT_EQ(client("EVALSHA", Sha1Hex(ReadScript(0)), "0", "x"), "0:x");
  EXPECT_EQ(counts("eval"), 1);
  // It is the newest now, in the place of the next oldest.
  EXPECT_EQ(client("EVALSHA", Sha1Hex(ReadScript(0)), "0", "x"), "0:x");
  EXPECT_EQ(counts("eval"), 1);
  EXPECT_EQ(client("EVALSHA", Sha1Hex(ReadScript(1)), "0", "x"), "1:x");
  EXPECT_EQ(counts("eval"), 2);
}

}  // namespace
