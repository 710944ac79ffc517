#include "history_control.h"

#include <utility>

#include "history_judge.h"
#include "history_worker.h"
#include "history_world.h"

namespace history {
namespace {

using replication::Event;

config::UpstreamSettings Upstream(int nodes) {
  config::UpstreamSettings upstream;
  upstream.nodes.clear();
  for (int node = 0; node < nodes; ++node) upstream.nodes.push_back(AddressOf(node));
  return upstream;
}

}  // namespace

Control::Control(World& world)
    : world_(world),
      tracker_(Upstream(world.scenario().nodes), config::RoutingSettings()),
      links_(static_cast<size_t>(world.scenario().nodes)),
      polling_(links_.size()),
      owes_flush_(links_.size()) {}

void Control::DrainMail() {
  while (!mailbox_.empty()) {
    const auto letter = std::move(mailbox_.front());
    mailbox_.pop_front();
    letter();
  }
}

// --- Polls ---------------------------------------------------------------------------------------

Link* Control::Connection(int node) {
  return links_[static_cast<size_t>(node)];
}

void Control::Ask(Link& link, Request request, std::function<void(const Reply*)> answered) {
  link.Send({std::move(request), [answered](const Reply& reply) { answered(&reply); },
             [answered](bool) { answered(nullptr); }});
}

void Control::Poll(int node) {
  const auto at = static_cast<size_t>(node);
  const auto id = static_cast<replication::NodeId>(node);
  if (links_[at] == nullptr) {
    if (!world_.server(node).up) {
      Act(tracker_.OnFailed(id, "refused"));
      return;
    }
    links_[at] = &world_.Connect(-1, node, Link::Kind::kControl);
    links_[at]->closed = [this, at, id](bool) {
      links_[at] = nullptr;
      polling_[at] = false;
      Act(tracker_.OnFailed(id, "connection lost"));
    };
  }
  if (polling_[at]) return;
  polling_[at] = true;
  Link& link = *links_[at];
  if (!owes_flush_[at]) {
    AskInfo(node, link);
    return;
  }
  Request flush;
  flush.op.verb = Verb::kScriptFlush;
  Ask(link, flush, [this, node, &link](const Reply* reply) {
    if (reply == nullptr) return;
    if (reply->error.empty()) owes_flush_[static_cast<size_t>(node)] = false;
    AskInfo(node, link);
  });
}

void Control::AskInfo(int node, Link& link) {
  Request info;
  info.op.verb = Verb::kInfo;
  Ask(link, info, [this, node](const Reply* reply) {
    if (reply != nullptr) OnInfo(node, *reply);
  });
}

void Control::OnInfo(int node, const Reply& reply) {
  const auto id = static_cast<replication::NodeId>(node);
  polling_[static_cast<size_t>(node)] = false;
  if (reply.facts == nullptr) {
    Act(tracker_.OnBusy(id));
    return;
  }
  std::vector<uint64_t> before;
  for (int other = 0; other < world_.scenario().nodes; ++other)
    before.push_back(world_.generation(other));
  Act(tracker_.OnFacts(id, *reply.facts));
  if (tracker_.picture()->master == id) world_.judge().OnMastersFacts(node, reply.attached, before);
}

void Control::Act(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kRaiseNode)
      world_.Raise(static_cast<int>(event.node), event.words.c_str());
    if (event.kind == Event::Kind::kRaiseAll && world_.policy().raise_on_attach)
      for (int node = 0; node < world_.scenario().nodes; ++node)
        world_.Raise(node, event.words.c_str());
  }
  if (told_ == tracker_.picture()) return;
  told_ = tracker_.picture();
  TellPicture();
}

void Control::TellPicture() {
  for (const auto& worker : world_.workers())
    worker->Post([to = worker.get(), picture = told_] { to->TakePicture(picture); });
}

// --- Scripts -------------------------------------------------------------------------------------

void Control::OnLearned(ScriptId script, uint64_t epoch) {
  registry_.Add(Scripts()[static_cast<size_t>(script)].body, epoch);
}

void Control::Distribute(int worker, ScriptId script, uint64_t epoch, std::function<void()> done) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = [this, worker, done = std::move(done)] {
    world_.workers()[static_cast<size_t>(worker)]->Post(done);
  };
  const bool current = epoch == registry_.epoch() || !world_.policy().distribute_only_in_epoch;
  for (const auto& node : tracker_.picture()->nodes) {
    const int at = static_cast<int>(node.id);
    Link* link = Connection(at);
    if (!current || tracker_.picture()->master == node.id || !node.up || link == nullptr) continue;
    const uint64_t generation = world_.generation(at);
    ++gathering->expected;
    Request load;
    load.op = {Verb::kScriptLoad, script, false, false};
    load.carried = Carried::kByProxy;
    Ask(*link, load, [this, at, generation, script, gathering](const Reply* reply) {
      if (reply != nullptr && reply->error.empty())
        for (const auto& to : world_.workers())
          to->Post(
              [w = to.get(), at, generation, script] { w->TakeKnown(at, generation, script); });
      gathering->Answered();
    });
  }
  gathering->Answered();
}

void Control::FlushEverywhere(int worker, std::function<void()> done) {
  flushes_.push_back({worker, std::move(done)});
  if (flushes_.size() == 1) BeginFlush();
}

void Control::BeginFlush() {
  const uint64_t epoch = registry_.epoch() + 1;
  registry_.Flush(epoch);
  world_.Trace("  flush " + std::to_string(epoch) + " begins");
  const auto forgotten = std::make_shared<Gathering>();
  forgotten->done = [this] { FlushNodes(); };
  for (const auto& worker : world_.workers()) {
    ++forgotten->expected;
    worker->Post([this, to = worker.get(), epoch, forgotten] {
      to->TakeFlush(epoch, [this, forgotten] { Post([forgotten] { forgotten->Answered(); }); });
    });
  }
  forgotten->Answered();
}

void Control::FlushNodes() {
  for (int node = 0; node < world_.scenario().nodes; ++node) world_.Raise(node, "flush");
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = [this] { EndFlush(); };
  for (int node = 0; node < world_.scenario().nodes; ++node) {
    if (!world_.policy().flush_nodes) continue;
    Link* link = Connection(node);
    owes_flush_[static_cast<size_t>(node)] = true;
    if (link == nullptr) continue;
    ++gathering->expected;
    Request flush;
    flush.op.verb = Verb::kScriptFlush;
    Ask(*link, flush, [this, node, gathering](const Reply* reply) {
      if (reply != nullptr && reply->error.empty()) owes_flush_[static_cast<size_t>(node)] = false;
      gathering->Answered();
    });
  }
  gathering->Answered();
}

void Control::EndFlush() {
  for (int node = 0; node < world_.scenario().nodes; ++node) world_.Raise(node, "flushed");
  const Flush flush = std::move(flushes_.front());
  flushes_.pop_front();
  world_.workers()[static_cast<size_t>(flush.worker)]->Post(flush.done);
  if (!flushes_.empty()) BeginFlush();
}

std::string Control::Words() const {
  std::string words = "control: flushes " + std::to_string(flushes_.size());
  for (size_t node = 0; node < links_.size(); ++node)
    words += std::string(polling_[node] ? ", polling n" : ", n") + std::to_string(node) +
             (owes_flush_[node] ? " owes" : "");
  return words;
}

}  // namespace history
