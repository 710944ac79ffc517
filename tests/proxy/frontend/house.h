// A worker's surroundings for tests of the frontend: a loop, fake nodes, a picture of them, and a
// hub that does with scripts what the whole proxy would do. Sessions are real, and their clients
// are the other ends of socket pairs.
//
// One thread: House::Until() runs turns of the loop, and between them the fake nodes are served and
// whoever waits is pumped, as a worker does on its ticks.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/eval_rights.h"
#include "proxy/frontend/miss_checks.h"
#include "proxy/frontend/orphans.h"
#include "proxy/frontend/session.h"
#include "proxy/frontend/session_context.h"
#include "tests/support/fake_node.h"
#include "tests/support/run_loop.h"
#include "tests/support/sockets.h"

namespace frontend {

// What a server says of the commands that the tests use.
std::shared_ptr<const resp::CommandTable> SmallTable();

class FakeHub final : public ScriptHub {
 public:
  explicit FakeHub(net::Loop& loop) : loop_(loop) {}

  void Learned(replication::ScriptRef script, uint64_t epoch, const char* how) override;
  void Known(replication::NodeId node, uint64_t generation, const replication::Sha1& sha) override;
  void Distribute(replication::ScriptRef script, uint64_t epoch,
                  std::function<void()> done) override;
  void FlushEverywhere(bool master_too, std::function<void()> done) override;
  void KillEverywhere(const char* container, std::function<void(std::string)> done) override;
  void Verify(replication::NodeId node, uint64_t epoch,
              std::vector<replication::ScriptRef> bodies) override;
  void Show(replication::NodeId node, const replication::Sha1& sha) override;
  void ReplicaThroughUs() override { ++replicas; }
  void AskNodesNow() override { ++asked; }

  // Answers wait until Release(), as those of slow nodes do.
  void Hold() { holding_ = true; }
  void Release();

  replication::ScriptRegistry* scripts = nullptr;
  backend::Nodes* nodes = nullptr;
  std::string kill_reply = "+OK\r\n";
  std::vector<std::string> notes;  // what it was asked, such as "learned c5a1... EVAL"
  int replicas = 0;
  int asked = 0;

 private:
  void Later(std::function<void()> done);

  net::Loop& loop_;
  bool holding_ = false;
  std::vector<std::function<void()>> held_;
};

// One client: the other end of a session's socket.
class Client {
 public:
  explicit Client(support::Fd fd) : fd_(std::move(fd)) {}

  void Send(std::string_view bytes) { unsent_ += bytes; }
  // A command, from words with blanks between them.
  void Say(std::string_view words) { Send(support::Command(words)); }
  void HalfClose() { half_close_ = true; }
  void Leave() { fd_.Close(); }
  void StopReading() { reading_ = false; }
  void ReadAgain() { reading_ = true; }
  void Step();

  const std::string& got() const { return got_; }
  // Everything that it got since the last call.
  std::string Take() { return std::exchange(got_, {}); }
  bool ended() const { return ended_; }

 private:
  support::Fd fd_;
  std::string unsent_;
  std::string got_;
  bool reading_ = true;
  bool half_close_ = false;
  bool ended_ = false;
};

class House final : private SessionOwner, private ClientHub {
 public:
  // The first of `nodes` nodes is the master, the others are replicas that may be read.
  explicit House(size_t nodes = 1);
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  support::FakeNode& node(size_t number) { return *fakes_[number]; }
  support::FakeNode& master() { return *fakes_[0]; }
  backend::NodePool& pool(replication::NodeId id) { return *nodes.Pool(id); }
  backend::NodeShared& shared(size_t number) { return *shared_[number]; }
  uint64_t generation(size_t number) const { return shared_[number]->generation.load(); }
  // Whoever asks from now on is told that this one is the master, or that there is none.
  void TakePicture(std::optional<replication::NodeId> master, std::string why_none = "");

  Client& Connect();
  Session& session(size_t number) { return *sessions_.at(number); }
  size_t sessions_open() const;

  // One turn of everything.
  void Turn();
  void Turns(int n = 20) {
    for (int i = 0; i < n; ++i) Turn();
  }
  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop, condition, [this] { Beside(); });
  }
  // Waits until `client` has got so much, and expects just that.
  ::testing::AssertionResult Gets(Client& client, const std::string& expected);
  // ... to that command.
  ::testing::AssertionResult Answers(Client& client, std::string_view words,
                                     const std::string& expected);

  // lua_scripts has it from now on.
  void Hold(const std::string& body);
  // ... and it is proven that the node has it too; `really`: so it has.
  void BelieveKnown(size_t number, const std::string& body, bool really = true);
  bool Knows(size_t number, const std::string& body);

  config::Settings settings;
  net::Loop loop;
  base::Counters counters;
  std::vector<const base::Counters*> all_counters{&counters};
  CallPool calls;
  backend::LeaseBudget budget;
  int suspected = 0;
  backend::PoolContext pool_context{loop, settings.upstream,      counters, budget,
                                    1,    [this] { ++suspected; }};
  backend::Nodes nodes{pool_context};
  backend::IdentityTable identities;
  replication::ScriptRegistry scripts;
  BodiesOnTheWay bodies;
  MissChecks miss_checks;
  EvalRights eval_rights{loop};
  FakeHub hub{loop};
  std::atomic<uint64_t> clients_open{0};
  const ProcessFacts process{.version = "0.0.0", .workers = 1, .clients = clients_open};
  Orphans orphans{hub};
  base::log::Budget script_lines{10};
  base::log::Budget noscript_lines{10};
  SessionContext context;

 private:
  void OnSessionClosed(Session& session) override;
  void OnSessionWaits(Session& session) override;
  void VisitClients(std::function<void(Session&)> visit, std::function<void()> done) override;
  // What is not the loop's: nodes, clients, and whoever waits.
  void Beside();

  std::vector<std::unique_ptr<support::FakeNode>> fakes_;
  std::vector<backend::NodeSharedRef> shared_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<uint64_t, Session*> waiting_;
};

}  // namespace frontend
