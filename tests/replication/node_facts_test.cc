#include "replication/node_facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "node_facts_samples.h"

namespace replication {
namespace {

using Ids = std::vector<uint64_t>;

std::string RunId(char digit) {
  std::string id;
  for (int i = 0; i < 20; ++i) id += {'a', digit};
  return id;
}

// The least that is a set of facts, and `lines` behind it.
std::optional<NodeFacts> Parse(const std::string& lines) {
  std::string why;
  return ParseInfo("run_id:x\r\nrole:master\r\n" + lines, &why);
}

std::vector<ReplicaFacts> Replicas(const std::string& lines) {
  const auto facts = Parse(lines);
  return facts ? facts->replicas : std::vector<ReplicaFacts>{};
}

// Case 16
TEST(NodeFacts, Case16_AreReadFromTheInfoOfRealMasters) {
  for (const Sample& sample : kSamples) {
    std::string why;
    const auto facts = ParseInfo(OnTheWire(sample.master), &why);
    ASSERT_TRUE(facts) << sample.server << ": " << why;
    EXPECT_EQ(facts->run_id, RunId('0')) << sample.server;
    EXPECT_EQ(facts->role, Role::kMaster) << sample.server;
    const bool valkey = std::string_view(sample.server).starts_with("valkey");
    EXPECT_EQ(facts->is_valkey, valkey) << sample.server;
    const std::string_view version = sample.server;
    EXPECT_EQ(facts->version, valkey ? version : version.substr(6)) << sample.server;
    EXPECT_FALSE(facts->loading) << sample.server;
    EXPECT_EQ(facts->replid.substr(0, 4), "b0b0") << sample.server;
    EXPECT_EQ(facts->offset, 77u) << sample.server;
    EXPECT_EQ(facts->sync_full, 1u) << sample.server;
    EXPECT_EQ(facts->sync_partial_ok, 0u) << sample.server;
    EXPECT_EQ(facts->replicas, (std::vector<ReplicaFacts>{{{"127.0.0.1", 7001}, "online", 77, 0}}))
        << sample.server;
    EXPECT_FALSE(facts->master) << sample.server;
    EXPECT_EQ(facts->cached_scripts, 1u) << sample.server;
    // Redis 7.4, Valkey 8 and later say that they evict, and 7.0 does not.
    const bool evicts = valkey || version == "Redis 8.0.2";
    EXPECT_EQ(facts->evicts(), evicts) << sample.server;
    EXPECT_EQ(facts->leaves_lying(), version.starts_with("Redis 6.0")) << sample.server;
    EXPECT_EQ(facts->evicted_scripts, evicts ? std::optional<uint64_t>(0) : std::nullopt);
    EXPECT_FALSE(facts->replica_clients) << "that is another question";
  }
}

// Case 16
TEST(NodeFacts, Case16_AreReadFromTheInfoOfRealReplicas) {
  for (const Sample& sample : kSamples) {
    std::string why;
    const auto facts = ParseInfo(OnTheWire(sample.replica), &why);
    ASSERT_TRUE(facts) << sample.server << ": " << why;
    EXPECT_EQ(facts->run_id, RunId('1')) << sample.server;
    EXPECT_EQ(facts->role, Role::kReplica) << sample.server;
    EXPECT_EQ(facts->master, (config::Address{"127.0.0.1", 7000})) << sample.server;
    EXPECT_TRUE(facts->link_up) << sample.server;
    EXPECT_TRUE(facts->replicas.empty()) << sample.server;
    EXPECT_EQ(facts->cached_scripts, 0u) << sample.server;
  }
}

// Case 16
TEST(NodeFacts, Case16_LinksToReplicasAreTheClientsWithTheFlagS) {
  for (const Sample& sample : kSamples)
    EXPECT_EQ(ParseReplicaClients(sample.clients), Ids{4}) << sample.server;
  EXPECT_EQ(ParseReplicaClients(kIpv6AndSyncClients), (Ids{4, 5}));
}

// Case 16
TEST(NodeFacts, Case16_AReplicaOverIpv6AndOneWithoutAPortAreInTheList) {
  std::string why;
  const auto facts = ParseInfo(OnTheWire(kIpv6AndSync), &why);
  ASSERT_TRUE(facts) << why;
  EXPECT_EQ(facts->replicas, (std::vector<ReplicaFacts>{{{"::1", 7001}, "online", 14, 1},
                                                        {{"127.0.0.1", 0}, "online", 0, 1}}));
  EXPECT_EQ(facts->replicas[0].address.ToString(), "[::1]:7001");
}

// Case 16
TEST(NodeFacts, Case16_LinesOfReplicasAreTakenInTheirOldAndNewForms) {
  using List = std::vector<ReplicaFacts>;
  EXPECT_EQ(Replicas("slave0:10.0.0.1,6379,online\r\n"),
            (List{{{"10.0.0.1", 6379}, "online", std::nullopt, std::nullopt}}))
      << "Redis 2.6";
  EXPECT_EQ(Replicas("slave0:::1,6379,send_bulk\r\n"),
            (List{{{"::1", 6379}, "send_bulk", std::nullopt, std::nullopt}}))
      << "Redis 2.6 over IPv6";
  EXPECT_EQ(Replicas("slave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=0\r\n"),
            (List{{{"10.0.0.1", 6379}, "online", 1, 0}}));
  EXPECT_EQ(Replicas("slave0:ip=10.0.0.1,port=6379,state=wait_bgsave,offset=0,lag=0,type=replica"
                     ",more=9\r\n"),
            (List{{{"10.0.0.1", 6379}, "wait_bgsave", 0, 0}}))
      << "Valkey, and what comes after it";
  EXPECT_EQ(Replicas("slave0:port=6379,lag=12,ip=redis-1.example.net,state=online,offset=3\r\n"),
            (List{{{"redis-1.example.net", 6379}, "online", 3, 12}}))
      << "names in any order";
  EXPECT_EQ(Replicas("slave0:ip=fe80::1%eth0,port=6379,state=online\r\n"),
            (List{{{"fe80::1%eth0", 6379}, "online", std::nullopt, std::nullopt}}));
  EXPECT_EQ(Replicas("slave0:ip=10.0.0.1,port=0,state=online,offset=0,lag=0\r\n"),
            (List{{{"10.0.0.1", 0}, "online", 0, 0}}));
  EXPECT_EQ(Replicas("slave0:ip=a,port=1,state=online,offset=1,lag=1\r\n"
                     "slave1:ip=b,port=2,state=online,offset=2,lag=2\r\n"
                     "slave10:ip=c,port=3,state=online,offset=3,lag=3\r\n")
                .size(),
            3u);
  EXPECT_EQ(Replicas("slave0:ip=a,port=1,state=online,offset=x,lag=-1\r\n"),
            (List{{{"a", 1}, "online", std::nullopt, -1}}));
}

// Case 16
TEST(NodeFacts, Case16_LinesThatNameNoReplicaArePassedOver) {
  for (const char* line :
       {"slave0:\r\n", "slave0:ip=,port=6379,state=online\r\n", "slave0:ip=a,state=online\r\n",
        "slave0:ip=a,port=,state=online\r\n", "slave0:ip=a,port=x,state=online\r\n",
        "slave0:ip=a,port=65536,state=online\r\n", "slave0:ip=a,port=-1,state=online\r\n",
        "slave0:ip=a,port=6379x,state=online\r\n", "slave0:,6379,online\r\n", "slave0:a\r\n",
        "slave0:a,online\r\n", "slave:ip=a,port=1\r\n", "slave_priority:100\r\n",
        "slave0x:ip=a,port=1\r\n", "slavex:ip=a,port=1\r\n", "xslave0:ip=a,port=1\r\n",
        "slave_read_only:1\r\n", "slave0 :ip=a,port=1\r\n", "slave0\r\n"}) {
    EXPECT_TRUE(Replicas(line).empty()) << line;
  }
}

// Case 16
TEST(NodeFacts, Case16_WithoutARunIdOrARoleThereAreNoFacts) {
  struct Row {
    const char* info;
    const char* why;
  };
  for (const Row& row : {
           Row{"", "its INFO has no run_id"},
           Row{"role:master\r\n", "its INFO has no run_id"},
           Row{"run_id:\r\nrole:master\r\n", "its INFO has no run_id"},
           Row{"run_id:x\r\n", "its INFO has no role of master or replica"},
           Row{"run_id:x\r\nrole:sentinel\r\n", "its INFO has no role of master or replica"},
           Row{"run_id:x\r\nrole:\r\n", "its INFO has no role of master or replica"},
           Row{"run_id:x\r\nrole:Master\r\n", "its INFO has no role of master or replica"},
           Row{"ERR unknown command 'INFO'", "its INFO has no run_id"},
           Row{"NOPERM this user has no permissions to run the 'info' command",
               "its INFO has no run_id"},
           Row{"\r\n\r\n:::\r\n#\r\n=,=,\r\n", "its INFO has no run_id"},
       }) {
    std::string why;
    EXPECT_FALSE(ParseInfo(row.info, &why)) << row.info;
    EXPECT_EQ(why, row.why) << row.info;
  }
}

// Case 16
TEST(NodeFacts, Case16_EveryCutOfAnInfoIsEitherFactsOrAReason) {
  for (const Sample& sample : kSamples) {
    const std::string info = OnTheWire(sample.master);
    const size_t role = info.find("role:master");
    for (size_t length = 0; length <= info.size(); ++length) {
      std::string why;
      const auto facts = ParseInfo(info.substr(0, length), &why);
      // Its last needed line is the role, and nothing is guessed before it is there.
      ASSERT_EQ(facts.has_value(), length >= role + std::string("role:master").size())
          << sample.server << " at " << length;
      if (facts) {
        EXPECT_LE(facts->replicas.size(), 1u);
      } else {
        EXPECT_FALSE(why.empty());
      }
    }
  }
}

// Case 16
TEST(NodeFacts, Case16_GarbageIsTakenWithoutHarm) {
  std::mt19937 random(16);
  int facts_found = 0;
  for (const Sample& sample : kSamples) {
    const std::string info = OnTheWire(sample.master);
    for (int round = 0; round < 300; ++round) {
      std::string text = info;
      for (auto changes = 1 + random() % 8; changes > 0; --changes)
        text[random() % text.size()] = static_cast<char>(random() % 256);
      std::string why;
      facts_found += ParseInfo(text, &why) ? 1 : 0;
      static_cast<void>(ParseReplicaClients(text));
      std::string clients(sample.clients);
      for (auto changes = 1 + random() % 8; changes > 0; --changes)
        clients[random() % clients.size()] = static_cast<char>(random() % 256);
      const auto ids = ParseReplicaClients(clients);
      ASSERT_TRUE(std::is_sorted(ids.begin(), ids.end()));
      ASSERT_LE(ids.size(), 4u) << clients;
    }
  }
  EXPECT_GT(facts_found, 100) << "a changed byte elsewhere does not matter";
}

TEST(NodeFacts, LinesMayEndInALineFeedAlone) {
  std::string why;
  const auto facts = ParseInfo("run_id:x\nrole:slave\nmaster_host:h\nmaster_port:1", &why);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->run_id, "x");
  EXPECT_EQ(facts->master, (config::Address{"h", 1}));
}

TEST(NodeFacts, AReplicaMayNameItsMasterByAnIpv6AddressOrAName) {
  std::string why;
  EXPECT_EQ(
      ParseInfo("run_id:x\r\nrole:slave\r\nmaster_host:::1\r\nmaster_port:7000\r\n", &why)->master,
      (config::Address{"::1", 7000}));
  EXPECT_EQ(
      ParseInfo("run_id:x\r\nrole:slave\r\nmaster_host:db.example\r\nmaster_port:7000\r\n", &why)
          ->master,
      (config::Address{"db.example", 7000}));
}

TEST(NodeFacts, AMasterHasNoMasterAndAReplicaOfNobodyNeither) {
  std::string why;
  EXPECT_FALSE(
      ParseInfo("run_id:x\r\nrole:master\r\nmaster_host:h\r\nmaster_port:1\r\n", &why)->master);
  EXPECT_FALSE(ParseInfo("run_id:x\r\nrole:slave\r\nmaster_port:1\r\n", &why)->master);
  EXPECT_FALSE(
      ParseInfo("run_id:x\r\nrole:slave\r\nmaster_host:h\r\nmaster_port:0\r\n", &why)->master);
  EXPECT_FALSE(
      ParseInfo("run_id:x\r\nrole:slave\r\nmaster_host:h\r\nmaster_port:70000\r\n", &why)->master);
}

TEST(NodeFacts, TheLinkIsUpOnlyIfItSaysSo) {
  std::string why;
  const std::string replica = "run_id:x\r\nrole:slave\r\n";
  EXPECT_FALSE(ParseInfo(replica, &why)->link_up);
  EXPECT_FALSE(ParseInfo(replica + "master_link_status:down\r\n", &why)->link_up);
  EXPECT_TRUE(ParseInfo(replica + "master_link_status:up\r\n", &why)->link_up);
}

TEST(NodeFacts, LoadingIsToldFromAsyncLoading) {
  EXPECT_FALSE(Parse("loading:0\r\nasync_loading:1\r\n")->loading);
  EXPECT_TRUE(Parse("loading:1\r\nasync_loading:0\r\n")->loading);
}

TEST(NodeFacts, TheVersionOfValkeyIsItsOwnInWhateverOrderItIsTold) {
  EXPECT_EQ(Parse("redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n")->version, "valkey 8.1.1");
  EXPECT_EQ(Parse("valkey_version:8.1.1\r\nredis_version:7.2.4\r\n")->version, "valkey 8.1.1");
  EXPECT_EQ(Parse("redis_version:7.2.4\r\n")->version, "7.2.4");
}

TEST(NodeFacts, NumbersThatAreNoneAreNotThere) {
  const auto facts = Parse(
      "sync_full:many\r\nsync_partial_ok:-1\r\nmaster_repl_offset:99999999999999999999999\r\n"
      "number_of_cached_scripts:\r\nevicted_scripts:1x\r\n");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->sync_full, 0u);
  EXPECT_EQ(facts->sync_partial_ok, 0u);
  EXPECT_EQ(facts->offset, 0u);
  EXPECT_FALSE(facts->cached_scripts);
  EXPECT_FALSE(facts->evicted_scripts);
  EXPECT_EQ(Parse("master_repl_offset:18446744073709551615\r\n")->offset, ~uint64_t{0});
}

TEST(ReplicaClients, AreSortedAndOnlyThoseWithAnId) {
  EXPECT_EQ(ParseReplicaClients(""), Ids{});
  EXPECT_EQ(ParseReplicaClients("id=9 flags=S\nid=3 flags=S\nid=27 flags=S\n"), (Ids{3, 9, 27}));
  EXPECT_EQ(ParseReplicaClients("flags=S cmd=psync\n"), Ids{});
  EXPECT_EQ(ParseReplicaClients("id=x flags=S\n"), Ids{});
  EXPECT_EQ(ParseReplicaClients("id=4 flags=S"), Ids{4}) << "the last line may lack its end";
  EXPECT_EQ(ParseReplicaClients("id=4 flags=S\r\nid=5 flags=N\r\n"), Ids{4});
  EXPECT_EQ(ParseReplicaClients("id=4 flags=xSb\n"), Ids{4}) << "among other flags";
  EXPECT_EQ(ParseReplicaClients("NOPERM this user has no permissions"), Ids{});
}

TEST(ReplicaClients, AreNotThoseWhoOnlyCallThemselvesSo) {
  EXPECT_EQ(ParseReplicaClients("id=4 name=flags=S flags=N\n"), Ids{});
  EXPECT_EQ(ParseReplicaClients("id=4 name=S flags=N cmd=SYNC user=S\n"), Ids{});
  EXPECT_EQ(ParseReplicaClients("id=4 flags=N lib-name=flags=S\n"), Ids{});
}

}  // namespace
}  // namespace replication
