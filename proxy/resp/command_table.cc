#include "proxy/resp/command_table.h"

#include <algorithm>

namespace resp {
namespace {

struct Row {
  const char* name;
  Kind kind;
  bool may_write = false;  // the server's may_replicate, which COMMAND does not tell
};

// One row for each command with a treatment of its own. Whether it reads or writes is the
// server's word, where it has one.
constexpr Row kRows[] = {
    {"eval", Kind::kEval, true},
    {"eval_ro", Kind::kEval},
    {"evalsha", Kind::kEvalSha, true},
    {"evalsha_ro", Kind::kEvalSha},
    {"fcall", Kind::kFunctionCall, true},
    {"fcall_ro", Kind::kFunctionCall},
    {"function|kill", Kind::kFunctionKill},
    {"script", Kind::kScript},
    {"multi", Kind::kMulti},
    {"exec", Kind::kExec},
    {"discard", Kind::kDiscard},
    {"watch", Kind::kWatch},
    {"unwatch", Kind::kUnwatch},
    {"blpop", Kind::kBlocking},
    {"brpop", Kind::kBlocking},
    {"brpoplpush", Kind::kBlocking},
    {"blmove", Kind::kBlocking},
    {"blmpop", Kind::kBlocking},
    {"bzpopmin", Kind::kBlocking},
    {"bzpopmax", Kind::kBlocking},
    {"bzmpop", Kind::kBlocking},
    {"xread", Kind::kBlockOption},
    {"xreadgroup", Kind::kBlockOption},
    {"wait", Kind::kWait},
    {"waitaof", Kind::kWait},
    {"subscribe", Kind::kSubscribe},
    {"psubscribe", Kind::kSubscribe},
    {"ssubscribe", Kind::kSubscribe},
    {"unsubscribe", Kind::kSubscribe},
    {"punsubscribe", Kind::kSubscribe},
    {"sunsubscribe", Kind::kSubscribe},
    {"replconf", Kind::kPinning},
    {"monitor", Kind::kStream},
    {"sync", Kind::kStream},
    {"psync", Kind::kStream},
    {"select", Kind::kSelect},
    {"auth", Kind::kAuth},
    {"hello", Kind::kHello},
    {"reset", Kind::kReset},
    {"quit", Kind::kQuit},
    {"client", Kind::kClient},
    {"info", Kind::kInfo},
    {"proxy", Kind::kProxy},
    {"shutdown", Kind::kShutdown},
    {"replicaof", Kind::kRoleChange},
    {"slaveof", Kind::kRoleChange},
    {"failover", Kind::kRoleChange},
    {"scan", Kind::kCursor},
    {"hscan", Kind::kCursor},
    {"sscan", Kind::kCursor},
    {"zscan", Kind::kCursor},
    {"publish", Kind::kPlain, true},
    {"spublish", Kind::kPlain, true},
    {"pfcount", Kind::kPlain, true},
    {"post", Kind::kCloses},
    {"host:", Kind::kCloses},
};

Kind KindOfContainer(std::string_view name) {
  const std::string_view container = name.substr(0, name.find('|'));
  if (container.size() == name.size()) return Kind::kPlain;
  for (const Row& row : kRows)
    if (container == row.name) return row.kind;
  return Kind::kPlain;
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

uint64_t HashOf(std::string_view text) {
  uint64_t hash = 1469598103934665603ull;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash | 1;
}

}  // namespace

CommandTable::CommandTable() : CommandTable(std::vector<ServerCommand>{}) {}

CommandTable::CommandTable(const std::vector<ServerCommand>& from_server)
    : known_(from_server.size()) {
  for (const Row& row : kRows)
    commands_.push_back({.name = row.name, .kind = row.kind, .may_write = row.may_write});
  for (const ServerCommand& told : from_server) {
    const auto ours = std::find_if(commands_.begin(), commands_.end(),
                                   [&](const Command& c) { return c.name == told.name; });
    if (ours != commands_.end()) {
      ours->told = true;
      ours->read_only = told.read_only;
      ours->may_write = ours->may_write || told.writes;
      ours->arity = told.arity;
      continue;
    }
    // A subcommand is treated as its container is.
    const Kind kind = KindOfContainer(told.name);
    const bool blocking = kind == Kind::kPlain && told.blocking;
    commands_.push_back({told.name, blocking ? Kind::kBlocking : kind, true, told.read_only,
                         told.writes, told.arity});
  }
  Index();
}

void CommandTable::Index() {
  size_t size = 64;
  while (size < 3 * commands_.size()) size *= 2;
  slots_.assign(size, Slot{});
  const auto insert = [&](const std::string& name, uint32_t index) {
    const uint64_t hash = HashOf(name);
    size_t at = hash & (size - 1);
    while (slots_[at].index != 0) at = (at + 1) & (size - 1);
    slots_[at].hash = hash;
    slots_[at].index = index;
  };
  for (size_t i = 0; i < commands_.size(); ++i)
    if (commands_[i].name.size() <= kLongestName)
      insert(commands_[i].name, static_cast<uint32_t>(i + 1));
  for (const Command& command : commands_) {
    const size_t bar = command.name.find('|');
    if (bar == std::string::npos) continue;
    const Slot* slot = Lookup(std::string_view(command.name).substr(0, bar));
    if (slot != nullptr) slots_[static_cast<size_t>(slot - slots_.data())].container = true;
  }
}

const CommandTable::Slot* CommandTable::Lookup(std::string_view lower) const {
  const uint64_t hash = HashOf(lower);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask; slots_[at].index != 0; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && commands_[slot.index - 1].name == lower) return &slot;
  }
  return nullptr;
}

const Command& CommandTable::Find(std::string_view name, std::string_view sub) const {
  char lower[2 * kLongestName + 1];
  if (name.empty() || name.size() > kLongestName) return unknown_;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '|') return unknown_;  // the table's way to write subcommands, not the client's
    lower[i] = Lower(name[i]);
  }
  const Slot* slot = Lookup({lower, name.size()});
  if (slot == nullptr) return unknown_;
  const Command& command = commands_[slot->index - 1];
  size_t size = name.size();
  if (!slot->container || sub.empty() || size + 1 + sub.size() > kLongestName) return command;
  lower[size++] = '|';
  for (const char c : sub) lower[size++] = Lower(c);
  const Slot* below = Lookup({lower, size});
  return below == nullptr ? command : commands_[below->index - 1];
}

bool EqualsWord(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (Lower(text[i]) != Lower(upper[i])) return false;
  return true;
}

}  // namespace resp
