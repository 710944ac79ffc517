// The channels that a client is subscribed to: what a server remembers for its connection, so that
// the next connection can be told.
//
// Followed by the server's confirmations ("subscribe", channel, count), never by what the client
// asked for. Plain data, one worker's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace frontend {

class Subscriptions {
 public:
  enum class Kind : uint8_t { kChannels, kPatterns, kShards };
  static constexpr size_t kKinds = 3;

  // Of SUBSCRIBE, PUNSUBSCRIBE ... in any case of letters.
  static Kind KindOf(std::string_view command);

  const std::set<std::string, std::less<>>& Of(Kind kind) const {
    return names_[static_cast<size_t>(kind)];
  }
  size_t size() const { return names_[0].size() + names_[1].size() + names_[2].size(); }
  bool empty() const { return size() == 0; }
  void Clear() { *this = Subscriptions(); }

  // `reply`: the confirmations of one command, one behind the other, in RESP2 or RESP3. What is
  // none (an error, QUEUED) changes nothing.
  void OnConfirmed(std::string_view reply);

  // SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE for all of them.
  struct Command {
    std::string request;  // as RESP
    uint32_t confirmations;
  };
  std::vector<Command> ToSubscribeAgain() const;

 private:
  std::set<std::string, std::less<>> names_[kKinds];
};

}  // namespace frontend
