// What a reply through shacast may differ in, and why. All that is not here is compared byte for
// byte. A row is tried only where the bytes differ; inside EXEC's reply it is looked for by the
// command that was queued.
#include "tests/support/oracle_replies.h"

namespace support {
namespace {

using R = OracleRule;

constexpr const char* kTables = "a server's hash tables are ordered by a seed of its process";
constexpr const char* kTime = "time passes between one server and the other";
constexpr const char* kOurs = "shacast's own, by contract";

const std::vector<OracleException> kRows = {
    // command, with the word, rule, names, within, reason
    {"HELLO", "", R::kNumberBehind, "id", 0, "ids of connections"},
    {"RANDOMKEY", "", R::kShape, "", 0, "by chance"},
    {"DUMP", "", R::kShape, "", 0, kTables},
    {"KEYS", "", R::kAnyOrder, "", 0, kTables},
    {"SCAN", "", R::kAnyOrder, "", 0, kTables},
    {"SMEMBERS", "", R::kAnyOrder, "", 0, kTables},
    {"SINTER", "", R::kAnyOrder, "", 0, kTables},
    {"SUNION", "", R::kAnyOrder, "", 0, kTables},
    {"SDIFF", "", R::kAnyOrder, "", 0, kTables},
    {"SPOP", "", R::kAnyOrder, "", 0, kTables},
    {"SRANDMEMBER", "", R::kAnyOrder, "", 0, kTables},
    {"SSCAN", "", R::kAnyOrder, "", 0, kTables},
    {"SORT", "NOSORT", R::kAnyOrder, "", 0, kTables},
    {"HGETALL", "", R::kAnyOrderPairs, "", 0, kTables},
    {"HKEYS", "", R::kAnyOrder, "", 0, kTables},
    {"HVALS", "", R::kAnyOrder, "", 0, kTables},
    {"HRANDFIELD", "WITHVALUES", R::kAnyOrderPairs, "", 0, kTables},
    {"HRANDFIELD", "", R::kAnyOrder, "", 0, kTables},
    {"HSCAN", "", R::kAnyOrderPairs, "", 0, kTables},
    {"ZRANDMEMBER", "WITHSCORES", R::kAnyOrderPairs, "", 0, kTables},
    {"ZRANDMEMBER", "", R::kAnyOrder, "", 0, kTables},
    {"ZSCAN", "", R::kAnyOrderPairs, "", 0, kTables},
    {"FUNCTION LIST", "", R::kAnyOrder, "", 0, kTables},
    {"COMMAND", "", R::kAnyOrder, "", 0, kTables},
    {"ACL CAT", "", R::kAnyOrder, "", 0, kTables},
    {"PUBSUB CHANNELS", "", R::kAnyOrder, "", 0, kTables},
    {"TIME", "", R::kShape, "", 0, kTime},
    {"TTL", "", R::kWithin, "", 2, kTime},
    {"HTTL", "", R::kWithin, "", 2, kTime},
    {"EXPIRETIME", "", R::kWithin, "", 2, kTime},
    {"HEXPIRETIME", "", R::kWithin, "", 2, kTime},
    {"PTTL", "", R::kWithin, "", 2000, kTime},
    {"HPTTL", "", R::kWithin, "", 2000, kTime},
    {"PEXPIRETIME", "", R::kWithin, "", 2000, kTime},
    {"HPEXPIRETIME", "", R::kWithin, "", 2000, kTime},
    {"XINFO CONSUMERS", "", R::kNumberBehind, "idle inactive", 0, kTime},
    {"XPENDING", "", R::kThird, "", 0, kTime},
    {"SHUTDOWN", "", R::kAnything, "", 0, kOurs},
    {"SCRIPT DEBUG", "", R::kAnything, "", 0, kOurs},
};

}  // namespace

const std::vector<OracleException>& OracleExceptions() {
  return kRows;
}

}  // namespace support
