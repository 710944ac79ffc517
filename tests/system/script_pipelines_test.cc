// Scripts among other commands: cases 11 and 12, the order of effects and replies.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Args = RespClient::Args;

// shacast learns of a flush only by the NOSCRIPT that it causes.
StageOptions Unwatched(const std::string& reads, const std::vector<std::string>& scripts = {}) {
  StageOptions options;
  options.replicas = 1;
  options.reads = reads;
  options.read_scripts = scripts;
  options.config.Set("upstream", "poll_interval", TomlString("1m")).Set("proxy", "workers", "1");
  return options;
}

std::vector<std::string> Shown(const std::vector<Value>& values) {
  std::vector<std::string> shown;
  for (const auto& value : values) shown.push_back(value.Show());
  return shown;
}

TEST(ScriptCases, Case11_ThirdReplyWaitsForTheRepair) {
  for (const char* reads : {"master", "replica"}) {
    const std::string body = ReadScript(1);
    Stage stage(Unwatched(reads, {body}));
    RespClient client = stage.Connect();
    ASSERT_EQ(client("SET", "a", "1"), "+OK");
    ASSERT_EQ(client("SET", "b", "2"), "+OK");
    stage.nodes.WaitSynced();
    ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
    for (int round = 0; round < 10; ++round) {
      for (RedisProcess* node : stage.nodes.nodes()) (*node)("SCRIPT", "FLUSH");
      const auto answers =
          client.Pipeline({{"GET", "a"}, {EvalShaForm(), Sha1Hex(body), "0", "x"}, {"GET", "b"}});
      EXPECT_EQ(Shown(answers), (std::vector<std::string>{"1", "1:x", "2"})) << reads;
    }
    EXPECT_GE(stage.proxy.Counter("noscript_repaired"), 1);
  }
}

TEST(ScriptCases, Case11_WritesKeepTheirOrderAcrossARepair) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string append = "return redis.call('APPEND', KEYS[1], ARGV[1])";
  const std::string sha = Sha1Hex(append);
  ASSERT_EQ(client("SCRIPT", "LOAD", append), sha);
  std::string expected;
  for (int round = 0; round < 20; ++round) {
    stage.master()("SCRIPT", "FLUSH");
    std::vector<Args> pipeline;
    std::vector<std::string> answers;
    for (int i = 0; i < 10; ++i) {
      const std::string letter(1, static_cast<char>('a' + i));
      pipeline.push_back(i % 2 == 0 ? Args{"EVALSHA", sha, "1", "s", letter}
                                    : Args{"APPEND", "s", letter});
      expected += letter;
      answers.push_back(":" + std::to_string(expected.size()));
    }
    pipeline.push_back({"GET", "s"});
    answers.push_back(expected);
    EXPECT_EQ(Shown(client.Pipeline(pipeline)), answers) << round;
  }
}

TEST(ScriptCases, Case11_ScriptsThatMissTogetherRunInTheirOrderAndOnce) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  // Each appends its own letter.
  std::vector<std::string> shas;
  for (char c = 'a'; c < 'a' + 8; ++c) {
    const std::string body = "return redis.call('APPEND', KEYS[1], '" + std::string(1, c) + "')";
    shas.push_back(Sha1Hex(body));
    ASSERT_EQ(client("SCRIPT", "LOAD", body), shas.back());
  }
  std::mt19937 random(11);
  std::string expected;
  for (int round = 0; round < 30; ++round) {
    if (round % 2 == 0) stage.master()("SCRIPT", "FLUSH");
    std::vector<Args> pipeline;
    for (int i = 0; i < 20; ++i) {
      const size_t which = random() % shas.size();
      pipeline.push_back({"EVALSHA", shas[which], "1", "s"});
      expected += static_cast<char>('a' + which);
    }
    const size_t before = expected.size() - 20;
    const auto answers = client.Pipeline(pipeline);
    for (size_t i = 0; i < answers.size(); ++i)
      EXPECT_EQ(answers[i].Show(), ":" + std::to_string(before + i + 1)) << round;
  }
  EXPECT_EQ(stage.master()("GET", "s"), expected);
}

TEST(ScriptCases, Case11_AFlushAmongTheCommandsMeansNoscriptBehindIt) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  const auto answers = client.Pipeline({{"EVALSHA", sha, "0", "a"},
                                        {"SCRIPT", "FLUSH"},
                                        {"EVALSHA", sha, "0", "b"},
                                        {"SCRIPT", "LOAD", ReadScript(1)},
                                        {"EVALSHA", sha, "0", "c"},
                                        {"EVALSHA_NOT_A_COMMAND"},
                                        {"EVALSHA", sha, "0", "d"}});
  EXPECT_EQ(answers[0].Show(), "1:a");
  EXPECT_EQ(answers[1].Show(), "+OK");
  EXPECT_EQ(answers[2].code(), "NOSCRIPT");
  EXPECT_EQ(answers[3].Show(), sha);
  EXPECT_EQ(answers[4].Show(), "1:c");
  EXPECT_EQ(answers[5].code(), "ERR");
  EXPECT_EQ(answers[6].Show(), "1:d");
}

TEST(ScriptCases, Case11_AnEvalMayBeFollowedByItsDigestInTheSamePipeline) {
  Stage stage(Unwatched("prefer-replica"));
  RespClient client = stage.Connect();
  for (int i = 0; i < 50; ++i) {
    const std::string body = WriteScript(i);
    const auto answers = client.Pipeline({{"EVAL", body, "1", "n"},
                                          {"EVALSHA", Sha1Hex(body), "1", "n"},
                                          {"EVALSHA", Sha1Hex(body), "1", "n"},
                                          {"EVAL", body, "1", "n"}});
    for (int k = 0; k < 4; ++k) EXPECT_EQ(answers[k].Show(), ":" + std::to_string(4 * i + k + 1));
  }
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 0);
}

TEST(ScriptCases, Case11_BehindAnEvalThatFailsTheDigestIsAnsweredAsByTheServer) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string body = ReadScript(1);
  // A wrong number of keys: the server does not keep the body, and neither do we.
  const auto answers = client.Pipeline({{"EVAL", body, "7"},
                                        {"EVALSHA", Sha1Hex(body), "0"},
                                        {"EVAL", body, "0", "x"},
                                        {"EVALSHA", Sha1Hex(body), "0", "y"}});
  EXPECT_EQ(answers[0].code(), "ERR");
  EXPECT_EQ(answers[1].code(), "NOSCRIPT");
  EXPECT_EQ(answers[2].Show(), "1:x");
  EXPECT_EQ(answers[3].Show(), "1:y");
}

TEST(ScriptCases, Case12_InsideMultiTheBodyIsSentWhileQueueing) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(1)), sha);
  stage.master()("SCRIPT", "FLUSH");  // behind our back: believed to be there, and not there
  CommandCounts counts(stage.master());
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("INCR", "n"), "+QUEUED");
  EXPECT_EQ(client("EVALSHA", sha, "1", "n"), "+QUEUED");
  EXPECT_EQ(client("EVALSHA", sha, "1", "n"), "+QUEUED");
  EXPECT_EQ(client("INCR", "n"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[:1, :2, :3, :4]");
  EXPECT_EQ(counts("eval"), 2);
  EXPECT_EQ(counts("evalsha"), 0);
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 0);
}

TEST(ScriptCases, Case12_APipelinedTransactionHasTheSameReplies) {
  Stage stage(Unwatched("prefer-replica"));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(1)), sha);
  for (int round = 0; round < 20; ++round) {
    stage.master()("SCRIPT", "FLUSH");
    stage.master()("DEL", "n");
    const auto answers = client.Pipeline({{"EVALSHA", sha, "1", "n"},
                                          {"MULTI"},
                                          {"EVALSHA", Upper(sha), "1", "n"},
                                          {"GET", "n"},
                                          {"EXEC"},
                                          {"EVALSHA", sha, "1", "n"}});
    EXPECT_EQ(Shown(answers),
              (std::vector<std::string>{":1", "+OK", "+QUEUED", "+QUEUED", "[:2, 2]", ":3"}));
  }
}

TEST(ScriptCases, Case12_ADigestThatNobodyKnowsIsAnElementOfExec) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  const std::string unknown(40, 'a');
  for (RespClient* each : {&client, &direct}) {
    (*each)("MULTI");
    (*each)("SET", "x", "1");
    EXPECT_EQ((*each)("EVALSHA", unknown, "0"), "+QUEUED");
    (*each)("GET", "x");
    (*each)("EXEC");
  }
  EXPECT_EQ(client.last_raw(), direct.last_raw());
  EXPECT_EQ(client("GET", "x"), "1");
}

TEST(ScriptCases, Case12_AFlushInTheTransactionGivesNoscriptBehindItInExec) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(ReadScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", ReadScript(1)), sha);
  ASSERT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("EVALSHA", sha, "0", "x"), "+QUEUED");
  EXPECT_EQ(client("SCRIPT", "FLUSH"), "+QUEUED");
  EXPECT_EQ(client("EVALSHA", sha, "0", "y"), "+QUEUED");
  const Value result = client.Ask({"EXEC"});
  ASSERT_EQ(result.elements.size(), 3u);
  EXPECT_EQ(result.elements[0].Show(), "1:x");
  EXPECT_EQ(result.elements[1].Show(), "+OK");
  EXPECT_EQ(result.elements[2].code(), "NOSCRIPT");
  EXPECT_EQ(client.Ask({"EVALSHA", sha, "0", "z"}).code(), "NOSCRIPT");
  EXPECT_EQ(client("PROXY", "SCRIPTS"), "[]");
}

TEST(ScriptCases, Case12_AScriptThatCameInATransactionIsLearned) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  const std::string by_eval = WriteScript(1);
  const std::string by_load = WriteScript(2);
  client("MULTI");
  client("EVAL", by_eval, "1", "n");
  client("SCRIPT", "LOAD", by_load);
  ASSERT_EQ(client("EXEC"), "[:1, " + Sha1Hex(by_load) + "]");
  ASSERT_TRUE(WaitUntil([&] { return client.Ask({"PROXY", "SCRIPTS"}).elements.size() == 2; }));
  stage.master()("SCRIPT", "FLUSH");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(by_eval), "1", "n"), ":2");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(by_load), "1", "n"), ":3");
}

TEST(ScriptCases, Case12_ADiscardedTransactionTeachesNothing) {
  Stage stage(Unwatched("master"));
  RespClient client = stage.Connect();
  client("MULTI");
  EXPECT_EQ(client("EVAL", WriteScript(1), "1", "n"), "+QUEUED");
  EXPECT_EQ(client("SCRIPT", "FLUSH"), "+QUEUED");
  EXPECT_EQ(client("DISCARD"), "+OK");
  EXPECT_EQ(client.Ask({"EVALSHA", Sha1Hex(WriteScript(1)), "1", "n"}).code(), "NOSCRIPT");
  EXPECT_EQ(client("EXISTS", "n"), ":0");
}

}  // namespace
