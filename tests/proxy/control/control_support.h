// What the tests of the control thread share: nodes that answer INFO as a master or a replica does,
// and a crew that notes what it is told.
//
// One thread: House::Until() runs turns of the loop, and between them the nodes are served.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/control/script_service.h"
#include "proxy/control/topology_service.h"
#include "proxy/net/loop.h"
#include "tests/support/fake_node.h"
#include "tests/support/run_loop.h"

namespace control {

inline constexpr const char* kBusy =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";

// A node of a replica set, as it describes itself. What stands here is what its next INFO says.
struct ModelNode : support::FakeNode {
  explicit ModelNode(char digit) {
    run_id = std::string(40, digit);
    AddRule([this](const Args& args) -> std::optional<std::string> {
      if (busy && args != Args{"SCRIPT", "KILL"}) return kBusy;
      if (args[0] == "INFO") return support::Bulk(Info());
      if (args[0] == "COMMAND") return commands;
      if (args[0] == "CLIENT" && args[1] == "LIST") return support::Bulk("");
      return std::nullopt;
    });
  }

  // To such commands it says nothing, now or ever. What it answers behind one is taken for the
  // answer to it, as with any node: see to it that nothing comes, or silence that too.
  void Silent(const std::string& words) { Answer(words, ""); }

  bool busy = false;
  const ModelNode* master = nullptr;  // null: it is the master
  std::vector<const ModelNode*> replicas;
  int sync_full = 0;
  // One command, "get", which only reads.
  std::string commands = "*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n";

 private:
  std::string Info() const {
    std::string text = "# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id + "\r\n";
    text += std::string("# Replication\r\nrole:") + (master == nullptr ? "master" : "slave") +
            "\r\nmaster_replid:set\r\nmaster_repl_offset:100\r\n";
    if (master != nullptr)
      text += "master_host:127.0.0.1\r\nmaster_port:" + std::to_string(master->address().port) +
              "\r\nmaster_link_status:up\r\n";
    int i = 0;
    for (const ModelNode* replica : replicas)
      text += "slave" + std::to_string(i++) +
              ":ip=127.0.0.1,port=" + std::to_string(replica->address().port) +
              ",state=online,offset=100,lag=0\r\n";
    return text + "sync_full:" + std::to_string(sync_full) + "\r\n";
  }
};

class NotingCrew final : public Crew {
 public:
  void TellPicture(std::shared_ptr<const replication::Topology> told,
                   const std::vector<backend::NodeSharedRef>&) override {
    picture = std::move(told);
    ++pictures;
  }
  void TellTable(std::shared_ptr<const resp::CommandTable> told) override {
    table = std::move(told);
    ++tables;
  }
  void TellLearned(replication::ScriptRef script, uint64_t epoch) override {
    notes.push_back("learned " + script->text + " in epoch " + std::to_string(epoch));
  }
  void TellKnown(replication::NodeId node, uint64_t generation,
                 const replication::Sha1& sha) override {
    notes.push_back("known " + std::to_string(node) + " " + sha.ToString().substr(0, 8));
    known_generation = generation;
  }
  void TellEvicted(const std::vector<replication::Sha1>& scripts) override {
    for (const auto& sha : scripts) notes.push_back("evicted " + sha.ToString().substr(0, 8));
  }
  void TellFlush(uint64_t epoch, std::function<void()> all_forgot) override {
    notes.push_back("flush " + std::to_string(epoch));
    if (slow) {
      forgetting.push_back(std::move(all_forgot));
    } else {
      all_forgot();
    }
  }

  // The workers keep a flush waiting.
  bool slow = false;
  std::deque<std::function<void()>> forgetting;

  std::shared_ptr<const replication::Topology> picture;
  std::shared_ptr<const resp::CommandTable> table;
  int pictures = 0;
  int tables = 0;
  uint64_t known_generation = 0;
  std::vector<std::string> notes;
};

// A master with number 0, its replicas, and the control thread's services.
class House {
 public:
  explicit House(int replicas) {
    for (int i = 0; i <= replicas; ++i)
      nodes_.push_back(std::make_unique<ModelNode>(static_cast<char>('1' + i)));
    for (int i = 1; i <= replicas; ++i) {
      node(i).master = &node(0);
      node(0).replicas.push_back(&node(i));
    }
    settings.upstream.nodes = {node(0).address()};
    settings.upstream.poll_interval = std::chrono::milliseconds(10);
    settings.upstream.connect_timeout = std::chrono::milliseconds(20'000);
  }
  ~House() {
    scripts.reset();
    topology.reset();
  }

  ModelNode& node(int i) { return *nodes_.at(static_cast<size_t>(i)); }
  int size() const { return static_cast<int>(nodes_.size()); }
  void Step() {
    for (const auto& one : nodes_) one->Step();
  }
  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop, condition, [&] { Step(); });
  }

  // The services run, and every node is in the picture and up.
  [[nodiscard]] bool Start() {
    topology = std::make_unique<TopologyService>(loop, settings, crew);
    scripts = std::make_unique<ScriptService>(loop, settings, *topology, crew);
    topology->Start();
    return Until([&] { return AllUp() && crew.tables > 0; });
  }
  bool AllUp() const {
    const auto& all = topology->picture().nodes;
    return all.size() == nodes_.size() &&
           std::all_of(all.begin(), all.end(), [](const auto& n) { return n.up; });
  }
  // From now on nodes are asked only when a test says so, and nothing is on its way.
  [[nodiscard]] bool Quiet() {
    settings.upstream.poll_interval = std::chrono::minutes(1);
    // The intervals that have begun end once more.
    std::vector<size_t> before;
    for (const auto& one : nodes_) before.push_back(one->CountOf("INFO"));
    topology->AskNow();
    return Until([&] {
      for (size_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i]->CountOf("INFO") == before[i]) return false;
      return Idle();
    });
  }
  bool Idle() {
    for (int i = 0; i < size(); ++i) {
      ControlConnection* connection = topology->Connection(IdOf(node(i)));
      if (connection == nullptr || connection->outstanding() > 0) return false;
    }
    return true;
  }
  // Its number in the picture.
  replication::NodeId IdOf(const ModelNode& which) const {
    for (const auto& shared : topology->shared())
      if (shared->address == which.address()) return shared->id;
    ADD_FAILURE() << "the node is not known";
    return 0;
  }
  uint64_t GenerationOf(const ModelNode& which) const {
    return topology->shared()[IdOf(which)]->generation.load();
  }
  const replication::Node* InPicture(const ModelNode& which) const {
    return topology->picture().Find(IdOf(which));
  }
  // It is gone: nobody listens, and its connections end.
  void TakeDown(ModelNode& which) {
    which.StopListening();
    which.CloseAll();
  }

  net::Loop loop;
  config::Settings settings;
  NotingCrew crew;
  std::unique_ptr<TopologyService> topology;
  std::unique_ptr<ScriptService> scripts;

 private:
  std::vector<std::unique_ptr<ModelNode>> nodes_;
};

}  // namespace control
