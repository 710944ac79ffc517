// lua_scripts: sha1 -> body. Every script that a node has accepted from anybody who came through
// us, so that any node can be given it at any time.
//
// Redis keeps such a table inside each server; its name is kept here for the same thing, one level
// further out. It is emptied by SCRIPT FLUSH only: not when a replica attaches, not when a node
// restarts, or nothing could be rewritten any more.
//
// Each worker has a registry of its own and hears of every change, so that a lookup takes no lock.
// The bodies are shared: one copy in memory, however many workers, nodes and calls in flight. One
// more registry, kept by the control thread, decides which bodies go when they exceed max_memory
// (Victims()); workers only follow.
//
// A SCRIPT FLUSH has a number, the epoch. What was sent before a flush and answered after it
// teaches nothing: an old "learned" cannot undo a flush.
//
// No socket, clock or thread: one owner calls it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "replication/sha1.h"

namespace replication {

// One script, immutable but for the note of its last use, which any worker may make.
struct ScriptBody {
  // Computes the name, and reads the flags of a `#!lua` line.
  explicit ScriptBody(std::string body);

  const Sha1 sha;
  const std::string text;
  // `#!lua flags=no-writes`: it may run on a replica.
  const bool no_writes;
  // The word is in it, so NOSCRIPT may be its own answer.
  const bool says_noscript;
  // A number that grows with time (whoever uses the script chooses it); the least goes first.
  mutable std::atomic<uint64_t> last_used{0};
};

using ScriptRef = std::shared_ptr<const ScriptBody>;

// Does the body's first line say `#!lua flags=...,no-writes,...`? Then no node lets it write.
bool SaysNoWrites(std::string_view body);
// Can the body answer NOSCRIPT itself? A word that it puts together or is given is not seen.
bool SaysNoScript(std::string_view body);

class ScriptRegistry {
 public:
  // The body, or null. The pointer is good until the next change.
  const ScriptRef* Find(const Sha1& sha) const;

  // A node accepted `script`, which was sent under `epoch`. False if that changes nothing: it is
  // there already, or a flush came between. An epoch ahead of ours is a flush that we hear of now.
  bool Add(ScriptRef script, uint64_t epoch);
  bool Remove(const Sha1& sha);
  // SCRIPT FLUSH number `epoch`. An old one is no news.
  void Flush(uint64_t epoch);

  uint64_t epoch() const { return epoch_; }
  size_t size() const { return scripts_.size(); }
  // Bytes of all bodies.
  uint64_t bytes() const { return bytes_; }

  // The least recently used scripts that must go so that at most `most_bytes` stay.
  std::vector<Sha1> Victims(uint64_t most_bytes) const;
  // All scripts, in no order.
  std::vector<ScriptRef> All() const;

 private:
  std::unordered_map<Sha1, ScriptRef, Sha1Hash> scripts_;
  uint64_t bytes_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace replication
