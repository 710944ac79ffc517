#include "proxy/resp/command_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace resp {
namespace {

// What a server of version 7 says, in part.
const std::vector<ServerCommand> kServer = {
    {"get", true, false},
    {"set", false, false, 0, true},
    {"evalsha", false, false},
    {"evalsha_ro", true, false},
    {"blpop", false, true, -3},
    {"xread", true, true},
    {"newblock", false, true, -2},
    {"newread", true, false},
    {"script", false, false},
    {"getdel", false, false, 2, true},
    {"publish", false, false, 3},
    {"script|load", false, false},
    {"config", false, false},
    {"config|get", false, false},
    {"object", false, false},
    {"object|encoding", true, false},
    {"client", false, false},
    {"client|setinfo", false, false, 4},
    {"json.get", true, false},
    {"scan", true, false},
    {"a.module.command.with.a.name.beyond.all.measure", true, false},
};

TEST(CommandTable, BeforeAMasterHasToldItsFlagsOnlyOurOwnRowsAreKnown) {
  const CommandTable table;
  EXPECT_EQ(table.known(), 0u);
  EXPECT_EQ(table.Find("evalsha", "").kind, Kind::kEvalSha);
  EXPECT_FALSE(table.Find("evalsha", "").told);
  EXPECT_EQ(table.Find("get", "").kind, Kind::kPlain);
  EXPECT_FALSE(table.Find("get", "").read_only) << "unknown commands go to the master";
}

TEST(CommandTable, CommandsOfOurOwnTreatmentAreRecognized) {
  const CommandTable table;
  const struct {
    const char* name;
    Kind kind;
  } rows[] = {
      {"EVAL", Kind::kEval},
      {"EVAL_RO", Kind::kEval},
      {"EVALSHA", Kind::kEvalSha},
      {"EVALSHA_RO", Kind::kEvalSha},
      {"FCALL", Kind::kFunctionCall},
      {"FCALL_RO", Kind::kFunctionCall},
      {"SCRIPT", Kind::kScript},
      {"MULTI", Kind::kMulti},
      {"EXEC", Kind::kExec},
      {"DISCARD", Kind::kDiscard},
      {"WATCH", Kind::kWatch},
      {"UNWATCH", Kind::kUnwatch},
      {"BLPOP", Kind::kBlocking},
      {"BRPOP", Kind::kBlocking},
      {"BRPOPLPUSH", Kind::kBlocking},
      {"BLMOVE", Kind::kBlocking},
      {"BLMPOP", Kind::kBlocking},
      {"BZPOPMIN", Kind::kBlocking},
      {"BZPOPMAX", Kind::kBlocking},
      {"BZMPOP", Kind::kBlocking},
      {"XREAD", Kind::kBlockOption},
      {"XREADGROUP", Kind::kBlockOption},
      {"WAIT", Kind::kWait},
      {"WAITAOF", Kind::kWait},
      {"SUBSCRIBE", Kind::kSubscribe},
      {"PSUBSCRIBE", Kind::kSubscribe},
      {"SSUBSCRIBE", Kind::kSubscribe},
      {"UNSUBSCRIBE", Kind::kSubscribe},
      {"REPLCONF", Kind::kPinning},
      {"READONLY", Kind::kPlain},
      {"MONITOR", Kind::kStream},
      {"PSYNC", Kind::kStream},
      {"SYNC", Kind::kStream},
      {"SELECT", Kind::kSelect},
      {"AUTH", Kind::kAuth},
      {"HELLO", Kind::kHello},
      {"RESET", Kind::kReset},
      {"QUIT", Kind::kQuit},
      {"CLIENT", Kind::kClient},
      {"PROXY", Kind::kProxy},
      {"SHUTDOWN", Kind::kShutdown},
      {"REPLICAOF", Kind::kRoleChange},
      {"SLAVEOF", Kind::kRoleChange},
      {"FAILOVER", Kind::kRoleChange},
      {"SCAN", Kind::kCursor},
      {"HSCAN", Kind::kCursor},
      {"POST", Kind::kCloses},
      {"Host:", Kind::kCloses},
  };
  for (const auto& row : rows) EXPECT_EQ(table.Find(row.name, "").kind, row.kind) << row.name;
}

TEST(CommandTable, NamesAreFoundInAnyCaseOfLetters) {
  const CommandTable table(kServer);
  for (const char* name : {"evalsha", "EVALSHA", "EvalSha", "eVALsHA"})
    EXPECT_EQ(table.Find(name, "").name, "evalsha");
  EXPECT_EQ(table.Find("Script", "lOaD").name, "script|load");
  EXPECT_EQ(table.Find("JSON.GET", "k").name, "json.get");
}

TEST(CommandTable, TheServersFlagsAreMergedWithOurRows) {
  const CommandTable table(kServer);
  EXPECT_EQ(table.known(), kServer.size());
  EXPECT_TRUE(table.Find("get", "").read_only);
  EXPECT_TRUE(table.Find("get", "").told);
  EXPECT_FALSE(table.Find("set", "").read_only);
  EXPECT_TRUE(table.Find("set", "").may_write);
  EXPECT_FALSE(table.Find("get", "").may_write);
  EXPECT_TRUE(table.Find("GETDEL", "").may_write);
  EXPECT_TRUE(table.Find("evalsha", "").may_write) << "it may be replicated";
  EXPECT_TRUE(table.Find("publish", "").may_write);
  EXPECT_FALSE(table.Find("evalsha_ro", "").may_write);
  // A row of ours keeps its treatment and gets the server's flag.
  EXPECT_EQ(table.Find("evalsha_ro", "").kind, Kind::kEvalSha);
  EXPECT_TRUE(table.Find("evalsha_ro", "").read_only);
  EXPECT_FALSE(table.Find("evalsha", "").read_only);
  EXPECT_EQ(table.Find("scan", "").kind, Kind::kCursor);
  EXPECT_TRUE(table.Find("scan", "").read_only);
  // A row of ours that the server has not.
  EXPECT_EQ(table.Find("waitaof", "").kind, Kind::kWait);
  EXPECT_FALSE(table.Find("waitaof", "").told);
}

TEST(CommandTable, ANewCommandThatBlocksIsTreatedSo) {
  const CommandTable table(kServer);
  EXPECT_EQ(table.Find("newblock", "").kind, Kind::kBlocking);
  EXPECT_EQ(table.Find("newread", "").kind, Kind::kPlain);
  // The flag of XREAD means: with the word BLOCK.
  EXPECT_EQ(table.Find("xread", "").kind, Kind::kBlockOption);
}

TEST(CommandTable, ASubcommandIsTreatedAsItsContainerAndHasItsOwnFlags) {
  const CommandTable table(kServer);
  EXPECT_EQ(table.Find("script", "load").name, "script|load");
  EXPECT_EQ(table.Find("script", "load").kind, Kind::kScript);
  EXPECT_EQ(table.Find("client", "setinfo").kind, Kind::kClient);
  EXPECT_TRUE(table.Find("object", "encoding").read_only);
  EXPECT_FALSE(table.Find("object", "").read_only);
  EXPECT_EQ(table.Find("object", "nonsense").name, "object");
  // Only containers have subcommands: the first key of GET is none.
  EXPECT_EQ(table.Find("get", "encoding").name, "get");
  EXPECT_EQ(table.Find("object", std::string(100, 'x')).name, "object");
}

TEST(CommandTable, ItIsKnownHowManyArgumentsTheServerTakes) {
  const CommandTable table(kServer);
  for (const char* name : {"blpop", "newblock"}) {
    const Command& command = table.Find(name, "");
    const auto least = static_cast<size_t>(-command.arity);
    EXPECT_FALSE(command.Takes(least - 1)) << name;
    EXPECT_TRUE(command.Takes(least)) << name;
    EXPECT_TRUE(command.Takes(least + 10)) << name;
  }
  EXPECT_FALSE(table.Find("client", "setinfo").Takes(3));
  EXPECT_TRUE(table.Find("client", "setinfo").Takes(4));
  EXPECT_FALSE(table.Find("client", "setinfo").Takes(5));
  // What nobody told of is the server's business.
  EXPECT_TRUE(table.Find("subscribe", "").Takes(1));
  EXPECT_TRUE(table.Find("nonsense", "").Takes(1));
}

TEST(CommandTable, UnknownCommandsArePlainWrites) {
  const CommandTable table(kServer);
  for (const std::string& name :
       {std::string("nonsense"), std::string(), std::string(33, 'x'), std::string(1 << 20, 'x'),
        std::string("get\0", 4), std::string("ge"), std::string("gett")}) {
    const Command& command = table.Find(name, "");
    EXPECT_EQ(command.kind, Kind::kPlain);
    EXPECT_FALSE(command.read_only);
    EXPECT_FALSE(command.told);
  }
}

TEST(CommandTable, ANameWithABarIsNotASubcommandOfTheClients) {
  // "config|get" sent as one word is no command of the server's.
  const CommandTable table(kServer);
  const Command& command = table.Find("object|encoding", "");
  EXPECT_FALSE(command.read_only) << "the master is to answer that it is unknown";
}

TEST(CommandTable, EveryCommandOfALargeListIsFound) {
  std::vector<ServerCommand> many;
  for (int i = 0; i < 2000; ++i) many.push_back({"cmd" + std::to_string(i), i % 3 == 0, false});
  const CommandTable table(many);
  for (int i = 0; i < 2000; ++i) {
    const Command& command = table.Find("CMD" + std::to_string(i), "");
    EXPECT_EQ(command.name, "cmd" + std::to_string(i));
    EXPECT_EQ(command.read_only, i % 3 == 0);
  }
  EXPECT_EQ(table.Find("cmd2000", "").name, "");
}

TEST(EqualsWord, ComparesInAnyCaseOfLetters) {
  EXPECT_TRUE(EqualsWord("block", "BLOCK"));
  EXPECT_TRUE(EqualsWord("BloCK", "BLOCK"));
  EXPECT_FALSE(EqualsWord("bloc", "BLOCK"));
  EXPECT_FALSE(EqualsWord("blocks", "BLOCK"));
  EXPECT_TRUE(EqualsWord("", ""));
  EXPECT_FALSE(
      EqualsWord("\x0c"
                 "lock",
                 "LLOCK"));
}

}  // namespace
}  // namespace resp
