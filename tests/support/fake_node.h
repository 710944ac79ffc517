// A node for tests: a RESP server on a loopback port that does as it is told.
//
// It behaves as a small Redis (scripts, transactions, AUTH, SELECT, HELLO, INFO) where no rule of
// the test says otherwise; it can hold its replies back, send them in pieces, close, reset, refuse
// and stop reading; and it remembers every command of every connection.
//
// No thread: Step() serves what is ready and returns. A test calls it between the turns of its
// loop, so that everything happens in an order that the test can choose. Plain sockets and a reader
// of its own: none of the code that is tested is used to test it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "tests/support/sockets.h"

namespace support {

class FakeNode {
 public:
  using Args = std::vector<std::string>;
  // The reply to a command, as RESP; "" = none, now or ever; nullopt = this rule is not about it.
  using Rule = std::function<std::optional<std::string>(const Args&)>;

  static constexpr std::string_view kNoScript =
      "-NOSCRIPT No matching script. Please use EVAL.\r\n";

  FakeNode();
  ~FakeNode();
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;

  config::Address address() const { return {"127.0.0.1", port_}; }
  void Step();

  // --- What it says. The newest rule that fits is taken.
  void AddRule(Rule rule) { rules_.push_front(std::move(rule)); }
  // To commands that begin with these words, in any case of letters: "GET a", "SCRIPT EXISTS".
  void Answer(const std::string& words, const std::string& reply);
  // ... to the next such command only.
  void AnswerOnce(const std::string& words, const std::string& reply);
  // What the script with that body returns; without it, the bulk "ran <first 8 digits>".
  void ScriptReturns(const std::string& body, const std::string& reply);

  // --- What it is.
  std::string run_id = "1111111111111111111111111111111111111111";
  std::string password;           // "" = none is wanted
  std::set<std::string> scripts;  // sha1s, lower case

  // --- How it says it.
  // Replies wait until they are released, all or some of them; those of a handshake never wait.
  void Hold() { holding_ = true; }
  void Release();
  void Release(size_t replies);
  size_t held() const { return held_.size(); }
  // So many bytes at each Step(); 0 = all.
  void SendInPiecesOf(size_t bytes) { piece_ = bytes; }
  void StopReading() { reading_ = false; }
  void ReadAgain() { reading_ = true; }
  // Bytes that nobody asked for.
  void Say(size_t connection, std::string_view bytes);

  // --- Its connections. The first one ever is number 0.
  void Close(size_t connection);
  void CloseAll();
  void ResetAll();
  void StopListening() { listening_.Close(); }
  void ListenAgain();
  size_t accepted() const { return connections_.size(); }
  size_t open() const;

  // --- What it was told. A command is written with blanks between its words.
  // Of all connections, in the order of their coming; without handshakes.
  std::vector<std::string> Commands() const;
  size_t CountOf(const std::string& words) const;
  // All that came on one connection, with its handshake.
  std::vector<std::string> CommandsOn(size_t connection) const;
  // Lines with nothing in them, between commands: a server says nothing to them.
  size_t empty_lines() const { return empty_lines_; }
  // What had an effect: the commands that were run, as told, also those run by EXEC.
  const std::vector<std::string>& executed() const { return executed_; }

 private:
  struct Connection {
    Fd fd;
    std::string in;
    std::string out;
    bool authenticated = false;
    bool in_multi = false;
    std::vector<Args> queued;
    std::vector<std::string> commands;
  };
  struct Held {
    size_t connection;
    std::string reply;
  };

  void Accept();
  void Serve(size_t number);
  void OnCommand(size_t number, const Args& args);
  void Reply(size_t number, const std::string& reply);
  std::string Run(Connection& connection, const Args& args);
  std::string RunTransaction(Connection& connection, const std::string& name, const Args& args);
  std::string Model(Connection& connection, const Args& args);
  std::string Script(const Args& args);
  std::string Eval(const std::string& name, const Args& args);
  std::string Hello(Connection& connection, const Args& args);
  std::string Authenticate(Connection& connection, const std::string& given);

  Fd listening_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Rule> rules_;
  std::map<std::string, std::string> returns_;  // by sha1
  std::map<std::string, int64_t> counters_;     // INCR
  bool holding_ = false;
  bool reading_ = true;
  size_t piece_ = 0;
  std::deque<Held> held_;
  size_t empty_lines_ = 0;
  std::vector<std::string> commands_;
  std::vector<std::string> executed_;
};

// Replies as a server writes them.
std::string Bulk(std::string_view text);
std::string Array(const std::vector<std::string>& replies);
// A command as a client writes it, from words with blanks between them.
std::string Command(std::string_view words);
// ... from its arguments.
std::string CommandOf(const std::vector<std::string>& args);
// The name of a script.
std::string ShaOf(std::string_view body);

}  // namespace support
