#include "tests/support/oracle_run.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "tests/support/oracle_replies.h"
#include "tests/support/scripts.h"

namespace support {
namespace {

constexpr milliseconds kReplyPatience(10'000);
constexpr milliseconds kBlockPatience(1000);

RedisProcess::Options ServerOptions() {
  RedisProcess::Options options;
  options.args = {"--slowlog-log-slower-than", "-1", "--maxmemory", "2gb"};
  return options;
}

size_t RepliesOf(const std::vector<OracleItem>& items) {
  size_t count = 0;
  for (const OracleItem& item : items) count += static_cast<size_t>(item.replies);
  return count;
}

std::string Shown(const OracleItem& item) {
  if (item.args.empty()) return "the bytes \"" + Printable(item.bytes, 300) + "\"";
  std::string words;
  for (const std::string& arg : item.args)
    words += (words.empty() ? "\"" : " \"") + Printable(arg, 300) + "\"";
  return words;
}

std::string FirstWord(const OracleItem& item) {
  return item.args.empty() ? item.bytes : Upper(item.args[0]);
}

}  // namespace

std::string OracleDifference::Command() const {
  return item < step().items.size() ? Shown(step().items[item]) : "what came behind the last reply";
}

std::string OracleDifference::Told() const {
  std::string text = "seed " + std::to_string(stream.seed) + ", step " +
                     std::to_string(stream.steps.size()) + ", client " +
                     std::to_string(step().client) + ": " +
                     (what.empty() ? "the replies differ" : what) + "\n  command: " + Command() +
                     "\n  direct:  " + Printable(direct) + "\n  shacast: " + Printable(proxied) +
                     "\n  what was sent until then, by client:\n";
  constexpr size_t kShown = 60;
  std::vector<std::string> lines;
  for (size_t i = 0; i < stream.steps.size(); ++i) {
    const OracleStep& at = stream.steps[i];
    const std::string head = "    " + std::to_string(at.client) + ": ";
    const bool last = i + 1 == stream.steps.size();
    for (size_t k = 0; k < at.items.size(); ++k)
      lines.push_back(head + Shown(at.items[k]) + (last && k == item ? "   <---" : ""));
    for (const OracleItem& one : at.by_helper) lines.push_back("    helper: " + Shown(one));
    lines.push_back("    -");
  }
  const size_t skipped = lines.size() > kShown ? lines.size() - kShown : 0;
  if (skipped > 0) text += "    (" + std::to_string(skipped) + " lines before)\n";
  for (size_t i = skipped; i < lines.size(); ++i) text += lines[i] + "\n";
  return text + "  again: ORACLE_SEED=" + std::to_string(stream.seed) +
         " ORACLE_COMMANDS=1 make test-oracle\n";
}

OracleRun::OracleRun() : direct_server_(ServerOptions()), proxied_server_(ServerOptions()) {
  ProxyConfig config;
  proxy_ =
      std::make_unique<ProxyProcess>(std::vector<std::string>{proxied_server_.address()}, config);
  proxy_->WaitReady(0);
  direct_.endpoint = direct_server_.endpoint();
  direct_.server = &direct_server_;
  proxied_.endpoint = proxy_->endpoint();
  proxied_.server = &proxied_server_;
}

OracleRun::~OracleRun() = default;

void OracleRun::Reset(size_t clients) {
  queued_.assign(clients, {});
  for (Side* side : {&direct_, &proxied_}) {
    side->wires.clear();
    side->wires.resize(clients);
    RedisProcess& server = *side->server;
    for (const char* user : {"reader", "noeval", "few"})
      server("ACL", "SETUSER", user, "reset", "on", ">" + std::string(user) + "-password", "~*");
    server("ACL", "SETUSER", "reader", "+@read", "+@connection", "+@scripting");
    server("ACL", "SETUSER", "noeval", "+@all", "-eval", "-eval_ro");
    server("ACL", "SETUSER", "few", "resetkeys", "~s:*", "~l:*", "+get", "+set", "+ping", "+multi",
           "+exec", "+evalsha", "+select");
    server("ACL", "SETUSER", "default", "on", "nopass");
    server("CONFIG", "SET", "hz", "10");
    // Of the clients before.
    WaitUntil([&] { return server.Info("blocked_clients") == "0"; });
  }
  if (!WaitUntil([&] { return direct_server_.Info("connected_clients") == "1"; }))
    throw std::runtime_error("the direct server's clients do not go");
  for (RedisProcess* server : {&direct_server_, &proxied_server_}) {
    (*server)("FUNCTION", "FLUSH");
    (*server)("FLUSHALL");
  }
  direct_server_("SCRIPT", "FLUSH");
  proxy_admin_.reset();
  proxy_admin_.emplace(proxied_.endpoint);
  (*proxy_admin_)("SCRIPT", "FLUSH");
}

void OracleRun::Give(size_t client, const std::vector<OracleItem>& items, size_t largest,
                     unsigned seed) {
  std::string bytes;
  for (const OracleItem& item : items) bytes += item.bytes;
  for (Side* side : {&direct_, &proxied_}) {
    auto& wire = side->wires[client];
    if (wire == nullptr || wire->ended()) {
      wire = std::make_unique<OracleWire>(side->endpoint);
      queued_[client].clear();
    }
    wire->Give(bytes, largest, seed);
  }
}

bool OracleRun::Await(size_t client, size_t replies, milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  OracleWire& direct = *direct_.wires[client];
  OracleWire& proxied = *proxied_.wires[client];
  while (!direct.Answered(replies) || !proxied.Answered(replies)) {
    if (std::chrono::steady_clock::now() > end) return false;
    // One that has ended has nothing more to say: the other is given some time to do the same.
    if (direct.ended() != proxied.ended() && patience > kBlockPatience)
      return Await(client, replies, kBlockPatience);
    OracleWire::Move({&direct, &proxied}, milliseconds(100));
  }
  return true;
}

void OracleRun::AwaitEnds(size_t client) {
  const auto end = std::chrono::steady_clock::now() + kBlockPatience;
  OracleWire& direct = *direct_.wires[client];
  OracleWire& proxied = *proxied_.wires[client];
  while ((!direct.ended() || !proxied.ended()) && std::chrono::steady_clock::now() < end)
    OracleWire::Move({&direct, &proxied}, milliseconds(100));
}

void OracleRun::AwaitBlocked(size_t client, size_t replies) {
  const auto end = std::chrono::steady_clock::now() + kBlockPatience;
  for (Side* side : {&direct_, &proxied_}) {
    OracleWire& wire = *side->wires[client];
    while (!wire.Answered(replies) && std::chrono::steady_clock::now() < end) {
      OracleWire::Move({&wire}, milliseconds(1));
      if (side->server->Info("blocked_clients") != "0") break;
    }
  }
}

std::optional<OracleRun::Outcome> OracleRun::PlayStep(const OracleStep& step, unsigned seed) {
  const size_t replies = RepliesOf(step.items);
  Give(step.client, step.items, step.largest_piece, seed);
  if (step.blocks) {
    AwaitBlocked(step.client, replies);
    const size_t helper = queued_.size() - 1;
    Give(helper, step.by_helper, 0, 0);
    Await(helper, RepliesOf(step.by_helper), kReplyPatience);
    if (auto outcome = Compare(helper, step.by_helper)) {
      outcome->item = step.items.size();
      outcome->what = "the helper's replies differ";
      return outcome;
    }
  }
  Await(step.client, replies, kReplyPatience);
  const bool ends = !step.items.empty() && step.items.back().ends;
  if (ends || direct_.wires[step.client]->ended() || proxied_.wires[step.client]->ended())
    AwaitEnds(step.client);
  return Compare(step.client, step.items);
}

bool OracleRun::Same(size_t client, const OracleItem& item, const std::string& direct,
                     const std::string& proxied) {
  auto& queued = queued_[client];
  const std::string word = FirstWord(item);
  if (direct == "+QUEUED\r\n") {
    queued.push_back(item.args);
    return direct == proxied;
  }
  if (word == "DISCARD" || word == "RESET") queued.clear();
  if (word != "EXEC") return SameReply(item.args, direct, proxied);
  const auto commands = std::move(queued);
  queued.clear();
  if (direct == proxied) return true;
  const auto ours = ElementsOf(direct);
  const auto theirs = ElementsOf(proxied);
  if (ours.empty() || ours.size() != theirs.size() || ours.size() != commands.size()) return false;
  for (size_t i = 0; i < ours.size(); ++i)
    if (!SameReply(commands[i], ours[i], theirs[i])) return false;
  return true;
}

std::optional<OracleRun::Outcome> OracleRun::Compare(size_t client,
                                                     const std::vector<OracleItem>& items) {
  OracleWire& direct = *direct_.wires[client];
  OracleWire& proxied = *proxied_.wires[client];
  const auto ours = direct.TakeReplies();
  const auto theirs = proxied.TakeReplies();
  size_t item = 0;
  int of_item = 0;  // replies to it so far
  for (size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    const bool message = i < ours.size() && IsMessage(ours[i]);
    while (!message && item < items.size() && of_item >= items[item].replies) {
      ++item;
      of_item = 0;
    }
    if (!message) ++of_item;
    if (i >= ours.size()) return Outcome{item, "", theirs[i], "shacast says more"};
    if (i >= theirs.size())
      return Outcome{item, ours[i], std::string(proxied.unfinished()),
                     proxied.ended() ? "shacast has closed" : "shacast does not answer"};
    const bool same = message || item >= items.size()
                          ? ours[i] == theirs[i]
                          : Same(client, items[item], ours[i], theirs[i]);
    if (!same) return Outcome{item, ours[i], theirs[i], ""};
  }
  if (direct.ended() != proxied.ended())
    return Outcome{item, direct.ended() ? "closed" : "open", proxied.ended() ? "closed" : "open",
                   "one of the connections is closed"};
  if (direct.unfinished() != proxied.unfinished())
    return Outcome{item, std::string(direct.unfinished()), std::string(proxied.unfinished()),
                   "unfinished replies differ"};
  if (!direct.ended() && ours.size() < RepliesOf(items))
    return Outcome{item, "", "", "neither answers: the stream is at fault"};
  return std::nullopt;
}

std::optional<OracleDifference> OracleRun::Play(const OracleStream& stream) {
  Reset(stream.clients + 1);
  for (size_t i = 0; i < stream.steps.size(); ++i) {
    std::optional<Outcome> outcome;
    try {
      outcome = PlayStep(stream.steps[i], stream.seed + static_cast<unsigned>(i));
    } catch (const std::exception& error) {
      outcome = Outcome{0, "", "", error.what()};
    }
    if (!outcome) continue;
    OracleDifference found;
    found.stream = {stream.seed,
                    stream.clients,
                    {stream.steps.begin(), stream.steps.begin() + static_cast<ptrdiff_t>(i) + 1}};
    found.item = outcome->item;
    found.direct = std::move(outcome->direct);
    found.proxied = std::move(outcome->proxied);
    found.what = std::move(outcome->what);
    return found;
  }
  return std::nullopt;
}

namespace {

// The stream with some of its items left out.
OracleStream Without(const OracleStream& stream, size_t from, size_t count) {
  OracleStream rest{stream.seed, stream.clients, {}};
  size_t at = 0;
  for (const OracleStep& step : stream.steps) {
    OracleStep kept = step;
    kept.items.clear();
    for (const OracleItem& item : step.items) {
      if (at < from || at >= from + count) kept.items.push_back(item);
      ++at;
    }
    if (!kept.items.empty()) rest.steps.push_back(std::move(kept));
  }
  return rest;
}

size_t ItemsOf(const OracleStream& stream) {
  size_t count = 0;
  for (const OracleStep& step : stream.steps) count += step.items.size();
  return count;
}

std::string KindOf(const OracleDifference& difference) {
  const auto& items = difference.step().items;
  return difference.what + "/" +
         (difference.item < items.size() ? FirstWord(items[difference.item]) : "");
}

}  // namespace

std::optional<OracleDifference> OracleRun::Shrink(const OracleDifference& found,
                                                  milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  std::optional<OracleDifference> best = Play(found.stream);
  if (!best) return std::nullopt;
  size_t chunk = std::max<size_t>(ItemsOf(best->stream) / 2, 1);
  for (;;) {
    bool smaller = false;
    for (size_t from = 0; from < ItemsOf(best->stream);) {
      if (std::chrono::steady_clock::now() > end) return best;
      auto candidate = Play(Without(best->stream, from, chunk));
      if (candidate && KindOf(*candidate) == KindOf(*best)) {
        best = std::move(candidate);
        smaller = true;
      } else {
        from += chunk;
      }
    }
    if (chunk == 1 && !smaller) return best;
    if (chunk > 1) chunk /= 2;
  }
}

}  // namespace support
