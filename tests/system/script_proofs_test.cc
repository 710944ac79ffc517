// What proves that a node holds a script, and what does not: cases 4, 5, 6, 8, 9, 24, 27, 29
// and 30.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/stage.h"

namespace {

using namespace support;

using Texts = std::vector<std::string>;

// One replica that serves all reads, and a poll so seldom that shacast learns nothing from it.
StageOptions OneReplicaUnwatched(const Texts& scripts) {
  StageOptions options;
  options.replicas = 1;
  options.reads = "replica";
  options.read_scripts = scripts;
  options.config.Set("upstream", "poll_interval", TomlString("1m")).Set("proxy", "workers", "1");
  return options;
}

StageOptions OneReplica(const Texts& scripts) {
  StageOptions options = OneReplicaUnwatched(scripts);
  options.config.Set("upstream", "poll_interval", TomlString("100ms"));
  return options;
}

// Whom shacast believes to hold a script.
size_t Holders(Stage& stage, const std::string& body) {
  const Value told = stage.Connect().Ask({"PROXY", "SCRIPTS", Sha1Hex(body)});
  return told.is_error() ? 0 : told.at("nodes").elements.size();
}

TEST(ScriptCases, Case04_WhatDoesNotCompileIsNotKeptAndNotKnown) {
  Stage stage(OneReplica({}));
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  const std::string body = "return )";
  for (const RespClient::Args& command :
       {RespClient::Args{"EVAL", body, "0"}, RespClient::Args{"SCRIPT", "LOAD", body},
        RespClient::Args{"EVALSHA", Sha1Hex(body), "0"}}) {
    client.Ask(command);
    direct.Ask(command);
    EXPECT_EQ(client.last_raw(), direct.last_raw());
  }
  EXPECT_EQ(client("PROXY", "SCRIPTS"), "[]");
}

TEST(ScriptCases, Case04_AWrongNumberOfKeysProvesNothing) {
  const std::string body = ReadScript(1);
  Stage stage(OneReplica({body}));
  RespClient client = stage.Connect();
  for (const char* keys : {"x", "-1", "5"}) {
    EXPECT_EQ(client.Ask({"EVAL", body, keys, "a"}).code(), "ERR");
    EXPECT_EQ(client.Ask({"EVALSHA", Sha1Hex(body), "0"}).code(), "NOSCRIPT") << keys;
  }
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  EXPECT_EQ(Holders(stage, body), 0u);
  for (const char* keys : {"x", "-1", "5"})
    EXPECT_EQ(client.Ask({EvalShaForm(), Sha1Hex(body), keys, "a"}).code(), "ERR") << keys;
  EXPECT_EQ(Holders(stage, body), 0u);
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "a"), "1:a");
  EXPECT_EQ(Holders(stage, body), 1u);
}

TEST(ScriptCases, Case04_BusyProvesNothing) {
  const std::string body = ReadScript(1);
  StageOptions options = OneReplica({body});
  options.server.args = {"--lua-time-limit", "20"};
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  ASSERT_EQ(client("GET", "k"), "(nil)");  // the connection is there
  stage.VoidKnowledge();
  CommandCounts counts(stage.replica(0));
  RespClient busy = stage.replica(0).Connect();
  busy.Send({"EVAL", kEndlessScript, "0"});
  RespClient asks = stage.replica(0).Connect();
  ASSERT_TRUE(WaitUntil([&] { return asks.Ask({"PING"}).code() == "BUSY"; }));
  EXPECT_EQ(client.Ask({EvalShaForm(), Sha1Hex(body), "0", "x"}).code(), "BUSY");
  EXPECT_EQ(asks("SCRIPT", "KILL"), "+OK");
  EXPECT_TRUE(busy.Receive().is_error());
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(counts(EvalStat()), Server().read_only_forms ? 1 : 2);  // 6.0: and the endless one
  EXPECT_EQ(counts(EvalShaStat()), 0);
}

TEST(ScriptCases, Case04_ARunTimeErrorProvesThatTheNodeHoldsTheScript) {
  const std::string body = "return redis.call('GET')";
  Stage stage(OneReplica({body}));
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  CommandCounts counts(stage.replica(0));
  RespClient direct = stage.master().Connect();
  direct("SCRIPT", "LOAD", body);
  for (int i = 0; i < 3; ++i) {
    client.Ask({EvalShaForm(), Sha1Hex(body), "0"});
    direct.Ask({EvalShaForm(), Sha1Hex(body), "0"});
    EXPECT_EQ(client.last_raw(), direct.last_raw());
  }
  EXPECT_EQ(counts(EvalStat()), 1);
  EXPECT_EQ(counts(EvalShaStat()), 2);
}

TEST(ScriptCases, Case05_AnAnswerThatComesAfterAnAttachProvesNothing) {
  const std::string body = ReadScript(1);
  StageOptions options = OneReplica({body});
  options.config.Set("routing", "max_replica_lag", TomlString("0"));
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  CommandCounts counts(stage.replica(0));
  stage.replica(0).Pause();
  client.Send({EvalShaForm(), Sha1Hex(body), "0", "late"});
  const size_t seen = stage.AttachesSeen();
  stage.nodes.Attach();
  ASSERT_TRUE(WaitUntil([&] { return stage.AttachesSeen() > seen; }));
  stage.replica(0).Continue();
  EXPECT_EQ(client.Receive().Show(), "1:late");
  EXPECT_EQ(counts(EvalStat()), 1);
  // Both replicas serve; the first one gets the body once more all the same.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(counts(EvalStat()), 2);
}

TEST(ScriptCases, Case06_ALostConnectionProvesNothingAndAReadIsAskedElsewhere) {
  const std::string body = ReadScript(1);
  StageOptions options = OneReplica({body});
  options.reads = "prefer-replica";
  Stage stage(options);
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  CommandCounts master(stage.master());
  stage.replica(0).Pause();
  client.Send({EvalShaForm(), Sha1Hex(body), "0", "x"});
  // It has to be on its way before the replica dies.
  RespClient looks = stage.Connect();
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.Counter("evalsha_with_body") == 1; }));
  stage.replica(0).Kill();
  EXPECT_EQ(client.Receive().Show(), "1:x");
  EXPECT_EQ(master({EvalStat(), EvalShaStat()}), 1);
  stage.replica(0).Start();
  stage.proxy.WaitReady(1);
  CommandCounts counts(stage.replica(0));
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(counts(EvalStat()), 1);
}

TEST(ScriptCases, Case06_AConnectionThatTheNodeClosesEmptiesItsSet) {
  const Texts bodies = ReadScripts(3);
  Stage stage(OneReplicaUnwatched(bodies));
  RespClient client = stage.Connect();
  for (const auto& body : bodies) ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  ASSERT_EQ(client(EvalShaForm(), Sha1Hex(bodies[0]), "0", "x"), "0:x");
  const int64_t generation = stage.proxy.GenerationOf(stage.replica(0));
  CommandCounts counts(stage.replica(0));
  for (const std::string& id : ClientsNamed(stage.replica(0), "shacast"))
    ASSERT_EQ(stage.replica(0)("CLIENT", "KILL", "ID", id), ":1");
  ASSERT_TRUE(WaitUntil([&] { return stage.proxy.GenerationOf(stage.replica(0)) > generation; }));
  for (const auto& body : bodies) {
    EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), body.substr(8, 1) + ":x");
  }
  EXPECT_EQ(counts(EvalStat()), 3);
  EXPECT_EQ(counts(EvalShaStat()), 0);
}

TEST(ScriptCases, Case08_OneMissEmptiesTheWholeSetAndIsRepairedOnce) {
  const Texts bodies = ReadScripts(3);
  Stage stage(OneReplicaUnwatched(bodies));
  RespClient client = stage.Connect();
  for (const auto& body : bodies) ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  for (const auto& body : bodies) client(EvalShaForm(), Sha1Hex(body), "0", "x");
  stage.replica(0)("SCRIPT", "FLUSH");  // behind our back
  CommandCounts counts(stage.replica(0));
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(bodies[0]), "0", "x"), "0:x");
  EXPECT_EQ(counts(EvalShaStat()), 1);  // the one that missed
  EXPECT_EQ(counts(EvalStat()), 1);
  // The others are sent with their bodies at once.
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(bodies[1]), "0", "x"), "1:x");
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(bodies[2]), "0", "x"), "2:x");
  EXPECT_EQ(counts(EvalShaStat()), 1);
  EXPECT_EQ(counts(EvalStat()), 3);
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 1);
  EXPECT_TRUE(stage.proxy.WaitLog("noscript.repaired", Sha1Hex(bodies[0])));
  EXPECT_EQ(stage.proxy.LogLines("noscript.repaired", Sha1Hex(bodies[0])).size(), 1u);
}

TEST(ScriptCases, Case08_AWriteThatMissedIsExecutedOnce) {
  Stage stage(OneReplicaUnwatched({}));
  RespClient client = stage.Connect();
  const std::string sha = Sha1Hex(WriteScript(1));
  ASSERT_EQ(client("SCRIPT", "LOAD", WriteScript(1)), sha);
  ASSERT_EQ(client("EVALSHA", sha, "1", "n"), ":1");
  for (int i = 2; i < 20; ++i) {
    stage.master()("SCRIPT", "FLUSH");
    EXPECT_EQ(client("EVALSHA", sha, "1", "n"), ":" + std::to_string(i));
  }
  // An EVAL that was sent by its digest is repaired in the same way.
  ASSERT_EQ(client("EVAL", WriteScript(1), "1", "n"), ":20");
  CommandCounts counts(stage.master());
  stage.master()("SCRIPT", "FLUSH");
  EXPECT_EQ(client("EVAL", WriteScript(1), "1", "n"), ":21");
  EXPECT_EQ(counts("evalsha"), 1);
  EXPECT_EQ(counts("eval"), 1);
  EXPECT_EQ(stage.master()("GET", "n"), "21");
}

TEST(ScriptCases, Case09_ADigestThatNobodyKnowsIsAnsweredByTheServer) {
  const std::string unknown = Sha1Hex("return 'never seen'");
  StageOptions options = OneReplica({"return 'never seen'"});
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient direct = stage.master().Connect();
  for (const std::string& form : {std::string("EVALSHA"), EvalShaForm()}) {
    for (const char* keys : {"0", "x", "-1", "3"}) {
      client.Ask({form, unknown, keys});
      direct.Ask({form, unknown, keys});
      EXPECT_EQ(client.last_raw(), direct.last_raw()) << form << " " << keys;
    }
  }
  EXPECT_EQ(client.Ask({"EVALSHA", unknown, "0"}).code(), "NOSCRIPT");
}

TEST(ScriptCases, Case09_ACallThatAReplicaMissesGoesToTheMasterBeforeTheClientSeesAnything) {
  const std::string body = ReadScript(1);
  Stage stage(OneReplica({body}));
  RespClient client = stage.Connect();
  ASSERT_EQ(stage.master()("SCRIPT", "LOAD", body), Sha1Hex(body));  // not through us
  stage.replica(0)("SCRIPT", "FLUSH");  // before 7.0 it had come by replication
  CommandCounts master(stage.master());
  CommandCounts replica(stage.replica(0));
  EXPECT_EQ(client(EvalShaForm(), Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(replica(EvalShaStat()), 1);
  EXPECT_EQ(master(EvalShaStat()), 1);
  EXPECT_EQ(master(EvalStat()), 0);
}

TEST(ScriptCases, Case24_ScriptsThatTheNodeEvictsAreGivenAgain) {
  if (!Server().evicts) GTEST_SKIP() << Server().version << " evicts no scripts";
  const std::string body = ReadScript(1);
  Stage stage(OneReplicaUnwatched({body}));
  RespClient client = stage.Connect();
  ASSERT_EQ(client("EVAL", body, "0", "x"), "1:x");
  ASSERT_EQ(client("EVALSHA_RO", Sha1Hex(body), "0", "x"), "1:x");
  RespClient other = stage.replica(0).Connect();
  std::vector<RespClient::Args> evals;
  for (int i = 100; i < 700; ++i) evals.push_back({"EVAL", ReadScript(i), "0"});
  other.Pipeline(evals);
  ASSERT_GT(stage.replica(0).InfoNumber("evicted_scripts"), 0);
  ASSERT_EQ(other("SCRIPT", "EXISTS", Sha1Hex(body)), "[:0]");
  EXPECT_EQ(client("EVALSHA_RO", Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 1);
}

TEST(ScriptCases, Case24_AScriptThatWasLoadedBeforeAnybodyEvaledItIsNotEvicted) {
  if (!Server().evicts) GTEST_SKIP() << Server().version << " evicts no scripts";
  const std::string body = ReadScript(1);
  Stage stage(OneReplicaUnwatched({body}));
  RespClient client = stage.Connect();
  ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
  ASSERT_EQ(client("EVALSHA_RO", Sha1Hex(body), "0", "x"), "1:x");
  RespClient other = stage.replica(0).Connect();
  std::vector<RespClient::Args> evals;
  for (int i = 100; i < 700; ++i) evals.push_back({"EVAL", ReadScript(i), "0"});
  other.Pipeline(evals);
  ASSERT_GT(stage.replica(0).InfoNumber("evicted_scripts"), 0);
  CommandCounts counts(stage.replica(0));
  EXPECT_EQ(client("EVALSHA_RO", Sha1Hex(body), "0", "x"), "1:x");
  EXPECT_EQ(counts("eval_ro"), 0);
  EXPECT_EQ(stage.proxy.Counter("noscript_repaired"), 0);
}

TEST(ScriptCases, Case27_AScriptThatSaysNoscriptItselfRunsOnce) {
  for (const char* words : {"NOSCRIPT x", "NOSCRIPT No matching script. Please use EVAL.",
                            "NOSCRIPT No matching script."}) {
    const std::string body =
        "redis.call('INCR', KEYS[1]) return redis.error_reply('" + std::string(words) + "')";
    StageOptions options = OneReplica({});
    options.reads = "master";
    Stage stage(options);
    RespClient client = stage.Connect();
    RespClient direct = stage.master().Connect();
    ASSERT_EQ(direct("EVAL", body, "1", "other"), "-" + std::string(words));
    const std::string expected = direct.last_raw();
    int calls = 0;
    const auto expect = [&](const RespClient::Args& command) {
      client.Ask(command);
      EXPECT_EQ(client.last_raw(), expected);
      EXPECT_EQ(client("GET", "n"), std::to_string(++calls)) << command[0];
    };
    ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
    expect({"EVALSHA", Sha1Hex(body), "1", "n"});  // by its digest
    expect({"EVAL", body, "1", "n"});
    stage.VoidKnowledge();
    expect({"EVALSHA", Sha1Hex(body), "1", "n"});  // with its body
    expect({"EVALSHA", Sha1Hex(body), "1", "n"});
    // Among others: nothing runs twice, nothing changes its place.
    const auto answers = client.Pipeline({{"EVALSHA", Sha1Hex(body), "1", "n"},
                                          {"INCR", "n"},
                                          {"EVALSHA", Sha1Hex(body), "1", "n"},
                                          {"INCR", "n"}});
    EXPECT_EQ(answers[1].Show(), ":6");
    EXPECT_EQ(answers[3].Show(), ":8");
    EXPECT_EQ(answers[0].code(), "NOSCRIPT");
    EXPECT_EQ(answers[2].code(), "NOSCRIPT");
  }
}

TEST(ScriptCases, Case29_AWriterThatWasSentToAReplicaIsRefusedAndStillWorksOnTheMaster) {
  const std::string plain = WriteScript(1);
  const std::string caught = "return redis.pcall('INCR', KEYS[1])";
  const std::string declared = "#!lua\nreturn redis.call('INCR', KEYS[1])";
  Texts writers = {plain, caught};
  if (Server().read_only_forms) writers.push_back(declared);
  Texts shas;
  for (const auto& body : writers) shas.push_back(Sha1Hex(body));
  StageOptions options = OneReplica({});
  options.config.Set("routing", "scripts_to_replicas", TomlStrings(shas));
  Stage stage(options);
  RespClient client = stage.Connect();
  RespClient direct = stage.replica(0).Connect();
  const ProxyProcess honest({stage.master().address()}, ProxyConfig());
  honest.WaitReady(1);
  RespClient right = honest.Connect();
  for (const auto& body : writers) {
    ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
    ASSERT_EQ(right("SCRIPT", "LOAD", body), Sha1Hex(body));
  }
  stage.VoidKnowledge();
  int value = 0;
  for (const auto& body : writers) {
    // With the body, and by its digest where that is believed.
    for (int i = 0; i < 2; ++i) {
      client.Ask({"EVALSHA", Sha1Hex(body), "1", "n"});
      direct.Ask({"EVALSHA", Sha1Hex(body), "1", "n"});
      EXPECT_EQ(client.last_raw(), direct.last_raw()) << body;
      EXPECT_NE(client.last_raw().find("READONLY"), std::string::npos);
    }
    EXPECT_EQ(right("EVALSHA", Sha1Hex(body), "1", "n"), ":" + std::to_string(++value));
  }
  // The one whose error carries the mark of a running script is marked. The one that was refused
  // before it ran is not.
  EXPECT_EQ(Holders(stage, plain), 1u);
  if (Server().read_only_forms) {
    EXPECT_EQ(Holders(stage, declared), 0u);
  }
}

TEST(ScriptCases, Case29_TheReadOnlyFormOfAWriterIsRefusedAsTheServerDoes) {
  if (!Server().read_only_forms) GTEST_SKIP() << Server().version << " has no EVALSHA_RO";
  const Texts writers = {WriteScript(1), "#!lua\nreturn redis.call('INCR', KEYS[1])",
                         "#!lua flags=no-writes\nreturn redis.call('INCR', KEYS[1])"};
  for (const std::string reads : {"master", "replica"}) {
    StageOptions options = OneReplica({});
    options.reads = reads;
    Stage stage(options);
    RespClient client = stage.Connect();
    RespClient direct = (reads == "master" ? stage.master() : stage.replica(0)).Connect();
    for (const auto& body : writers) {
      ASSERT_EQ(client("SCRIPT", "LOAD", body), Sha1Hex(body));
      ASSERT_EQ(direct("SCRIPT", "LOAD", body), Sha1Hex(body));
      for (const RespClient::Args& command :
           {RespClient::Args{"EVALSHA_RO", Sha1Hex(body), "1", "n"},
            RespClient::Args{"EVAL_RO", body, "1", "n"}}) {
        direct.Ask(command);
        for (int i = 0; i < 2; ++i) {
          client.Ask(command);
          EXPECT_EQ(client.last_raw(), direct.last_raw()) << reads << " " << body;
        }
      }
    }
    EXPECT_EQ(stage.master()("EXISTS", "n"), ":0");
  }
}

TEST(ScriptCases, Case30_AUserWhoMayCallButNotSendScriptsRunsWhatTheNodeHolds) {
  Stage stage(OneReplica({}));
  ASSERT_EQ(
      stage.master()("ACL", "SETUSER", "caller", "on", ">pw", "~*", "+@all", "-eval", "-script"),
      "+OK");
  const std::string body = WriteScript(1);
  RespClient loader = stage.Connect();
  ASSERT_EQ(loader("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  RespClient client = stage.Connect();
  ASSERT_EQ(client("AUTH", "caller", "pw"), "+OK");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(body), "1", "n"), ":1");
  EXPECT_EQ(client("EVALSHA", Sha1Hex(body), "1", "n"), ":2");
  stage.master()("SCRIPT", "FLUSH");
  // The master has it no more, and this user may not give it: an error, and no loop.
  EXPECT_TRUE(client.Ask({"EVALSHA", Sha1Hex(body), "1", "n"}).is_error());
  EXPECT_EQ(stage.master()("GET", "n"), "2");
}

TEST(ScriptCases, Case30_AlsoInATransactionAndInAPipeline) {
  Stage stage(OneReplica({}));
  ASSERT_EQ(
      stage.master()("ACL", "SETUSER", "caller", "on", ">pw", "~*", "+@all", "-eval", "-script"),
      "+OK");
  const std::string body = WriteScript(1);
  const std::string call = Encode({"EVALSHA", Sha1Hex(body), "1", "n"});
  RespClient loader = stage.Connect();
  ASSERT_EQ(loader("SCRIPT", "LOAD", body), Sha1Hex(body));
  stage.VoidKnowledge();
  // The user's very first call.
  RespClient transaction = stage.Connect();
  ASSERT_EQ(transaction("AUTH", "caller", "pw"), "+OK");
  transaction.SendRaw(Encode({"MULTI"}) + call + Encode({"EXEC"}));
  for (const char* reply : {"+OK", "+QUEUED", "[:1]"})
    EXPECT_EQ(transaction.Receive().Show(), reply);
  // On another worker it may be the first one too.
  RespClient pipeline = stage.Connect();
  ASSERT_EQ(pipeline("AUTH", "caller", "pw"), "+OK");
  pipeline.SendRaw(call + Encode({"INCR", "n"}) + call + Encode({"INCR", "n"}));
  for (const char* reply : {":2", ":3", ":4", ":5"}) EXPECT_EQ(pipeline.Receive().Show(), reply);
}

}  // namespace
