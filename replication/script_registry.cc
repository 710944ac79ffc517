#include "replication/script_registry.h"

#include <algorithm>
#include <utility>

namespace replication {

bool SaysNoWrites(std::string_view body) {
  // The server's own reading: the line ends in a line feed, the engine is exactly "#!lua", options
  // are separated by blanks, and the only option is flags=a,b,c.
  if (!body.starts_with("#!lua")) return false;
  const size_t end = body.find('\n');
  if (end == std::string_view::npos) return false;
  std::string_view line = body.substr(5, end - 5);
  if (!line.empty() && line[0] != ' ') return false;
  bool found = false;
  while (!line.empty()) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    const size_t stop = std::min(line.find(' ', begin), line.size());
    std::string_view option = line.substr(begin, stop - begin);
    line.remove_prefix(stop);
    if (!option.starts_with("flags=")) return false;
    option.remove_prefix(6);
    while (!option.empty()) {
      const size_t comma = std::min(option.find(','), option.size());
      if (option.substr(0, comma) == "no-writes") found = true;
      option.remove_prefix(std::min(comma + 1, option.size()));
    }
  }
  return found;
}

bool SaysNoScript(std::string_view body) {
  return body.find("NOSCRIPT") != std::string_view::npos;
}

ScriptBody::ScriptBody(std::string body)
    : sha(Sha1::Of(body)),
      text(std::move(body)),
      no_writes(SaysNoWrites(text)),
      says_noscript(SaysNoScript(text)) {}

const ScriptRef* ScriptRegistry::Find(const Sha1& sha) const {
  const auto it = scripts_.find(sha);
  return it == scripts_.end() ? nullptr : &it->second;
}

bool ScriptRegistry::Add(ScriptRef script, uint64_t epoch) {
  if (epoch < epoch_) return false;
  Flush(epoch);
  const uint64_t bytes = script->text.size();
  const Sha1 sha = script->sha;
  if (!scripts_.emplace(sha, std::move(script)).second) return false;
  bytes_ += bytes;
  return true;
}

bool ScriptRegistry::Remove(const Sha1& sha) {
  const auto it = scripts_.find(sha);
  if (it == scripts_.end()) return false;
  bytes_ -= it->second->text.size();
  scripts_.erase(it);
  return true;
}

void ScriptRegistry::Flush(uint64_t epoch) {
  if (epoch <= epoch_) return;
  epoch_ = epoch;
  scripts_.clear();
  bytes_ = 0;
}

std::vector<Sha1> ScriptRegistry::Victims(uint64_t most_bytes) const {
  std::vector<Sha1> victims;
  if (bytes_ <= most_bytes) return victims;
  std::vector<std::pair<uint64_t, const ScriptBody*>> by_use;
  by_use.reserve(scripts_.size());
  for (const auto& [sha, script] : scripts_)
    by_use.emplace_back(script->last_used.load(std::memory_order_relaxed), script.get());
  std::sort(by_use.begin(), by_use.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second->sha < b.second->sha;
  });
  uint64_t left = bytes_;
  for (const auto& [used, script] : by_use) {
    if (left <= most_bytes) break;
    left -= script->text.size();
    victims.push_back(script->sha);
  }
  return victims;
}

std::vector<ScriptRef> ScriptRegistry::All() const {
  std::vector<ScriptRef> all;
  all.reserve(scripts_.size());
  for (const auto& [sha, script] : scripts_) all.push_back(script);
  return all;
}

}  // namespace replication
