#include "tests/support/counts.h"

#include <algorithm>
#include <sstream>

#include "tests/support/scripts.h"

namespace support {

CommandCounts::CommandCounts(RedisProcess& node) : node_(&node), before_(Calls()) {}

CommandCounts CommandCounts::SinceStart(RedisProcess& node) {
  CommandCounts counts(node);
  counts.before_.clear();
  return counts;
}

std::map<std::string, int64_t> CommandCounts::Calls() const {
  constexpr std::string_view kPrefix = "cmdstat_";
  std::map<std::string, int64_t> calls;
  std::istringstream info(node_->Ask({"INFO", "commandstats"}).text);
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(":calls=");
    if (!line.starts_with(kPrefix) || colon == std::string::npos) continue;
    calls[line.substr(kPrefix.size(), colon - kPrefix.size())] =
        std::atoll(line.c_str() + colon + 7);
  }
  return calls;
}

int64_t CommandCounts::operator()(const std::string& command) const {
  return (*this)(std::vector<std::string>{command});
}

int64_t CommandCounts::operator()(const std::vector<std::string>& commands) const {
  const auto now = Calls();
  int64_t sum = 0;
  for (const auto& command : commands) {
    const auto at = now.find(command);
    const auto before = before_.find(command);
    sum += (at == now.end() ? 0 : at->second) - (before == before_.end() ? 0 : before->second);
  }
  return sum;
}

Monitor::Monitor(RedisProcess& node, int master_port)
    : node_(node), from_master_(":" + std::to_string(master_port)), tap_(node.Connect()) {
  if (tap_("MONITOR") != "+OK") throw std::runtime_error("MONITOR is refused");
}

std::vector<std::string> Monitor::Seen() {
  const std::string mark = "monitor-mark-" + std::to_string(++marks_);
  node_("ECHO", mark);
  std::vector<std::string> seen;
  for (;;) {
    // 1700000000.000000 [0 127.0.0.1:40000] "ECHO" "mark"; a script's own calls come from [0 lua].
    const std::string line = tap_.Receive().text;
    const size_t end = line.find("] ");
    if (end == std::string::npos) continue;
    const std::string from = line.substr(0, end);
    if (from.ends_with(" lua") || from.ends_with(from_master_)) continue;
    const std::string command = line.substr(end + 2);
    if (command.find(mark) != std::string::npos) return seen;
    seen.push_back(command);
  }
}

std::vector<std::string> Monitor::Seen(const std::vector<std::string>& commands) {
  std::vector<std::string> some;
  for (const std::string& command : Seen()) {
    const std::string name = Lower(command.substr(1, command.find('"', 1) - 1));
    const auto wanted = [&](const std::string& word) { return Lower(word) == name; };
    if (std::any_of(commands.begin(), commands.end(), wanted)) some.push_back(command);
  }
  return some;
}

}  // namespace support
