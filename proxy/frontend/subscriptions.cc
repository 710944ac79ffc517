#include "proxy/frontend/subscriptions.h"

#include "proxy/resp/number.h"
#include "proxy/resp/reply_scan.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

constexpr std::string_view kSubscribe[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
// A command of moderate size for each so many channels.
constexpr size_t kMostInCommand = 1000;

// The line at the front of `text`, without its end, which is taken off.
std::string_view TakeLine(std::string_view* text) {
  const size_t end = text->find("\r\n");
  if (end == std::string_view::npos) {
    *text = {};
    return {};
  }
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end + 2);
  return line;
}

// A bulk string; null is "" and `*is_null`.
std::string_view TakeBulk(std::string_view* text, bool* is_null) {
  const std::string_view head = TakeLine(text);
  const auto size =
      head.starts_with('$') ? resp::ParseNumber(head.substr(1)) : std::optional<int64_t>();
  *is_null = !size || *size < 0 || static_cast<uint64_t>(*size) + 2 > text->size();
  if (*is_null) return {};
  const std::string_view bulk = text->substr(0, static_cast<size_t>(*size));
  text->remove_prefix(bulk.size() + 2);
  return bulk;
}

}  // namespace

Subscriptions::Kind Subscriptions::KindOf(std::string_view command) {
  switch (command.empty() ? '\0' : command[0] | 0x20) {
    case 'p':
      return Kind::kPatterns;
    case 's':
      // SUBSCRIBE and SSUBSCRIBE, SUNSUBSCRIBE.
      return command.size() > 1 && ((command[1] | 0x20) == 's' || (command[2] | 0x20) == 'n')
                 ? Kind::kShards
                 : Kind::kChannels;
    default:
      return Kind::kChannels;
  }
}

void Subscriptions::OnConfirmed(std::string_view reply) {
  while (resp::IsConfirmation(reply)) {
    TakeLine(&reply);
    bool null = false;
    const std::string_view word = TakeBulk(&reply, &null);
    const std::string_view name = TakeBulk(&reply, &null);
    TakeLine(&reply);    // how many there are
    if (null) continue;  // there was nothing to unsubscribe from
    auto& names = names_[static_cast<size_t>(KindOf(word))];
    const bool leaves = word.find("unsub") != std::string_view::npos;
    if (!leaves) {
      names.emplace(name);
    } else if (const auto at = names.find(name); at != names.end()) {
      names.erase(at);
    }
  }
}

std::vector<Subscriptions::Command> Subscriptions::ToSubscribeAgain() const {
  std::vector<Command> commands;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    std::vector<std::string_view> args;
    const auto finish = [&] {
      if (args.size() < 2) return;
      commands.push_back({resp::EncodeCommand(args), static_cast<uint32_t>(args.size() - 1)});
      args.clear();
    };
    for (const std::string& name : names_[kind]) {
      if (args.empty()) args.push_back(kSubscribe[kind]);
      args.push_back(name);
      if (args.size() > kMostInCommand) finish();
    }
    finish();
  }
  return commands;
}

}  // namespace frontend
