#include "replication/topology_tracker.h"

#include <algorithm>
#include <utility>

namespace replication {
namespace {

// Why what was known of a node's scripts is void, if two polls of it say so.
std::optional<std::string> KnowledgeVoid(const NodeFacts& before, const NodeFacts& now,
                                         bool* scripts_lost) {
  *scripts_lost = true;
  if (before.run_id != now.run_id)
    return "another process: run id " + before.run_id.substr(0, 8) + " became " +
           now.run_id.substr(0, 8);
  if (before.cached_scripts && now.cached_scripts && *now.cached_scripts < *before.cached_scripts)
    return "it holds fewer scripts than before";
  *scripts_lost = false;
  if (before.role != now.role)
    return "its role went from " + std::string(ToString(before.role)) + " to " +
           std::string(ToString(now.role));
  if (before.evicted_scripts && now.evicted_scripts &&
      *now.evicted_scripts > *before.evicted_scripts)
    return "it evicted scripts";
  return std::nullopt;
}

}  // namespace

TopologyTracker::TopologyTracker(const config::UpstreamSettings& upstream,
                                 const config::RoutingSettings& routing)
    : is_static_(upstream.discovery == config::Discovery::kStatic),
      max_lag_(routing.max_replica_lag),
      picture_(std::make_shared<Topology>()) {
  Events unsaid;
  for (const auto& address : upstream.nodes) {
    WatchAddress(address, &unsaid);
    members_.back().configured = true;
  }
}

std::vector<TopologyTracker::Watch> TopologyTracker::Watched() const {
  std::vector<Watch> watched;
  for (const Member& member : members_)
    if (!member.forgotten) watched.push_back({member.id, member.address});
  return watched;
}

std::string TopologyTracker::AddressOf(NodeId id) const {
  return id < members_.size() ? members_[id].address.ToString() : "?";
}

TopologyTracker::Member* TopologyTracker::Find(NodeId id) {
  return id < members_.size() && !members_[id].forgotten ? &members_[id] : nullptr;
}

const TopologyTracker::Member* TopologyTracker::FindAddress(const config::Address& address) const {
  for (const Member& member : members_)
    if (member.address == address) return &member;
  return nullptr;
}

void TopologyTracker::WatchAddress(const config::Address& address, Events* events) {
  if (address.port == 0 || address.host.empty() || address.host == "?") return;
  for (Member& member : members_) {
    if (member.address != address) continue;
    if (!member.forgotten) return;
    member.forgotten = false;  // an address keeps its number
    member.why_down.clear();
    events->push_back({Event::Kind::kNodeFound, member.id, "named by another node again"});
    return;
  }
  const auto watched =
      std::count_if(members_.begin(), members_.end(), [](const Member& m) { return !m.forgotten; });
  if (watched >= kMostWatched) return;
  Member member;
  member.id = static_cast<NodeId>(members_.size());
  member.address = address;
  events->push_back({Event::Kind::kNodeFound, member.id, "named by another node"});
  members_.push_back(std::move(member));
}

void TopologyTracker::FollowNames(const NodeFacts& facts, Events* events) {
  if (is_static_) return;
  if (facts.master) WatchAddress(*facts.master, events);
  for (const ReplicaFacts& replica : facts.replicas) WatchAddress(replica.address, events);
}

bool TopologyTracker::ForgetStrays(Events* events) {
  // Without a master nobody is left who would name its replicas: one of them may be the next.
  if (!picture_->master) return false;
  bool forgot = false;
  for (Member& member : members_) {
    if (member.configured || member.forgotten || member.up || member.why_down.empty()) continue;
    bool named = false;
    bool anyone_up = false;
    for (const Member& other : members_) {
      if (!other.up || !other.facts) continue;
      anyone_up = true;
      named = named || other.facts->master == member.address ||
              std::any_of(other.facts->replicas.begin(), other.facts->replicas.end(),
                          [&](const ReplicaFacts& r) { return r.address == member.address; });
    }
    if (named || !anyone_up) continue;
    member.forgotten = forgot = true;
    member.facts.reset();
    events->push_back({Event::Kind::kNodeForgotten, member.id, "no node names it any more"});
  }
  return forgot;
}

std::vector<Event> TopologyTracker::OnFacts(NodeId id, NodeFacts facts) {
  Events events;
  Member* member = Find(id);
  if (member == nullptr) return events;
  if (!member->up)
    events.push_back({Event::Kind::kNodeUp, id,
                      std::string(ToString(facts.role)) + ", version " + facts.version +
                          ", run id " + facts.run_id.substr(0, 8)});
  if (member->facts) {
    bool lost = false;
    if (const auto why = KnowledgeVoid(*member->facts, facts, &lost))
      events.push_back({Event::Kind::kRaiseNode, id, *why, lost});
  }
  member->up = true;
  member->why_down.clear();
  member->facts = facts;
  FollowNames(facts, &events);  // may move members_
  Redraw(&events);
  if (picture_->master == id) {
    if (const auto why = attach_.Observe(facts))
      events.push_back({Event::Kind::kRaiseAll, id, *why});
  }
  return events;
}

std::vector<Event> TopologyTracker::OnBusy(NodeId id) {
  Events events;
  Member* member = Find(id);
  // Busy before it ever told who it is: there is nothing to keep.
  if (member == nullptr || member->facts) return events;
  return OnFailed(id, "busy with a script, and not known yet");
}

std::vector<Event> TopologyTracker::OnFailed(NodeId id, const std::string& why) {
  Events events;
  Member* member = Find(id);
  if (member == nullptr) return events;
  if (member->up || member->why_down != why) events.push_back({Event::Kind::kNodeDown, id, why});
  const bool was_up = member->up;
  member->up = false;
  member->why_down = why;
  if (picture_->master == id) attach_.Missed();
  if (was_up) events.push_back({Event::Kind::kRaiseNode, id, "lost: " + why});
  Redraw(&events);
  if (ForgetStrays(&events)) Redraw(&events);
  return events;
}

bool TopologyTracker::IsAlias(const Member& member) const {
  if (!member.facts) return false;
  for (const Member& other : members_) {
    if (other.id == member.id || other.forgotten || !other.up || !other.facts) continue;
    if (other.facts->run_id != member.facts->run_id) continue;
    if (other.configured != member.configured) return other.configured;
    if (other.id < member.id) return true;
  }
  return false;
}

const TopologyTracker::Member* TopologyTracker::ChooseMaster(Events* events,
                                                             std::string* why_none) {
  std::vector<const Member*> masters;
  std::string downs;
  for (const Member& member : members_) {
    if (member.forgotten) continue;
    if (is_static_ && member.id != 0) break;
    if (!member.up) {
      if (!member.why_down.empty())
        downs += (downs.empty() ? "" : "; ") + member.address.ToString() + ": " + member.why_down;
      continue;
    }
    if (member.facts->role == Role::kMaster && !IsAlias(member)) masters.push_back(&member);
    if (is_static_ && member.facts->role != Role::kMaster)
      downs = member.address.ToString() + " is configured as the master, but says that it is a " +
              std::string(ToString(member.facts->role));
  }
  if (masters.empty()) {
    *why_none = downs.empty() ? "no node says that it is a master" : downs;
    masters_told_.clear();
    return nullptr;
  }
  const Member* best = masters.front();
  for (const Member* other : masters) {
    const uint64_t a = best->facts->offset;
    const uint64_t b = other->facts->offset;
    if (b > a || (b == a && picture_->master == other->id)) best = other;
  }
  std::string told;
  if (masters.size() > 1) {
    for (const Member* master : masters)
      told += (told.empty() ? "" : ", ") + master->address.ToString();
    if (told != masters_told_)
      events->push_back({Event::Kind::kTwoMasters, best->id,
                         told + " all say that they are masters; taking " +
                             best->address.ToString() + ", whose replication offset is higher"});
  }
  masters_told_ = told;
  if (best->facts->loading) {
    *why_none = best->address.ToString() + " is loading its dataset";
    return nullptr;
  }
  return best;
}

std::string TopologyTracker::WhyNotReadable(const Member& member, const Member* master) const {
  if (!member.up) return member.why_down.empty() ? "not asked yet" : member.why_down;
  const NodeFacts& facts = *member.facts;
  if (facts.role != Role::kReplica) return "it is no replica";
  if (master == nullptr) return "there is no master";
  if (facts.loading) return "it is loading its dataset";
  if (!facts.link_up) return "its link to the master is down";
  if (!facts.replid.empty() && !master->facts->replid.empty() &&
      facts.replid != master->facts->replid)
    return "it replicates another master";
  if (max_lag_.count() > 0) {
    for (const ReplicaFacts& listed : master->facts->replicas) {
      const Member* at = FindAddress(listed.address);
      const bool same = at != nullptr && at->facts && at->facts->run_id == facts.run_id;
      if (same && listed.lag_seconds && std::chrono::seconds(*listed.lag_seconds) > max_lag_)
        return "the master last heard of it " + std::to_string(*listed.lag_seconds) + " s ago";
    }
  }
  return "";
}

void TopologyTracker::Redraw(Events* events) {
  auto next = std::make_shared<Topology>();
  const Member* master = ChooseMaster(events, &next->why_no_master);
  if (master != nullptr) next->master = master->id;
  for (const Member& member : members_) {
    if (member.forgotten || IsAlias(member)) continue;
    Node node;
    node.id = member.id;
    node.address = member.address;
    node.up = member.up;
    if (member.facts) {
      node.run_id = member.facts->run_id;
      node.role = member.facts->role;
      node.version = member.facts->version;
      node.evicts = member.facts->evicts();
      node.leaves_lying = member.facts->leaves_lying();
    }
    if (&member != master) {
      node.why_not = WhyNotReadable(member, master);
      node.readable = node.why_not.empty();
    }
    next->nodes.push_back(std::move(node));
  }
  if (next->master == picture_->master && next->why_no_master == picture_->why_no_master &&
      next->nodes == picture_->nodes)
    return;

  if (next->master != picture_->master && master != nullptr)
    events->push_back({Event::Kind::kMasterIs, master->id, "it says so itself"});
  if (!next->master && next->why_no_master != picture_->why_no_master)
    events->push_back({Event::Kind::kNoMaster, 0, next->why_no_master});
  for (const Node& node : next->nodes) {
    const Node* before = picture_->Find(node.id);
    const bool was = before != nullptr && before->readable;
    if (node.readable && !was) events->push_back({Event::Kind::kReadable, node.id, "link up"});
    if (!node.readable && was && next->master != node.id)
      events->push_back({Event::Kind::kNotReadable, node.id, node.why_not});
  }
  next->epoch = picture_->epoch + 1;
  picture_ = std::move(next);
}

}  // namespace replication
