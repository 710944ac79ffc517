#include "proxy/frontend/dispatcher.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

using Verdict = Dispatcher::Verdict;

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest() {
    state_.id = 17;
    state_.key.identity = house_.identities.Anonymous();
  }
  ~DispatcherTest() override { Drop(); }

  Verdict Prepare(const std::vector<std::string>& words, bool in_multi = false) {
    Drop();
    call_ = house_.calls.Take();
    call_->request = base::CopySlice(support::CommandOf(words));
    answer_.clear();
    const Dispatcher::Args args(words.begin(), words.end());
    return dispatcher_.Prepare(*call_, args, in_multi, &answer_);
  }
  Verdict Prepare(const std::string& words, bool in_multi = false) {
    std::istringstream stream(words);
    std::vector<std::string> args;
    for (std::string word; stream >> word;) args.push_back(word);
    return Prepare(args, in_multi);
  }
  // "lane", "reads", "lease", "here"; then what its reply means, and its flags.
  std::string Told(const std::string& words, bool in_multi = false) {
    switch (Prepare(words, in_multi)) {
      case Verdict::kAnswer:
        return answer_;
      case Verdict::kQuit:
        return "quit " + answer_;
      case Verdict::kClose:
        return "close";
      case Verdict::kSend:
        break;
    }
    static const char* const kWhere[] = {"master", "reads", "lease", "here"};
    std::string told = kWhere[static_cast<int>(call_->where)];
    if (call_->after != After::kNothing) told += " " + NameOf(call_->after);
    if (call_->read_only) told += " read";
    if (call_->barrier) told += " barrier";
    if (call_->blocks) told += " blocks";
    if (call_->about_writes) told += " writes";
    if (call_->pins) told += " pins";
    if (call_->is_sync) told += " sync";
    if (call_->is_script) told += " long";
    if (call_->db >= 0) told += " db" + std::to_string(call_->db);
    if (call_->protocol > 0) told += " resp" + std::to_string(call_->protocol);
    if (call_->identity != nullptr)
      told += " as " + call_->identity->user + ":" + call_->identity->password;
    return told;
  }
  static std::string NameOf(After after) {
    static const char* const kNames[] = {
        "nothing", "script", "load",  "exists", "flush",   "kill",    "fkill",
        "show",    "proxy",  "hello", "auth",   "select",  "reset",   "subscribe",
        "reply",   "keep",   "multi", "exec",   "discard", "unwatch", "watch",
        "own",     "info",   "role",  "pause",  "unpause", "refused", "swallow"};
    return kNames[static_cast<int>(after)];
  }
  std::string Request() const { return std::string(call_->request.view()); }

  void Drop() {
    if (call_ != nullptr) house_.calls.Give(call_);
    call_ = nullptr;
  }

  House house_;
  SessionState state_;
  Dispatcher dispatcher_{house_.context, state_};
  Call* call_ = nullptr;
  std::string answer_;
};

const std::string kBody = "return 1";

TEST_F(DispatcherTest, PlainCommandsGoWhereTheServersFlagSays) {
  EXPECT_EQ(Told("GET k"), "reads read");
  EXPECT_EQ(Told("get k"), "reads read");
  EXPECT_EQ(Told("SET k v"), "master");
  EXPECT_EQ(Told("NONSENSE k"), "master") << "the master answers that it is unknown";
  EXPECT_EQ(Told("FCALL f 0"), "master long");
  EXPECT_EQ(Told("FCALL_RO f 0"), "reads read long");
}

TEST_F(DispatcherTest, CursorsStayOnTheMaster) {
  EXPECT_EQ(Told("SCAN 0"), "master read");
}

TEST_F(DispatcherTest, ScriptCallsAreAboutTheirScript) {
  const std::string sha = support::ShaOf(kBody);
  EXPECT_EQ(Prepare({"EVAL", kBody, "1", "k"}), Verdict::kSend);
  EXPECT_EQ(call_->after, After::kScript);
  EXPECT_EQ(call_->script.sha.ToString(), sha);
  EXPECT_FALSE(call_->script.by_sha);
  EXPECT_TRUE(call_->script.has_body);
  EXPECT_TRUE(call_->script.well_formed);
  EXPECT_EQ(call_->where, Where::kMaster);

  EXPECT_EQ(Told("EVALSHA " + sha + " 0"), "master script");
  EXPECT_TRUE(call_->script.by_sha);
  EXPECT_FALSE(call_->script.has_body);
  EXPECT_EQ(call_->body, nullptr);
  house_.Hold(kBody);
  EXPECT_EQ(Told("EVALSHA " + sha + " 0"), "master script");
  EXPECT_TRUE(call_->script.has_body);
  ASSERT_NE(call_->body, nullptr);
  EXPECT_EQ(call_->body->text, kBody);
}

TEST_F(DispatcherTest, AShaInAnyCaseOfLettersNamesTheScript) {
  house_.Hold(kBody);
  std::string upper = support::ShaOf(kBody);
  for (char& c : upper) c = static_cast<char>(toupper(c));
  EXPECT_EQ(Told("evalsha " + upper + " 0"), "master script");
  EXPECT_TRUE(call_->script.has_body);
}

TEST_F(DispatcherTest, WhatNamesNoScriptIsTheServersBusiness) {
  EXPECT_EQ(Told("EVALSHA abc 0"), "master");
  EXPECT_EQ(Told("EVALSHA " + std::string(40, 'g') + " 0"), "master");
  EXPECT_EQ(Told("EVALSHA " + std::string(41, 'a') + " 0"), "master");
  EXPECT_EQ(Told("EVALSHA"), "master");
  EXPECT_EQ(Told("EVALSHA " + support::ShaOf(kBody)), "master");
  EXPECT_EQ(Told("EVAL body"), "master");
}

TEST_F(DispatcherTest, ACallWithWrongNumkeysIsNotWellFormed) {
  Prepare({"EVAL", kBody, "2", "k"});
  EXPECT_FALSE(call_->script.well_formed);
  Prepare({"EVALSHA", support::ShaOf(kBody), "x"});
  EXPECT_FALSE(call_->script.well_formed);
}

TEST_F(DispatcherTest, ReadOnlyScriptsGoWhereReadsGo) {
  const std::string sha = support::ShaOf(kBody);
  EXPECT_EQ(Told("EVAL_RO body 0"), "reads script read");
  EXPECT_EQ(Told("EVALSHA_RO " + sha + " 0"), "reads script read");
  // A script that says so itself.
  const std::string no_writes = "#!lua flags=no-writes\nreturn 1";
  Prepare({"EVAL", no_writes, "0"});
  EXPECT_EQ(call_->where, Where::kReads);
  EXPECT_EQ(Told("EVALSHA " + support::ShaOf(no_writes) + " 0"), "master script")
      << "nobody can know while we do not hold it";
  house_.Hold(no_writes);
  EXPECT_EQ(Told("EVALSHA " + support::ShaOf(no_writes) + " 0"), "reads script read");
  // One that the operator vouches for.
  house_.context.vouched = {replication::Sha1::Of(kBody)};
  EXPECT_EQ(Told("EVALSHA " + sha + " 0"), "reads script read");
  Prepare({"EVAL", kBody, "0"});
  EXPECT_EQ(call_->where, Where::kReads);
}

TEST_F(DispatcherTest, EachSubcommandOfScriptHasItsTreatment) {
  EXPECT_EQ(Told("SCRIPT LOAD body"), "master load");
  EXPECT_EQ(Told("script exists a b"), "master exists");
  EXPECT_EQ(Told("SCRIPT FLUSH"), "master flush barrier");
  EXPECT_EQ(Told("SCRIPT FLUSH SYNC"), "master flush barrier");
  EXPECT_EQ(Told("SCRIPT FLUSH async"), "master flush barrier");
  EXPECT_EQ(Told("SCRIPT KILL"), "lease kill barrier");
  EXPECT_EQ(Told("SCRIPT SHOW sha"), "here show");
  EXPECT_EQ(Told("SCRIPT DEBUG YES").substr(0, 33), "-ERR SCRIPT DEBUG is refused by s");
  // The master knows what is wrong with the rest.
  for (const char* words : {"SCRIPT", "SCRIPT HELP", "SCRIPT LOAD", "SCRIPT LOAD a b",
                            "SCRIPT EXISTS", "SCRIPT FLUSH NOW", "SCRIPT KILL x", "SCRIPT SHOW"})
    EXPECT_EQ(Told(words), "master") << words;
}

TEST_F(DispatcherTest, WhatWasToBeDebuggedIsNotRunForGood) {
  const std::string not_run = "-ERR SCRIPT DEBUG is refused by shacast";
  for (const char* ask : {"SCRIPT DEBUG YES", "script debug sync"}) {
    for (const char* call : {"EVAL body 0", "EVALSHA sha 0", "EVAL_RO body 0"}) {
      Told(ask);
      EXPECT_EQ(Told("GET k"), Told("GET other"));
      EXPECT_EQ(Told(call).substr(0, not_run.size()), not_run) << ask << ", " << call;
      EXPECT_NE(Told(call).substr(0, 1), "-") << "once";
    }
  }
  for (const char* after : {"SCRIPT DEBUG NO", "SCRIPT DEBUG"}) {
    Told("SCRIPT DEBUG YES");
    Told(after);
    EXPECT_NE(Told("EVAL body 0").substr(0, 1), "-") << after;
  }
}

TEST_F(DispatcherTest, TransactionsHaveALease) {
  EXPECT_EQ(Told("MULTI"), "lease multi");
  EXPECT_EQ(Told("EXEC", true), "lease exec");
  EXPECT_EQ(Told("EXEC extra", true), "lease exec") << "from 6.2 on that ends it too";
  EXPECT_EQ(Told("EXEC"), "lease exec");
  EXPECT_EQ(Told("DISCARD"), "lease discard");
  EXPECT_EQ(Told("WATCH k"), "lease watch");
  EXPECT_EQ(Told("UNWATCH"), "lease unwatch");
  // An error changes nothing, and needs no lease.
  for (const char* words : {"MULTI x", "EXEC x", "DISCARD x", "WATCH", "UNWATCH x"})
    EXPECT_EQ(Told(words), "master") << words;
}

TEST_F(DispatcherTest, WhatWaitsInTheServerHasALease) {
  EXPECT_EQ(Told("BLPOP k 0"), "lease blocks");
  EXPECT_EQ(Told("WAIT 1 100"), "lease blocks writes");
  EXPECT_EQ(Told("XREAD BLOCK 0 STREAMS s 0"), "lease blocks");
  EXPECT_EQ(Told("XREAD COUNT 5 block 0 STREAMS s 0"), "lease blocks");
  EXPECT_EQ(Told("XREAD STREAMS s 0"), "reads read");
  EXPECT_EQ(Told("XREAD COUNT 5 STREAMS BLOCK 0"), "reads read") << "a stream of that name";
  EXPECT_EQ(Told("XREADGROUP GROUP block block STREAMS s >"), "master");
  EXPECT_EQ(Told("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), "lease blocks");
}

TEST_F(DispatcherTest, WhatTheServerKeepsForAConnectionNeedsALease) {
  EXPECT_EQ(Told("SUBSCRIBE c"), "lease subscribe read");
  EXPECT_EQ(call_->channels, 1u);
  EXPECT_EQ(Told("PUNSUBSCRIBE a b"), "lease subscribe read");
  EXPECT_EQ(call_->channels, 2u);
  EXPECT_EQ(Told("UNSUBSCRIBE"), "lease subscribe read barrier") << "from all, whatever they are";
  EXPECT_EQ(Told("SSUBSCRIBE s"), "master") << "this server has no such command";
  EXPECT_EQ(Told("CLIENT TRACKING ON BCAST"), "lease keep read");
  EXPECT_TRUE(call_->keep_on);
  EXPECT_EQ(Told("CLIENT NO-EVICT off"), "lease keep read");
  EXPECT_FALSE(call_->keep_on);
  EXPECT_EQ(Told("CLIENT NO-TOUCH maybe"), "master") << "the server refuses it";
}

TEST_F(DispatcherTest, WhetherAClientWantsRepliesIsAskedOfTheServerAndDoneByUs) {
  EXPECT_EQ(Told("CLIENT REPLY OFF"), "master reply read");
  EXPECT_EQ(call_->reply_mode, ReplyMode::kOff);
  EXPECT_EQ(Request(), support::Command("CLIENT REPLY ON"));
  EXPECT_EQ(Told("CLIENT REPLY skip"), "master reply read");
  EXPECT_EQ(call_->reply_mode, ReplyMode::kSkip);
  EXPECT_EQ(Told("CLIENT REPLY LATER"), "master");
}

TEST_F(DispatcherTest, InsideATransactionWhatTheServerKeepsPinsTheLeaseWithExec) {
  for (const char* words : {"SUBSCRIBE c", "UNSUBSCRIBE", "CLIENT REPLY OFF", "CLIENT TRACKING ON"})
    EXPECT_EQ(Told(words, true), "lease pins") << words;
  EXPECT_EQ(Request(), support::Command("CLIENT TRACKING ON"));
}

TEST_F(DispatcherTest, WhatLeavesStateInTheConnectionHasItForGood) {
  EXPECT_EQ(Told("MONITOR"), "lease pins");
  EXPECT_EQ(Told("PSYNC ? -1"), "lease pins sync");
  EXPECT_EQ(Told("SYNC"), "lease pins sync");
  EXPECT_EQ(Told("REPLCONF capa eof"), "lease pins");
}

TEST_F(DispatcherTest, WhatTheServerWillRefuseForItsArgumentsNeedsNoConnectionOfItsOwn) {
  for (const char* words : {"SUBSCRIBE", "BLPOP k", "WAIT 1", "MONITOR x", "PSYNC ?",
                            "CLIENT REPLY", "CLIENT TRACKING"})
    EXPECT_EQ(Told(words), "master") << words;
  for (const char* words : {"SUBSCRIBE", "BLPOP k", "WAIT 1", "MONITOR x", "PSYNC ?"}) {
    EXPECT_EQ(Told(words, true), "master") << words;
  }
}

TEST_F(DispatcherTest, SelectIsNotedWhereItCouldSucceed) {
  EXPECT_EQ(Told("SELECT 3"), "master select barrier db3");
  EXPECT_EQ(Told("SELECT 0"), "master select barrier db0");
  for (const char* words :
       {"SELECT", "SELECT x", "SELECT -1", "SELECT 01", "SELECT 3 4", "SELECT 99999999"})
    EXPECT_EQ(Told(words), "master") << words;
}

TEST_F(DispatcherTest, WhatAPauseOfWritesHoldsBackIsKnownByTheServersFlags) {
  const std::string no_writes = "#!lua flags=no-writes\nreturn 1";
  house_.Hold(no_writes);
  const auto may_write = [this](const std::vector<std::string>& words) {
    Prepare(words);
    return call_->may_write;
  };
  EXPECT_TRUE(may_write({"SET", "k", "v"}));
  EXPECT_FALSE(may_write({"GET", "k"}));
  EXPECT_FALSE(may_write({"NONSENSE", "k"})) << "the server refuses it at once";
  EXPECT_FALSE(may_write({"SET"})) << "so it does this";
  EXPECT_TRUE(may_write({"EVAL", kBody, "0"}));
  EXPECT_TRUE(may_write({"EVALSHA", support::ShaOf(kBody), "0"}));
  EXPECT_FALSE(may_write({"EVAL_RO", kBody, "0"}));
  EXPECT_FALSE(may_write({"EVAL", no_writes, "0"}));
  EXPECT_FALSE(may_write({"EVALSHA", support::ShaOf(no_writes), "0"}));
  house_.context.vouched = {replication::Sha1::Of(kBody)};
  EXPECT_TRUE(may_write({"EVAL", kBody, "0"})) << "the server does not know what we were told";
}

TEST_F(DispatcherTest, APauseOfWritesAndItsEndAreNoted) {
  EXPECT_EQ(Told("CLIENT PAUSE 1500 WRITE"), "master pause barrier");
  EXPECT_EQ(call_->pause_ms, 1500u);
  EXPECT_EQ(Told("client pause 99999999999999999999 write"), "master pause barrier");
  EXPECT_EQ(call_->pause_ms, 0u);
  EXPECT_EQ(Told("CLIENT PAUSE -1 WRITE"), "master pause barrier");
  EXPECT_EQ(call_->pause_ms, 0u);
  EXPECT_EQ(Told("CLIENT UNPAUSE"), "master unpause barrier");
  for (const char* words : {"CLIENT PAUSE", "CLIENT PAUSE 100", "CLIENT PAUSE 100 ALL",
                            "CLIENT PAUSE 100 WRITE x", "CLIENT UNPAUSE x"})
    EXPECT_EQ(Told(words), "master") << words;
}

TEST_F(DispatcherTest, AuthIsCheckedByTheMasterOnALease) {
  EXPECT_EQ(Told("AUTH secret"), "lease auth barrier as :secret");
  EXPECT_EQ(Told("AUTH alice secret"), "lease auth barrier as alice:secret");
  EXPECT_EQ(Told("AUTH"), "master");
  EXPECT_EQ(Told("AUTH a b c"), "master");
}

TEST_F(DispatcherTest, HelloIsAskedWithoutTheName) {
  EXPECT_EQ(Told("HELLO"), "master hello barrier");
  EXPECT_EQ(Request(), support::Command("HELLO"));
  EXPECT_EQ(Told("HELLO 3"), "master hello barrier resp3");
  EXPECT_EQ(Told("HELLO 3 SETNAME me"), "master hello barrier resp3");
  EXPECT_EQ(Request(), support::Command("HELLO 3"));
  EXPECT_EQ(state_.hello_name, "me");
  EXPECT_EQ(Told("HELLO 2 AUTH alice secret SETNAME me"),
            "lease hello barrier resp2 as alice:secret");
  EXPECT_EQ(Request(), support::Command("HELLO 2 AUTH alice secret"));
  EXPECT_EQ(Told("HELLO 4"), "master hello barrier") << "the server refuses it";
  EXPECT_EQ(Request(), support::Command("HELLO 4"));
}

TEST_F(DispatcherTest, AHelloThatIsWrongIsRefusedInTheWordsOfRedis) {
  EXPECT_EQ(Told("HELLO 3 NONSENSE"), "-ERR Syntax error in HELLO option 'NONSENSE'\r\n");
  EXPECT_EQ(Told("HELLO 3 AUTH alice"), "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  EXPECT_EQ(Prepare({"HELLO", "3", "SETNAME", "a b"}), Verdict::kAnswer);
  EXPECT_EQ(answer_,
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
}

TEST_F(DispatcherTest, InsideMultiHelloIsQueuedAsItIs) {
  EXPECT_EQ(Told("HELLO 3 SETNAME me", true), "master hello resp3");
  EXPECT_EQ(Request(), support::Command("HELLO 3 SETNAME me"));
}

TEST_F(DispatcherTest, WhatIsSaidOfTheClientIsSaidByUsIfTheServerAllowsIt) {
  const auto asked = [&](const std::vector<std::string>& words) {
    EXPECT_EQ(Prepare(words), Verdict::kSend);
    EXPECT_EQ(call_->after, After::kOwnWord) << words[1];
    EXPECT_EQ(call_->where, Where::kMaster);
    EXPECT_EQ(call_->said.view(), support::CommandOf(words));
    return Request();
  };
  EXPECT_EQ(asked({"CLIENT", "ID"}), support::Command("CLIENT ID"));
  EXPECT_EQ(asked({"CLIENT", "GETNAME"}), support::Command("CLIENT GETNAME"));
  EXPECT_EQ(asked({"CLIENT", "LIST"}), support::Command("CLIENT LIST"));
  EXPECT_EQ(asked({"CLIENT", "LIST", "ID", "7"}), support::Command("CLIENT LIST ID 7"));
  EXPECT_EQ(asked({"CLIENT", "INFO"}), support::Command("CLIENT INFO"));
  // What would change a connection that others share, or close it, is asked in another way.
  EXPECT_EQ(asked({"client", "setname", "me"}), support::Command("client setname shacast"));
  EXPECT_EQ(asked({"CLIENT", "SETNAME", ""}), support::Command("CLIENT SETNAME shacast"));
  EXPECT_EQ(asked({"CLIENT", "SETINFO", "LIB-NAME", "lib"}),
            support::Command("CLIENT SETINFO LIB-NAME shacast"));
  EXPECT_EQ(asked({"CLIENT", "CAPA", "redirect"}), support::Command("CLIENT CAPA none"));
  EXPECT_EQ(asked({"CLIENT", "KILL", "127.0.0.1:7"}), support::Command("CLIENT KILL shacast:0"));
  EXPECT_EQ(asked({"CLIENT", "KILL", "ID", "7"}),
            support::Command("CLIENT KILL ID 7 ADDR shacast:0"));
  EXPECT_EQ(asked({"CLIENT", "KILL", "SHOESIZE", "7"}),
            support::Command("CLIENT KILL ID 9223372036854775807"));
  EXPECT_TRUE(call_->barrier);
  // What the server refuses anyway, and what is about the links of replication.
  EXPECT_EQ(Prepare({"CLIENT", "SETNAME", "a b"}), Verdict::kSend);
  EXPECT_EQ(call_->after, After::kNothing);
  for (const char* words : {"CLIENT", "CLIENT ID x", "CLIENT SETINFO NONSENSE x", "CLIENT NONSENSE",
                            "CLIENT LIST TYPE replica", "CLIENT KILL TYPE slave"})
    EXPECT_EQ(Told(words), "master") << words;
}

TEST_F(DispatcherTest, WithUsersOfItsOwnTheProxyDoesNotAskTheServerAboutOne) {
  house_.settings.proxy.users = {{"alice", "", "secret"}};
  EXPECT_EQ(Prepare({"CLIENT", "KILL", "USER", "alice", "ID", "7"}), Verdict::kSend);
  EXPECT_EQ(Request(), support::Command("CLIENT KILL ID 7 ADDR shacast:0"));
}

TEST_F(DispatcherTest, SomeCommandsEndHere) {
  EXPECT_EQ(Told("QUIT"), "quit +OK\r\n");
  EXPECT_EQ(Told("POST / HTTP/1.1"), "close");
  EXPECT_EQ(Told("Host: localhost"), "close");
  EXPECT_EQ(Told("PROXY HELP"), "here proxy");
  EXPECT_EQ(Told("RESET"), "here reset");
  EXPECT_EQ(Told("RESET x"), "master");
}

TEST_F(DispatcherTest, ProxyIsForThoseWhoMayAskTheServerTheLike) {
  EXPECT_EQ(Told("PROXY INFO"), "here proxy") << "it is told while the master hangs, too";
  EXPECT_EQ(Told("PROXY SCRIPTS"), "master proxy read");
  EXPECT_EQ(Request(), support::Command("CLIENT LIST TYPE master"));
}

TEST_F(DispatcherTest, InfoGetsASectionWhereItIsAskedForOrByDefault) {
  for (const char* words : {"INFO", "INFO default", "info ALL", "INFO everything", "INFO shacast",
                            "INFO server shacast"})
    EXPECT_EQ(Told(words), "master info") << words;
  EXPECT_EQ(Told("INFO server"), "master");
  EXPECT_EQ(Told("INFO", true), "master") << "inside MULTI it is the server's";
}

TEST_F(DispatcherTest, ShutdownIsRefusedUnlessItIsPassedOn) {
  EXPECT_EQ(Told("SHUTDOWN NOSAVE"),
            "-ERR SHUTDOWN is refused by shacast; set routing.forward_shutdown = true to pass it "
            "on\r\n");
  house_.settings.routing.forward_shutdown = true;
  EXPECT_EQ(Told("SHUTDOWN NOSAVE"), "lease barrier");
  EXPECT_TRUE(call_->ends_trouble);
}

TEST_F(DispatcherTest, AChangeOfRolesIsFollowedByALookAtTheNodes) {
  EXPECT_EQ(Told("REPLICAOF NO ONE"), "master role");
}

TEST_F(DispatcherTest, WhereTheProxyHasUsersOfItsOwnItChecksThePassword) {
  house_.settings.proxy.users = {{"alice", "", "secret"}, {"default", "", "plain"}};
  state_.must_authenticate = true;
  const std::string no_auth = "-NOAUTH Authentication required.\r\n";
  const std::string wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  EXPECT_EQ(Told("GET k"), no_auth);
  EXPECT_EQ(Told("CLIENT ID"), no_auth);
  EXPECT_EQ(Told("EVALSHA " + support::ShaOf(kBody) + " 0"), no_auth);
  EXPECT_EQ(Told("HELLO 3").substr(0, 14), "-NOAUTH HELLO ");
  EXPECT_EQ(Told("AUTH alice wrong"), wrong);
  EXPECT_EQ(Told("AUTH bob secret"), wrong);
  EXPECT_EQ(Told("AUTH secret"), wrong) << "that is not the default user's";
  EXPECT_EQ(Told("HELLO 3 AUTH alice wrong"), wrong);
  EXPECT_TRUE(state_.must_authenticate);
  EXPECT_EQ(Told("QUIT"), "quit +OK\r\n");

  EXPECT_EQ(Told("AUTH alice secret"), "+OK\r\n");
  EXPECT_FALSE(state_.must_authenticate);
  EXPECT_EQ(Told("GET k"), "reads read");
  state_.must_authenticate = true;
  EXPECT_EQ(Told("AUTH plain"), "+OK\r\n");
  state_.must_authenticate = true;
  EXPECT_EQ(Told("HELLO 3 AUTH alice secret"), "master hello barrier resp3");
  EXPECT_EQ(Request(), support::Command("HELLO 3")) << "the password stays here";
}

}  // namespace
}  // namespace frontend
