#include "replication/script_cache.h"

namespace replication {

bool ScriptCache::Enter(uint64_t generation) {
  if (generation == generation_) return false;
  generation_ = generation;
  if (entries_.empty()) return false;
  entries_.clear();
  fifo_.clear();
  return true;
}

ScriptCache::Belief ScriptCache::About(const Sha1& sha, LaneId lane) const {
  const auto it = entries_.find(sha);
  if (it == entries_.end()) return {};
  const Entry& entry = it->second;
  if (entry.known) {
    const bool given = traffic_ != nullptr && traffic_->OnTheWay(sha);
    return {State::kKnown, given ? kNotYet : entry.loaded_at, entry.present_at};
  }
  return {entry.lane == lane ? State::kRiding : State::kUnknown, 0, 0};
}

void ScriptCache::BeginLoading(const Sha1& sha, LaneId lane) {
  // The first lane that carries a body is the one that calls may ride on; others send their own.
  entries_.try_emplace(sha, Entry{false, lane, 0, 0});
}

void ScriptCache::EndLoading(const Sha1& sha, LaneId lane) {
  const auto it = entries_.find(sha);
  if (it != entries_.end() && !it->second.known && it->second.lane == lane) entries_.erase(it);
}

bool ScriptCache::MarkKnown(const Sha1& sha, uint64_t generation, uint64_t sent_at, bool loaded) {
  if (generation != generation_) return false;
  Entry& entry = entries_[sha];
  if (entry.present_at < sent_at) entry.present_at = sent_at;
  if (loaded || !entry.known) entry.loaded_at = ++proofs_;
  if (entry.known) return false;
  entry.known = true;
  fifo_.push_back(sha);
  if (fifo_.size() > capacity_) {
    entries_.erase(fifo_.front());
    fifo_.pop_front();
  }
  return true;
}

std::vector<Sha1> ScriptCache::Known() const {
  return {fifo_.begin(), fifo_.end()};
}

}  // namespace replication
