// What a command is, for the session that read it: where it goes, what its reply means, and the
// answers that the proxy gives by itself.
//
// The one switch on the kinds of commands (resp::Kind). Nothing is sent here.
//
// One worker's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/call.h"
#include "proxy/frontend/own_words.h"
#include "proxy/frontend/session_context.h"
#include "proxy/frontend/session_state.h"
#include "proxy/resp/command_table.h"

namespace frontend {

class Dispatcher {
 public:
  enum class Verdict : uint8_t {
    kSend,    // the call says where it goes
    kAnswer,  // `answer` is the reply
    kQuit,    // ... and then the client is closed
    kClose,   // the client is closed without a word, as Redis does
  };
  using Args = std::vector<std::string_view>;

  Dispatcher(SessionContext& context, SessionState& state)
      : context_(context), state_(state), own_words_(context, state) {}

  // REQUIRES: at least one argument; `call.request` is the command. `in_multi`: it will be queued.
  Verdict Prepare(Call& call, const Args& args, bool in_multi, std::string* answer);

 private:
  Verdict Plain(Call& call, const resp::Command& command);
  Verdict Eval(Call& call, const Args& args, const resp::Command& command);
  Verdict EvalSha(Call& call, const Args& args, const resp::Command& command);
  Verdict Script(Call& call, const Args& args, std::string* answer);
  Verdict Auth(Call& call, const Args& args, std::string* answer);
  Verdict Hello(Call& call, const Args& args, std::string* answer);
  Verdict QueuedHello(Call& call, const Args& args);
  Verdict Client(Call& call, const Args& args);
  Verdict Subscribe(Call& call, const Args& args, const resp::Command& command, bool in_multi);
  bool ClientKeep(Call& call, const Args& args);
  Verdict Select(Call& call, const Args& args);
  Verdict Lease(Call& call, After after = After::kNothing);
  Verdict Kill(Call& call, After after);
  Verdict Bare(Call& call, const Args& args, const resp::Command& command, After after);
  Verdict Local(Call& call, After after);

  void NoteLast(const resp::Command& command);
  // The password is right for the user, by proxy.users.
  bool Authenticates(std::string_view user, std::string_view password) const;
  bool MayExist(const resp::Command& command) const;
  bool VouchedReadOnly(const replication::Sha1& sha) const;

  SessionContext& context_;
  SessionState& state_;
  OwnWords own_words_;
};

}  // namespace frontend
