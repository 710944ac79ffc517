#include "proxy/control/topology_service.h"

#include <utility>

#include "proxy/base/log.h"

namespace control {
namespace {

using replication::Event;

bool HasFlag(const ReplyTree& flags, const char* word) {
  for (const ReplyTree& flag : flags.elements)
    if (flag.text == word) return true;
  return false;
}

void AddCommand(const ReplyTree& row, std::vector<resp::ServerCommand>* commands) {
  if (row.elements.size() < 3 || row.elements[0].text.empty()) return;
  const ReplyTree& flags = row.elements[2];
  commands->push_back({row.elements[0].text, HasFlag(flags, "readonly"), HasFlag(flags, "blocking"),
                       static_cast<int>(row.elements[1].integer), HasFlag(flags, "write")});
  // From 7.0 on a container lists its subcommands.
  if (row.elements.size() > 9)
    for (const ReplyTree& sub : row.elements[9].elements) AddCommand(sub, commands);
}

}  // namespace

std::vector<resp::ServerCommand> ParseCommands(const ReplyTree& reply) {
  std::vector<resp::ServerCommand> commands;
  for (const ReplyTree& row : reply.elements) AddCommand(row, &commands);
  return commands;
}

TopologyService::TopologyService(net::Loop& loop, const config::Settings& settings, Crew& crew)
    : loop_(loop),
      settings_(settings),
      crew_(crew),
      tracker_(settings.upstream, settings.routing),
      burial_(loop, [this] { gone_.clear(); }) {}

TopologyService::~TopologyService() = default;

void TopologyService::Start() {
  SyncMonitors();
}

void TopologyService::AskNow() {
  for (const auto& monitor : monitors_)
    if (monitor != nullptr) monitor->PollNow();
}

ControlConnection* TopologyService::Connection(replication::NodeId id) {
  return Watches(id) ? monitors_[id]->connection() : nullptr;
}

void TopologyService::Flush(replication::NodeId id, std::function<void(bool flushed)> done) {
  if (Watches(id)) {
    monitors_[id]->Flush(std::move(done));
  } else {
    done(false);
  }
}

void TopologyService::OweFlush(replication::NodeId id) {
  shared_[id]->owes_flush.store(true);
}

void TopologyService::Watch(replication::NodeId id, const config::Address& address) {
  monitors_[id] = std::make_unique<NodeMonitor>(
      loop_, address, settings_.upstream, shared_[id],
      NodeMonitor::Reports{
          [this, id](replication::NodeFacts facts) { Act(tracker_.OnFacts(id, std::move(facts))); },
          [this, id] { Act(tracker_.OnBusy(id)); },
          [this, id](const std::string& why) { Act(tracker_.OnFailed(id, why)); },
          [this, id] { RaiseNode(id, "it was flushed, as it should have been before", true); }},
      tls_);
}

void TopologyService::SyncMonitors() {
  std::vector<bool> watched(monitors_.size(), false);
  for (const auto& watch : tracker_.Watched()) {
    const auto id = watch.id;
    if (id >= monitors_.size()) {
      monitors_.resize(id + 1);
      watched.resize(id + 1, false);
    }
    while (shared_.size() <= id)
      shared_.push_back(std::make_shared<backend::NodeShared>(
          static_cast<replication::NodeId>(shared_.size()), config::Address{}));
    if (shared_[id]->address != watch.address)
      shared_[id] = std::make_shared<backend::NodeShared>(id, watch.address);
    watched[id] = true;
    if (monitors_[id] == nullptr) Watch(id, watch.address);
  }
  for (size_t id = 0; id < monitors_.size(); ++id) {
    if (watched[id] || monitors_[id] == nullptr) continue;
    // Not by letter: a stream reads the mailbox before it reads its socket, and may be its own.
    monitors_[id]->End();
    gone_.push_back(std::move(monitors_[id]));
    burial_.StartOnce(0);
  }
}

void TopologyService::RaiseAll(const std::string& why) {
  for (const auto& node : shared_) node->Raise();
  base::log::WriteWithin(lines_, loop_.now_ms(), base::log::Level::kInfo, "attach.seen",
                         "a replica attached: what was known of every node's scripts is void",
                         {{"why", why}, {"nodes", uint64_t{tracker_.picture()->nodes.size()}}});
}

void TopologyService::RaiseNode(replication::NodeId id, const std::string& why, bool scripts_lost) {
  if (id >= shared_.size()) return;
  backend::NodeShared& node = *shared_[id];
  if (scripts_lost) node.ProvenLost(node.generation.load());
  const uint64_t generation = node.Raise();
  base::log::WriteWithin(lines_, loop_.now_ms(), base::log::Level::kInfo, "generation.raised",
                         "what was known of the node's scripts is void",
                         {{"node", node.name}, {"generation", generation}, {"why", why}});
}

void TopologyService::Say(const Event& event) {
  const std::string node = tracker_.AddressOf(event.node);
  switch (event.kind) {
    case Event::Kind::kNodeFound:
      base::log::Info("node.found", "watching a node", {{"node", node}, {"why", event.words}});
      break;
    case Event::Kind::kNodeForgotten:
      base::log::Info("node.forgotten", "no longer watching a node",
                      {{"node", node}, {"why", event.words}});
      break;
    case Event::Kind::kNodeUp:
      base::log::Info("node.up", event.words, {{"node", node}});
      break;
    case Event::Kind::kNodeDown:
      base::log::Warn("node.down", event.words, {{"node", node}});
      break;
    case Event::Kind::kMasterIs:
      base::log::Info("topology.changed", "the master is " + node,
                      {{"epoch", tracker_.picture()->epoch}, {"why", event.words}});
      break;
    case Event::Kind::kNoMaster:
      base::log::Warn("topology.changed", "there is no master",
                      {{"epoch", tracker_.picture()->epoch}, {"why", event.words}});
      break;
    case Event::Kind::kTwoMasters:
      base::log::Error("topology.two_masters", event.words);
      break;
    case Event::Kind::kReadable:
      base::log::Info("replica.readable", "a replica may be read",
                      {{"node", node}, {"epoch", tracker_.picture()->epoch}});
      break;
    case Event::Kind::kNotReadable:
      base::log::Warn("replica.not_readable", "a replica may not be read",
                      {{"node", node}, {"why", event.words}});
      break;
    case Event::Kind::kRaiseNode:
    case Event::Kind::kRaiseAll:
      break;  // said where it is done
  }
}

void TopologyService::Act(const std::vector<Event>& events) {
  for (const Event& event : events) {
    Say(event);
    if (event.kind == Event::Kind::kRaiseNode)
      RaiseNode(event.node, event.words, event.scripts_lost);
    if (event.kind == Event::Kind::kRaiseAll) RaiseAll(event.words);
  }
  SyncMonitors();
  if (told_ != tracker_.picture()) {
    told_ = tracker_.picture();
    crew_.TellPicture(told_, shared_);
  }
  AskForCommands();
}

void TopologyService::AskForCommands() {
  const replication::Node* master = picture().Master();
  if (master == nullptr || master->run_id == commands_of_) return;
  ControlConnection* connection = Connection(master->id);
  if (connection == nullptr) return;
  commands_of_ = master->run_id;
  connection->Ask({"COMMAND"}, [this, name = master->address.ToString(),
                                run_id = master->run_id](const ReplyTree* answer) {
    if (commands_of_ != run_id) return;  // another one is the master by now
    auto commands = answer == nullptr ? std::vector<resp::ServerCommand>{} : ParseCommands(*answer);
    if (commands.empty()) {
      commands_of_.clear();  // asked again with the next poll
      if (unknown_told_ != run_id)
        base::log::Warn("commands.unknown", "the master did not tell its commands; all go to it",
                        {{"node", name}});
      unknown_told_ = run_id;
      return;
    }
    base::log::Debug("commands.told", "the master told its commands",
                     {{"node", name}, {"commands", uint64_t{commands.size()}}});
    crew_.TellTable(std::make_shared<const resp::CommandTable>(commands));
  });
}

}  // namespace control
