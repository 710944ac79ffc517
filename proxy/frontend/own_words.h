// Commands of which the server's answer is about a connection of ours, and the client wants to hear
// of its own: CLIENT ID, GETNAME, SETNAME, SETINFO, CAPA, LIST, INFO, KILL, GETREDIR, TRACKINGINFO;
// the `# shacast` section of INFO; SCRIPT SHOW; PROXY.
//
// First the server is asked, with the command itself or with one of the same right that harms
// nobody; so NOAUTH, NOPERM and what is wrong with the words are the server's, in its version, and
// the command keeps its place in the client's order. If the server agrees we answer in its place:
//
//   CLIENT SETNAME me ──► CLIENT SETNAME shacast ──► +OK ──► the name is "me"; +OK
//   CLIENT LIST ────────► CLIENT LIST ─────────────► its lines ──► one for each of our clients
//   CLIENT KILL ID 7 ───► CLIENT KILL ID 7 ADDR shacast:0 ──► :0 ──► client 7 is closed; :1
//
// One worker's thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/frontend/call.h"
#include "proxy/frontend/session_context.h"
#include "proxy/frontend/session_state.h"

namespace frontend {

class Session;

// What Redis takes as a client's name, or as a library's.
bool IsClientName(std::string_view name);

class OwnWords {
 public:
  using Args = std::vector<std::string_view>;
  struct Answer {
    std::string reply;
    bool closes = false;  // the client killed itself: the reply, then the end
  };

  OwnWords(SessionContext& context, SessionState& state) : context_(context), state_(state) {}

  // If `args` is such a CLIENT command, `call` is made the question to the server. REQUIRES:
  // call.request is the command.
  bool PrepareClient(Call& call, const Args& args);
  // CLIENT UNBLOCK, CLIENT TRACKING with REDIRECT: which argument is another client's id; 0: none.
  static uint8_t IdIn(const Args& args);
  // `id` in its place. REQUIRES: call.id_at > 0
  static void PutId(Call& call, uint64_t id);
  // INFO, if our section belongs into its reply.
  static bool PrepareInfo(Call& call, const Args& args);
  // PROXY: where nobody can be asked, or there is nothing to guard, it is answered here.
  void PrepareProxy(Call& call, const Args& args);
  // SCRIPT SHOW of a script that we hold.
  void PrepareShow(Call& call);

  // `reply` is the server's to such a question: is it for us to answer?
  static bool MayAnswer(const Call& call, std::string_view reply);
  using Done = std::function<void(Answer)>;
  // Our answer in the place of `reply`, for the client of `self`; `done` at once or later, on this
  // thread. It may come when the session is no more.
  void Say(const Call& call, std::string_view reply, const Session& self, const Done& done);
  // The same for a CLIENT command in a transaction: `reply` is its element of EXEC's.
  void SayQueued(const base::Slice& said, std::string_view reply, const Session& self,
                 const Done& done);
  // PROXY, without having asked anybody.
  void SayAlone(const Call& call, const Done& done);

 private:
  void AskAs(Call& call, const Args& words);
  void SayClient(const Args& args, std::string_view reply, const Session& self, const Done& done);
  void SayList(const Args& args, std::string_view reply, const Done& done);
  void SayKill(const Args& args, const Done& done);
  void SayRedirect(std::string_view reply, const Done& done);
  void SayProxy(const Args& args, const Done& done);
  bool WasLetIn() const;

  SessionContext& context_;
  SessionState& state_;
};

}  // namespace frontend
