// Question 2 of script_rewriter.h: what does an answer say? Case 4 of the list of test cases.
//
// The sentences are those of real servers, from 2.6 to Valkey 9.1: what each said to the command in
// the row. "S" stands for the script's sha.
#include <gtest/gtest.h>

#include <string>

#include "replication/script_rewriter.h"

namespace replication {
namespace {

const Sha1 kScript = Sha1::Of("return 1");

std::string Words(Proof proof) {
  switch (proof) {
    case Proof::kRan:
      return "ran";
    case Proof::kRefused:
      return "refused";
    case Proof::kNoScript:
      return "no script";
    case Proof::kDoubtful:
      return "doubtful";
  }
  return "?";
}

struct Row {
  const char* what;
  const char* error;  // "S": the sha
  Proof proof;
};

std::string WithSha(std::string text) {
  for (size_t at = 0; (at = text.find('S', at)) != std::string::npos; ++at) {
    const bool alone =
        (at == 0 || !std::isalpha(static_cast<unsigned char>(text[at - 1]))) &&
        (at + 1 == text.size() || !std::isalpha(static_cast<unsigned char>(text[at + 1])));
    if (alone) text.replace(at, 1, kScript.ToString());
  }
  return text;
}

void Expect(const Row& row) {
  const std::string error = WithSha(row.error);
  EXPECT_EQ(Words(Judge(error, kScript)), Words(row.proof)) << row.what << ": " << error;
}

TEST(Judge, AValueProvesThatTheScriptRan) {
  EXPECT_EQ(Judge("", kScript), Proof::kRan);
}

TEST(Judge, TheServersOwnNoScriptIsKnownByItsSentence) {
  const Row rows[] = {
      {"Redis 2.6 to 8.6", "NOSCRIPT No matching script. Please use EVAL.", Proof::kNoScript},
      {"Valkey 8.0 to 9.1", "NOSCRIPT No matching script.", Proof::kNoScript},
      {"a script's own words", "NOSCRIPT mine", Proof::kDoubtful},
      {"a script's own words", "NOSCRIPT", Proof::kDoubtful},
      {"a script's own words", "noscript No matching script.", Proof::kDoubtful},
      {"inside another error", "ERR NOSCRIPT No matching script.", Proof::kDoubtful},
  };
  for (const Row& row : rows) Expect(row);
}

TEST(Judge, Case04_AnErrorOfARunningScriptIsProofIfItSaysSo) {
  const Row rows[] = {
      {"INCR of a text, 6.0",
       "ERR Error running script (call to f_S): @user_script:1: ERR value is not an integer or out "
       "of range",
       Proof::kRan},
      {"INCR of a text, 7.0",
       "ERR value is not an integer or out of range script: S, on @user_script:1.", Proof::kRan},
      {"INCR of a text, Valkey 9.1",
       "ERR value is not an integer or out of range script: on @user_script:1.", Proof::kRan},
      {"LPOP with too many arguments, 7.0",
       "ERR wrong number of arguments for 'lpop' command script: S, on @user_script:1.",
       Proof::kRan},
      {"LPOP with too many arguments, Valkey 9.1",
       "ERR wrong number of arguments for 'lpop' command script: on @user_script:1.", Proof::kRan},
      {"SET with too few arguments, 6.0",
       "ERR Error running script (call to f_S): @user_script:1: @user_script: 1: Wrong number of "
       "args calling Redis command From Lua script",
       Proof::kRan},
      {"SET with too few arguments, 7.0",
       "ERR Wrong number of args calling Redis command from script script: S, on @user_script:1.",
       Proof::kRan},
      {"SET with too few arguments, Valkey 8.1",
       "ERR Wrong number of args calling command from script script: S, on @user_script:1.",
       Proof::kRan},
      {"an unknown command inside, 7.0",
       "ERR Unknown Redis command called from script script: S, on @user_script:1.", Proof::kRan},
      {"a global that is not there, 6.0",
       "ERR Error running script (call to f_S): @enable_strict_lua:15: user_script:1: Script "
       "attempted to access nonexistent global variable 'nosuch'",
       Proof::kRan},
      {"a global that is not there, 7.0",
       "ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch' script: "
       "S, on @user_script:1.",
       Proof::kRan},
      {"error('boom'), 8.0", "ERR user_script:1: boom script: S, on @user_script:1.", Proof::kRan},
      {"error('boom'), Valkey 9.1", "ERR user_script:1: boom script: on @user_script:1.",
       Proof::kRan},
      {"error({err='MY boom'}), 7.0", "MY boom script: S, on @user_script:1.", Proof::kRan},
      {"EVALSHA inside, 7.0",
       "ERR This Redis command is not allowed from script script: S, on @user_script:1.",
       Proof::kRan},
      {"LPUSH of a text, 7.0",
       "WRONGTYPE Operation against a key holding the wrong kind of value script: S, on "
       "@user_script:1.",
       Proof::kRan},
      {"a write on a replica, 2.8",
       "ERR Error running script (call to f_S): @user_script:1: @user_script: 1: -READONLY You "
       "can't write against a read only slave.   ",
       Proof::kRan},
      {"a write on a replica, 2.6",
       "ERR Error running script (call to f_S): -READONLY You can't write against a read only "
       "slave.",
       Proof::kRan},
      {"a write on a replica, 6.0",
       "ERR Error running script (call to f_S): @user_script:1: @user_script: 1: -READONLY You "
       "can't write against a read only replica.",
       Proof::kRan},
      {"a write on a replica, 7.0",
       "READONLY You can't write against a read only replica. script: S, on @user_script:1.",
       Proof::kRan},
      {"a write on a replica, Valkey 9.1",
       "READONLY You can't write against a read only replica. script: on @user_script:1.",
       Proof::kRan},
      {"a write under EVAL_RO, 7.0",
       "ERR Write commands are not allowed from read-only scripts. script: S, on @user_script:1.",
       Proof::kRan},
      {"a write in a no-writes script, Valkey 9.1",
       "ERR Write commands are not allowed from read-only scripts. script: on @user_script:2.",
       Proof::kRan},
      {"a write above maxmemory, 6.0",
       "ERR Error running script (call to f_S): @user_script:1: @user_script: 1: -OOM command not "
       "allowed when used memory > 'maxmemory'.",
       Proof::kRan},
      {"a write above maxmemory, 7.0",
       "OOM command not allowed when used memory > 'maxmemory'. script: S, on @user_script:1.",
       Proof::kRan},
      {"killed, 6.0",
       "ERR Error running script (call to f_S): @user_script:1: Script killed by user with SCRIPT "
       "KILL...",
       Proof::kRan},
      {"killed, 7.0", "ERR Script killed by user with SCRIPT KILL... script: S, on @user_script:1.",
       Proof::kRan},
      {"killed, Valkey 8.1",
       "ERR Script killed by user with SCRIPT KILL. script: S, on @user_script:1.", Proof::kRan},
      {"killed, Valkey 9.1",
       "ERR Script killed by user with SCRIPT KILL. script: on @user_script:1.", Proof::kRan},
  };
  for (const Row& row : rows) Expect(row);
}

TEST(Judge, Case04_ARefusalIsNoProof) {
  const Row rows[] = {
      {"GET during a script, Redis",
       "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
       Proof::kRefused},
      {"... Valkey",
       "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
       Proof::kRefused},
      {"... Redict",
       "BUSY Redict is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
       Proof::kRefused},
      {"during a function",
       "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
       Proof::kRefused},
      {"Redis", "LOADING Redis is loading the dataset in memory", Proof::kRefused},
      {"Valkey", "LOADING Valkey is loading the dataset in memory", Proof::kRefused},
      {"up to 4.0",
       "MASTERDOWN Link with MASTER is down and slave-serve-stale-data is set to 'no'.",
       Proof::kRefused},
      {"from 5.0",
       "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
       Proof::kRefused},
      {"from 2.8", "NOAUTH Authentication required.", Proof::kRefused},
      {"2.6", "ERR operation not permitted", Proof::kDoubtful},
      {"6.0", "NOPERM this user has no permissions to run the 'eval' command or its subcommand",
       Proof::kRefused},
      {"7.2", "NOPERM User alice has no permissions to run the 'evalsha' command", Proof::kRefused},
      {"7.2", "NOPERM No permissions to access a key", Proof::kRefused},
      {"a shebang writer on a replica, 7.0",
       "READONLY You can't write against a read only replica.", Proof::kRefused},
      {"2.8", "READONLY You can't write against a read only slave.", Proof::kRefused},
      {"a shebang writer above maxmemory, 7.0",
       "OOM command not allowed when used memory > 'maxmemory'.", Proof::kRefused},
      {"7.0", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to",
       Proof::kRefused},
      {"7.0", "NOREPLICAS Not enough good replicas to write.", Proof::kRefused},
      {"cluster", "MOVED 3999 127.0.0.1:6381", Proof::kRefused},
      {"cluster", "ASK 3999 127.0.0.1:6381", Proof::kRefused},
      {"cluster", "CLUSTERDOWN The cluster is down", Proof::kRefused},
      {"EXEC", "EXECABORT Transaction discarded because of previous errors.", Proof::kRefused},
      {"numkeys is a word", "ERR value is not an integer or out of range", Proof::kRefused},
      {"numkeys is negative", "ERR Number of keys can't be negative", Proof::kRefused},
      {"numkeys is too large", "ERR Number of keys can't be greater than number of args",
       Proof::kRefused},
      {"EVAL without numkeys", "ERR wrong number of arguments for 'eval' command", Proof::kRefused},
      {"EVALSHA without numkeys", "ERR wrong number of arguments for 'evalsha' command",
       Proof::kRefused},
      {"no such command, 6.0",
       "ERR unknown command `eval_ro`, with args beginning with: `return 1`, `0`, ",
       Proof::kRefused},
      {"does not compile, 6.0",
       "ERR Error compiling script (new function): user_script:2: unexpected symbol near 'end'",
       Proof::kRefused},
      {"does not compile, 7.0",
       "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
       Proof::kRefused},
      {"a shebang before 7.0",
       "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
       Proof::kRefused},
      {"a shebang without line feed", "ERR Invalid script shebang", Proof::kRefused},
      {"an unbalanced quote in it", "ERR Invalid engine in script shebang", Proof::kRefused},
      {"#!js, Redis", "ERR Unexpected engine in script shebang: #!js", Proof::kRefused},
      {"#!js, Valkey 8.1", "ERR Could not find scripting engine 'js'", Proof::kRefused},
      {"flags=nope", "ERR Unexpected flag in script shebang: nope", Proof::kRefused},
      {"x=1", "ERR Unknown lua shebang option: x=1", Proof::kRefused},
  };
  for (const Row& row : rows) Expect(row);
}

TEST(Judge, Case04_ARefusalThatQuotesTheMarkOfARunningScriptIsStillARefusal) {
  const Row rows[] = {
      {"a token of the body",
       "ERR Error compiling script (new function): user_script:1: '=' expected near 'script: on "
       "@user_script:1'",
       Proof::kRefused},
      {"a flag", "ERR Unexpected flag in script shebang: script: S, on @user_script:1.",
       Proof::kRefused},
      {"an engine", "ERR Unexpected engine in script shebang: (call to f_S)", Proof::kRefused},
      {"an engine, Valkey", "ERR Could not find scripting engine 'script: on @user_script:'",
       Proof::kRefused},
      {"an option", "ERR Unknown lua shebang option: script: on @user_script:1.", Proof::kRefused},
      {"an argument",
       "ERR unknown command 'eval_ro', with args beginning with: 'script: on @user_script:1'",
       Proof::kRefused},
  };
  for (const Row& row : rows) Expect(row);
}

TEST(Judge, Case04_TheMarkOfAnotherScriptIsNoProofOfThisOne) {
  const std::string other = Sha1::Of("return 2").ToString();
  EXPECT_EQ(Judge("ERR boom script: " + other + ", on @user_script:1.", kScript), Proof::kDoubtful);
  EXPECT_EQ(Judge("ERR Error running script (call to f_" + other + "): boom", kScript),
            Proof::kDoubtful);
}

TEST(Judge, Case04_WhatAScriptMayHaveSaidItselfIsDoubtful) {
  const Row rows[] = {
      {"error_reply('MY boom')", "MY boom", Proof::kDoubtful},
      {"pcall of a write on a replica, 6.0",
       "@user_script: 1: -READONLY You can't write against a read only replica.  ",
       Proof::kDoubtful},
      {"pcall of a write on a replica, 2.6", "-READONLY You can't write", Proof::kDoubtful},
      {"pcall of LPUSH on a text",
       "WRONGTYPE Operation against a key holding the wrong kind of value", Proof::kDoubtful},
      {"EVAL_RO of a writer on the master, 7.0",
       "ERR Can not execute a script with write flag using *_ro command.", Proof::kDoubtful},
      {"a bare code", "ERR", Proof::kDoubtful},
      {"a bare code", "ERR ", Proof::kDoubtful},
      {"nothing much", " ", Proof::kDoubtful},
      {"a code that begins like another", "BUSYGROUP Consumer Group name already exists",
       Proof::kDoubtful},
      {"a code that begins like another", "READONLYX no", Proof::kDoubtful},
      {"a sentence without ERR", "value is not an integer or out of range", Proof::kDoubtful},
  };
  for (const Row& row : rows) Expect(row);
}

TEST(Judge, TakesEveryCutOfEverySentenceWithoutHarm) {
  const std::string sentence =
      WithSha("ERR value is not an integer or out of range script: S, on @user_script:1.");
  int ran = 0;
  for (size_t length = 1; length <= sentence.size(); ++length)
    ran += Judge(sentence.substr(0, length), kScript) == Proof::kRan ? 1 : 0;
  EXPECT_EQ(ran, 3) << "with the whole mark only; the line's number and the stop are not of it";
}

}  // namespace
}  // namespace replication
