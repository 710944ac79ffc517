#include "replication/script_cache.h"

namespace replication {

bool ScriptCache::Enter(uint64_t generation) {
  if (generation == generation_) return false;
  generation_ = generation;
  if (entries_.empty()) return false;
  entries_.clear();
  fifo_.clear();
  known_ = 0;
  return true;
}

ScriptCache::State ScriptCache::Of(const Sha1& sha, LaneId lane) const {
  const auto it = entries_.find(sha);
  if (it == entries_.end()) return State::kUnknown;
  if (it->second.known) return State::kKnown;
  return it->second.lane == lane ? State::kRiding : State::kUnknown;
}

void ScriptCache::BeginLoading(const Sha1& sha, LaneId lane) {
  // The first lane that carries a body is the one that calls may ride on; others send their own.
  entries_.try_emplace(sha, Entry{false, lane, 0});
}

void ScriptCache::EndLoading(const Sha1& sha, LaneId lane) {
  const auto it = entries_.find(sha);
  if (it != entries_.end() && !it->second.known && it->second.lane == lane) entries_.erase(it);
}

bool ScriptCache::MarkKnown(const Sha1& sha, uint64_t generation) {
  if (generation != generation_) return false;
  Entry& entry = entries_[sha];
  if (entry.known) return false;
  entry.known = true;
  entry.order = next_order_++;
  fifo_.emplace_back(sha, entry.order);
  if (++known_ > capacity_) DropOldest();
  if (fifo_.size() > 2 * capacity_ + 16) {
    std::erase_if(fifo_, [this](const auto& note) {
      const auto it = entries_.find(note.first);
      return it == entries_.end() || it->second.order != note.second;
    });
  }
  return true;
}

void ScriptCache::Forget(const Sha1& sha) {
  const auto it = entries_.find(sha);
  if (it == entries_.end()) return;
  if (it->second.known) --known_;
  entries_.erase(it);
}

void ScriptCache::DropOldest() {
  while (!fifo_.empty()) {
    const auto [sha, order] = fifo_.front();
    fifo_.pop_front();
    const auto it = entries_.find(sha);
    if (it == entries_.end() || it->second.order != order) continue;  // forgotten meanwhile
    entries_.erase(it);
    --known_;
    return;
  }
}

std::vector<Sha1> ScriptCache::Known() const {
  std::vector<Sha1> known;
  known.reserve(known_);
  for (const auto& [sha, entry] : entries_)
    if (entry.known) known.push_back(sha);
  return known;
}

}  // namespace replication
