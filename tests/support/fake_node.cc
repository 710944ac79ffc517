#include "tests/support/fake_node.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "replication/sha1.h"

namespace support {
namespace {

using Args = FakeNode::Args;

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string Joined(const Args& args) {
  std::string text;
  for (const auto& arg : args) text += (text.empty() ? "" : " ") + arg;
  return text;
}

// `text` begins with `words`, and they end where a word of it ends.
bool BeginsWith(const std::string& text, const std::string& words) {
  return Upper(text.substr(0, words.size())) == Upper(words) &&
         (text.size() == words.size() || text[words.size()] == ' ');
}

// Takes the first whole command off `in`. The plainest reader there is: what is not an array of
// bulks ends the test.
std::optional<Args> TakeCommand(std::string* in) {
  size_t at = 0;
  const auto number = [&](char type) -> std::optional<size_t> {
    const size_t end = in->find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    if ((*in)[at] != type) std::abort();
    const size_t value = std::stoul(in->substr(at + 1, end - at - 1));
    at = end + 2;
    return value;
  };
  const auto count = number('*');
  if (!count) return std::nullopt;
  Args args;
  for (size_t i = 0; i < *count; ++i) {
    const auto size = number('$');
    if (!size || in->size() < at + *size + 2) return std::nullopt;
    args.push_back(in->substr(at, *size));
    at += *size;
    if (in->compare(at, 2, "\r\n") != 0) std::abort();
    at += 2;
  }
  in->erase(0, at);
  return args;
}

// What every connection of ours says first.
// `before`: what came on that connection up to now.
bool IsHandshake(const Args& args, const std::vector<std::string>& before) {
  const std::string text = Joined(args);
  if (text == "CLIENT ID" && !before.empty())
    return before.back() == "CLIENT SETNAME shacast" || before.back().starts_with("SELECT ");
  return text == "CLIENT SETNAME shacast" || text == "INFO server";
}

}  // namespace

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string Array(const std::vector<std::string>& replies) {
  std::string text = "*" + std::to_string(replies.size()) + "\r\n";
  for (const auto& reply : replies) text += reply;
  return text;
}

std::string CommandOf(const Args& args) {
  std::string text = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto& arg : args) text += Bulk(arg);
  return text;
}

std::string Command(std::string_view words) {
  std::istringstream stream{std::string(words)};
  Args args;
  for (std::string word; stream >> word;) args.push_back(word);
  return CommandOf(args);
}

std::string ShaOf(std::string_view body) {
  return replication::Sha1::Of(body).ToString();
}

FakeNode::FakeNode() : listening_(ListenOnLoopback(0, 64)), port_(PortOf(listening_)) {}

FakeNode::~FakeNode() = default;

void FakeNode::ListenAgain() {
  listening_ = ListenOnLoopback(port_, 64);
}

void FakeNode::Answer(const std::string& words, const std::string& reply) {
  AddRule([words, reply](const Args& args) {
    return BeginsWith(Joined(args), words) ? std::optional(reply) : std::nullopt;
  });
}

void FakeNode::AnswerOnce(const std::string& words, const std::string& reply) {
  AddRule([words, reply, used = false](const Args& args) mutable -> std::optional<std::string> {
    if (used || !BeginsWith(Joined(args), words)) return std::nullopt;
    used = true;
    return reply;
  });
}

void FakeNode::ScriptReturns(const std::string& body, const std::string& reply) {
  returns_[ShaOf(body)] = reply;
}

// --- Its connections -----------------------------------------------------------------------------

void FakeNode::Step() {
  Accept();
  for (size_t i = 0; i < connections_.size(); ++i) Serve(i);
}

void FakeNode::Accept() {
  while (listening_) {
    Fd fd(accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    // What is sent in pieces comes in pieces.
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->fd = std::move(fd);
  }
}

void FakeNode::Serve(size_t number) {
  Connection& connection = *connections_[number];
  if (!connection.fd) return;
  if (reading_) {
    const Read read = ReadAll(connection.fd, &connection.in);
    for (;;) {
      for (; connection.in.starts_with("\r\n"); ++empty_lines_) connection.in.erase(0, 2);
      const auto args = TakeCommand(&connection.in);
      if (!args) break;
      OnCommand(number, *args);
      if (!connection.fd) return;
    }
    if (read == Read::kEnd || read == Read::kBroken) {
      connection.fd.Close();
      return;
    }
  }
  std::string_view out = connection.out;
  if (piece_ > 0) out = out.substr(0, piece_);
  if (!out.empty()) connection.out.erase(0, SendSome(connection.fd, out));
}

void FakeNode::Close(size_t connection) {
  connections_.at(connection)->fd.Close();
}

void FakeNode::CloseAll() {
  for (auto& connection : connections_) connection->fd.Close();
}

void FakeNode::ResetAll() {
  for (auto& connection : connections_)
    if (connection->fd) connection->fd.CloseWithReset();
}

size_t FakeNode::open() const {
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                           [](const auto& c) { return bool{c->fd}; }));
}

void FakeNode::Say(size_t connection, std::string_view bytes) {
  connections_.at(connection)->out += bytes;
}

void FakeNode::Release() {
  holding_ = false;
  Release(held_.size());
}

void FakeNode::Release(size_t replies) {
  for (; replies > 0 && !held_.empty(); --replies) {
    connections_[held_.front().connection]->out += held_.front().reply;
    held_.pop_front();
  }
}

// --- What it was told ----------------------------------------------------------------------------

std::vector<std::string> FakeNode::Commands() const {
  return commands_;
}

std::vector<std::string> FakeNode::CommandsOn(size_t connection) const {
  return connection < connections_.size() ? connections_[connection]->commands : Args{};
}

size_t FakeNode::CountOf(const std::string& words) const {
  return static_cast<size_t>(
      std::count_if(commands_.begin(), commands_.end(),
                    [&](const std::string& text) { return BeginsWith(text, words); }));
}

void FakeNode::OnCommand(size_t number, const Args& args) {
  Connection& connection = *connections_[number];
  const bool handshake = IsHandshake(args, connection.commands);
  connection.commands.push_back(Joined(args));
  if (handshake) {
    connection.out += Run(connection, args);
    return;
  }
  commands_.push_back(Joined(args));
  Reply(number, Run(connection, args));
}

void FakeNode::Reply(size_t number, const std::string& reply) {
  if (holding_) {
    held_.push_back({number, reply});
  } else {
    connections_[number]->out += reply;
  }
}

// --- What it does --------------------------------------------------------------------------------

std::string FakeNode::Run(Connection& connection, const Args& args) {
  const std::string name = Upper(args[0]);
  const bool wanted = !password.empty() && !connection.authenticated;
  if (wanted && name != "AUTH" && name != "HELLO") return "-NOAUTH Authentication required.\r\n";
  if (connection.in_multi || name == "MULTI" || name == "EXEC" || name == "DISCARD")
    return RunTransaction(connection, name, args);
  for (const Rule& rule : rules_)
    if (auto reply = rule(args)) return *reply;
  return Model(connection, args);
}

std::string FakeNode::RunTransaction(Connection& connection, const std::string& name,
                                     const Args& args) {
  if (name == "MULTI") {
    if (connection.in_multi) return "-ERR MULTI calls can not be nested\r\n";
    connection.in_multi = true;
    return "+OK\r\n";
  }
  if (name == "EXEC" || name == "DISCARD") {
    if (!connection.in_multi) return "-ERR " + name + " without MULTI\r\n";
    connection.in_multi = false;
    std::vector<Args> queued;
    queued.swap(connection.queued);
    if (name == "DISCARD") return "+OK\r\n";
    std::vector<std::string> replies;
    for (const auto& one : queued) replies.push_back(Run(connection, one));
    return Array(replies);
  }
  connection.queued.push_back(args);
  return "+QUEUED\r\n";
}

std::string FakeNode::Model(Connection& connection, const Args& args) {
  const std::string name = Upper(args[0]);
  if (name == "PING") return "+PONG\r\n";
  if (name == "GET" && args.size() == 2) return Bulk("value of " + args[1]);
  if (name == "INCR" && args.size() == 2) {
    executed_.push_back(Joined(args));
    return ":" + std::to_string(++counters_[args[1]]) + "\r\n";
  }
  if (name == "SET" || name == "FLUSHALL") {
    executed_.push_back(Joined(args));
    return "+OK\r\n";
  }
  if (name == "SCRIPT" && args.size() > 1) return Script(args);
  if (name.starts_with("EVAL") && args.size() > 2) return Eval(name, args);
  if (name == "AUTH") return Authenticate(connection, args.back());
  if (name == "HELLO") return Hello(connection, args);
  if (name == "INFO") return Bulk("# Server\r\nredis_version:7.0.15\r\nrun_id:" + run_id + "\r\n");
  if (name == "CLIENT" || name == "SELECT" || name == "WATCH" || name == "UNWATCH")
    return "+OK\r\n";
  if (name == "SPUBLISH" || name == "WAIT") return ":0\r\n";
  if (name == "BLPOP") return "";  // it waits
  return "-ERR unknown command '" + args[0] + "', with args beginning with: \r\n";
}

std::string FakeNode::Script(const Args& args) {
  const std::string sub = Upper(args[1]);
  if (sub == "LOAD" && args.size() == 3) {
    scripts.insert(ShaOf(args[2]));
    return Bulk(ShaOf(args[2]));
  }
  if (sub == "EXISTS") {
    std::vector<std::string> replies;
    for (size_t i = 2; i < args.size(); ++i)
      replies.push_back(scripts.contains(Lower(args[i])) ? ":1\r\n" : ":0\r\n");
    return Array(replies);
  }
  if (sub == "FLUSH") {
    executed_.push_back(Joined(args));
    scripts.clear();
    return "+OK\r\n";
  }
  return "-ERR unknown subcommand\r\n";
}

std::string FakeNode::Eval(const std::string& name, const Args& args) {
  const bool by_sha = name.starts_with("EVALSHA");
  const std::string sha = by_sha ? Lower(args[1]) : ShaOf(args[1]);
  if (by_sha && !scripts.contains(sha)) return std::string(kNoScript);
  scripts.insert(sha);
  executed_.push_back("script " + sha.substr(0, 8));
  const auto returns = returns_.find(sha);
  return returns != returns_.end() ? returns->second : Bulk("ran " + sha.substr(0, 8));
}

std::string FakeNode::Authenticate(Connection& connection, const std::string& given) {
  if (given != password)
    return "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  connection.authenticated = true;
  return "+OK\r\n";
}

std::string FakeNode::Hello(Connection& connection, const Args& args) {
  for (size_t i = 2; i + 2 < args.size(); ++i) {
    if (Upper(args[i]) != "AUTH") continue;
    const std::string reply = Authenticate(connection, args[i + 2]);
    if (reply[0] == '-') return reply;
  }
  if (!password.empty() && !connection.authenticated)
    return "-NOAUTH HELLO must be called with the client already authenticated\r\n";
  const bool three = args.size() > 1 && args[1] == "3";
  return (three ? "%2\r\n" : "*4\r\n") + Bulk("server") + Bulk("redis") + Bulk("id") + ":42\r\n";
}

}  // namespace support
