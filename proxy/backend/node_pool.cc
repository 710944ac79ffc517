#include "proxy/backend/node_pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/base/log.h"

namespace backend {
namespace {

template <typename Places, typename Get>
auto FindConnection(Places& places, const Connection& connection, Get get) {
  return std::find_if(places.begin(), places.end(),
                      [&](auto& place) { return get(place).get() == &connection; });
}

}  // namespace

NodePool::NodePool(PoolContext& context, NodeSharedRef shared)
    : context_(context),
      shared_(std::move(shared)),
      scripts_(replication::ScriptCache::kDefaultCapacity, &shared_->bodies) {}

NodePool::~NodePool() {
  CloseAll();
}

void NodePool::RaiseGeneration(const std::string& why) {
  const uint64_t generation = shared_->Raise();
  context_.counters.generations_raised.Add();
  // A process that dies takes many connections with it: one line is enough.
  const uint64_t now = context_.loop.now_ms();
  if (last_raise_logged_ms_ != 0 && now - last_raise_logged_ms_ < 1000) {
    base::log::Debug("generation.raised", "what was known of the node's scripts is void",
                     {{"node", shared_->name}, {"generation", generation}, {"why", why}});
    return;
  }
  last_raise_logged_ms_ = now;
  base::log::Info("generation.raised", "what was known of the node's scripts is void",
                  {{"node", shared_->name}, {"generation", generation}, {"why", why}});
}

replication::ScriptCache& NodePool::Scripts() {
  scripts_.Enter(shared_->generation.load(std::memory_order_acquire));
  return scripts_;
}

bool NodePool::ExposedSent(uint64_t generation) {
  const size_t place = generation % NodeShared::kPlaces;
  if (exposed_[place]++ == 0) shared_->exposed[place].fetch_add(1);
  // Noted first, looked at then. Another worker that finds a loss raises the generation first and
  // looks for exposed calls then, before it gives a script back: one of the two sees the other.
  if (shared_->generation.load() == generation) return true;
  ExposedAnswered(generation);
  return false;
}

void NodePool::ExposedAnswered(uint64_t generation) {
  const size_t place = generation % NodeShared::kPlaces;
  if (--exposed_[place] == 0) shared_->exposed[place].fetch_sub(1, std::memory_order_release);
}

void NodePool::SetNode(const replication::Node& node) {
  run_id_ = node.run_id;
  evicts_ = node.evicts;
  leaves_lying_ = node.leaves_lying;
}

bool NodePool::connect_blocked() const {
  return context_.loop.now_ms() < retry_at_ms_;
}

std::unique_ptr<Connection> NodePool::Connect(const ConnectionKey& key, bool ask_run_id) {
  ConnectionOwner& self = *this;
  return std::make_unique<Connection>(context_.loop, context_.next_lane_id++, shared_->address, key,
                                      context_.settings.connect_timeout, ask_run_id, self,
                                      context_.tls);
}

Connection* NodePool::Lane(const ConnectionKey& key) {
  auto group =
      std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.key == key; });
  if (group == groups_.end()) {
    if (connect_blocked()) return nullptr;
    groups_.push_back(Group{key, {}, 0});
    groups_.back().lanes.resize(context_.settings.lanes);
    group = groups_.end() - 1;
  }
  group->used_ms = context_.loop.now_ms();
  if (!key.paused && WritesPaused()) RetireLanesWithWrites(*group);
  std::unique_ptr<Connection>* best = nullptr;
  for (auto& lane : group->lanes) {
    if (lane == nullptr) {
      if (connect_blocked()) continue;
      best = &lane;
      break;
    }
    if (lane->closed()) continue;  // it is just being buried
    if (best == nullptr || lane->outstanding() < (*best)->outstanding()) best = &lane;
  }
  if (best == nullptr) return nullptr;
  if (*best == nullptr) *best = Connect(key, true);
  return best->get();
}

void NodePool::RetireLane(Connection& lane) {
  for (Group& group : groups_) {
    for (auto& place : group.lanes) {
      if (place.get() != &lane) continue;
      retired_.push_back(std::move(place));
      return;
    }
  }
}

void NodePool::RetireLanesWithWrites(Group& group) {
  for (auto& lane : group.lanes)
    if (lane != nullptr && lane->may_write()) retired_.push_back(std::move(lane));
}

bool NodePool::IsCurrent(const Connection& lane) const {
  for (const Group& group : groups_)
    for (const auto& place : group.lanes)
      if (place.get() == &lane) return true;
  return false;
}

bool NodePool::MakeRoomForLease(bool beyond) {
  auto& used = context_.budget.used;
  if (used.fetch_add(1) < context_.settings.max_dedicated || beyond) return true;
  used.fetch_sub(1);
  if (idle_.empty()) return false;
  // One of another kind lies idle: its place is taken over, and so is its share of the budget.
  Bury(std::move(idle_.front().connection));
  idle_.erase(idle_.begin());
  return true;
}

Connection* NodePool::TakeLease(const ConnectionKey& key, LeaseHolder& holder, bool beyond) {
  const auto idle = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& i) {
    return i.connection->key() == key && !i.connection->closed();
  });
  std::unique_ptr<Connection> connection;
  if (idle != idle_.rend()) {
    connection = std::move(idle->connection);
    idle_.erase(std::next(idle).base());
  } else {
    if (connect_blocked() || !MakeRoomForLease(beyond)) return nullptr;
    connection = Connect(key, false);
  }
  context_.counters.leases_taken.Add();
  lent_.push_back(Lent{std::move(connection), &holder});
  return lent_.back().connection.get();
}

void NodePool::ReturnLease(Connection& lease, bool clean) {
  const auto lent = FindConnection(
      lent_, lease, [](Lent & l) -> auto& { return l.connection; });
  if (lent == lent_.end()) return;  // it broke, and OnClosed() took it
  std::unique_ptr<Connection> connection = std::move(lent->connection);
  lent_.erase(lent);
  if (clean && !connection->closed() && connection->outstanding() == 0) {
    idle_.push_back(Idle{std::move(connection), context_.loop.now_ms()});
    return;
  }
  context_.budget.used.fetch_sub(1);
  Bury(std::move(connection));
}

void NodePool::OnReady(Connection& connection, const std::string& run_id) {
  backoff_ms_ = 0;
  retry_at_ms_ = 0;
  if (connection.key().identity->anonymous) wants_auth_ = connection.told_noauth();
  const bool is_lane = IsCurrent(connection);
  if (!is_lane) return;  // leases never carry a bare EVALSHA
  if (run_id.empty()) {
    RaiseGeneration("a new connection, and the node does not say which process it is");
  } else if (!run_id_.empty() && run_id != run_id_) {
    RaiseGeneration("a new connection leads to another process, run id " + run_id.substr(0, 8));
    run_id_ = run_id;
    context_.suspect();
  }
}

void NodePool::OnProgress(Connection& connection) {
  for (Lent& lent : lent_) {
    if (lent.connection.get() != &connection) continue;
    lent.holder->OnLeaseProgress(connection);
    return;
  }
}

void NodePool::OnClosed(Connection& connection, Ending ending, const std::string& why) {
  if (ending == Ending::kLost) {
    RaiseGeneration("a connection was lost: " + why);
  } else if (ending == Ending::kNotConnected) {
    backoff_ms_ = std::clamp(2 * backoff_ms_, kFirstBackoffMs, kMostBackoffMs);
    retry_at_ms_ = context_.loop.now_ms() + backoff_ms_;
    base::log::Debug("node.connect_failed", why, {{"node", shared_->name}});
  }
  for (Group& group : groups_) {
    for (auto& lane : group.lanes)
      if (lane.get() == &connection) Bury(std::move(lane));
  }
  if (const auto at = FindConnection(
          retired_, connection, [](auto& c) -> auto& { return c; });
      at != retired_.end()) {
    Bury(std::move(*at));
    retired_.erase(at);
  }
  if (const auto at = FindConnection(
          idle_, connection, [](Idle & i) -> auto& { return i.connection; });
      at != idle_.end()) {
    Bury(std::move(at->connection));
    idle_.erase(at);
    context_.budget.used.fetch_sub(1);
  }
  if (const auto at = FindConnection(
          lent_, connection, [](Lent & l) -> auto& { return l.connection; });
      at != lent_.end()) {
    LeaseHolder* holder = at->holder;
    Bury(std::move(at->connection));
    lent_.erase(at);
    context_.budget.used.fetch_sub(1);
    holder->OnLeaseLost(connection, why);
  }
  if (ending == Ending::kLost || ending == Ending::kNotConnected) context_.suspect();
}

void NodePool::Bury(std::unique_ptr<Connection> connection) {
  if (connection == nullptr) return;
  connection->Close("closed by the proxy");
  graveyard_.push_back(std::move(connection));
}

size_t NodePool::outstanding() const {
  size_t n = 0;
  for (const Group& group : groups_)
    for (const auto& lane : group.lanes)
      if (lane != nullptr) n += lane->outstanding();
  return n;
}

size_t NodePool::lanes_open() const {
  size_t n = retired_.size();
  for (const Group& group : groups_)
    for (const auto& lane : group.lanes) n += lane != nullptr ? 1 : 0;
  return n;
}

void NodePool::RetireStuckLane() {
  // While one script runs the others only wait for it: one stuck lane at a time tells them apart.
  // One that only waits for the end of a pause is no such.
  const bool paused = WritesPaused();
  for (const auto& lane : retired_)
    if (lane->carries_script() && !(paused && lane->may_write())) return;
  for (Group& group : groups_) {
    for (auto& lane : group.lanes) {
      if (lane == nullptr || !lane->carries_script()) continue;
      if (paused && group.key.paused) continue;
      if (lane->state() != Connection::State::kReady || lane->oldest_age_ms() < kStuckAfterMs)
        continue;
      base::log::Debug("lane.retired", "a script runs for long; new commands take another lane",
                       {{"node", shared_->name}});
      retired_.push_back(std::move(lane));
      return;
    }
  }
}

bool NodePool::SeesPausedWrites() const {
  const uint64_t answered_since = shared_->answered_since_ms.load(std::memory_order_relaxed);
  const uint64_t now = context_.loop.now_ms();
  const auto waits = [&](const std::unique_ptr<Connection>& lane) {
    if (lane == nullptr || lane->state() != Connection::State::kReady) return false;
    const uint64_t age = lane->oldest_age_ms();
    return age >= kStuckAfterMs && lane->oldest()->may_write && now - age < answered_since;
  };
  if (std::any_of(retired_.begin(), retired_.end(), waits)) return true;
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    return std::any_of(group.lanes.begin(), group.lanes.end(), waits);
  });
}

void NodePool::NudgeAll() {
  const auto nudge = [](const std::unique_ptr<Connection>& connection) {
    if (connection != nullptr && connection->may_be_left_lying()) connection->Nudge();
  };
  for (const Group& group : groups_)
    for (const auto& lane : group.lanes) nudge(lane);
  for (const auto& lane : retired_) nudge(lane);
  for (const Lent& lent : lent_) nudge(lent.connection);
}

void NodePool::OnTick() {
  graveyard_.clear();
  if (leaves_lying_) NudgeAll();
  const uint64_t now = context_.loop.now_ms();
  if (SeesPausedWrites()) PauseWrites(kPausedForMs);
  RetireStuckLane();
  for (size_t i = 0; i < retired_.size();) {
    if (retired_[i]->outstanding() > 0) {
      ++i;
      continue;
    }
    Bury(std::move(retired_[i]));
    retired_.erase(retired_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const auto idle_limit = static_cast<uint64_t>(context_.settings.dedicated_idle_timeout.count());
  for (size_t i = 0; i < idle_.size() && idle_limit > 0;) {
    if (now - idle_[i].since_ms < idle_limit) {
      ++i;
      continue;
    }
    Bury(std::move(idle_[i].connection));
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    context_.budget.used.fetch_sub(1);
  }
  for (size_t i = 0; i < groups_.size();) {
    Group& group = groups_[i];
    const bool busy = std::any_of(group.lanes.begin(), group.lanes.end(), [](const auto& lane) {
      return lane != nullptr && lane->outstanding() > 0;
    });
    if (busy || now - group.used_ms < kGroupIdleMs) {
      ++i;
      continue;
    }
    for (auto& lane : group.lanes) Bury(std::move(lane));
    groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void NodePool::CloseAll() {
  for (Group& group : groups_)
    for (auto& lane : group.lanes) Bury(std::move(lane));
  groups_.clear();
  for (auto& lane : retired_) Bury(std::move(lane));
  retired_.clear();
  for (Idle& idle : idle_) {
    Bury(std::move(idle.connection));
    context_.budget.used.fetch_sub(1);
  }
  idle_.clear();
  while (!lent_.empty()) {
    Lent lent = std::move(lent_.back());
    lent_.pop_back();
    context_.budget.used.fetch_sub(1);
    Connection& lease = *lent.connection;
    Bury(std::move(lent.connection));
    lent.holder->OnLeaseLost(lease, "closed by the proxy");
  }
}

}  // namespace backend
