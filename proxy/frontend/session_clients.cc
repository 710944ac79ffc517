// What a session tells of its client, and where it answers in the server's place.
#include "proxy/frontend/session.h"
#include "proxy/net/socket.h"
#include "proxy/resp/number.h"
#include "proxy/resp/request_scan.h"

namespace frontend {

void Session::SayOwnWord(Call& call) {
  if (call.after == After::kExec) {
    SayOwnWordsOfExec(call);
    return;
  }
  const auto release = Withhold(call);
  const std::string theirs = call.reply.Flatten();
  queue_.DropReply(call);
  own_words_.Say(call, theirs, *this,
                 [this, handle = handle_, &call, release](const OwnWords::Answer& answer) {
                   if (handle->session != nullptr) TakeAnswer(call, answer, release);
                 });
}

// EXEC's reply while it is put together: our answers in the places of the server's.
struct Session::ExecAnswers {
  std::string head;
  std::vector<std::string> elements;
  size_t next = 0;  // of call.notes->places
  bool closes = false;
  std::function<void()> release;
};

void Session::SayOwnWordsOfExec(Call& call) {
  const auto answers = std::make_shared<ExecAnswers>();
  const std::string theirs = call.reply.Flatten();
  std::string_view rest = theirs;
  answers->head = rest.substr(0, rest.find('\n') + 1);
  rest.remove_prefix(answers->head.size());
  while (!rest.empty()) {
    resp::ReplyScan scan;
    if (scan.Scan(rest) != resp::ReplyScan::Outcome::kComplete) return;
    answers->elements.emplace_back(rest.substr(0, static_cast<size_t>(scan.size())));
    rest.remove_prefix(answers->elements.back().size());
  }
  answers->release = Withhold(call);
  SayNextOfExec(call, answers);
}

void Session::SayNextOfExec(Call& call, const std::shared_ptr<ExecAnswers>& answers) {
  if (answers->next == call.notes->places.size()) {
    std::string reply = answers->head;
    for (const std::string& element : answers->elements) reply += element;
    TakeAnswer(call, {reply, answers->closes}, answers->release);
    return;
  }
  const auto& [place, said] = call.notes->places[answers->next++];
  if (place >= answers->elements.size()) return SayNextOfExec(call, answers);
  std::string& element = answers->elements[place];
  own_words_.SayQueued(
      said, std::string(element), *this,
      [this, handle = handle_, &call, &element, answers](const OwnWords::Answer& answer) {
        if (handle->session == nullptr) return;
        element = answer.reply;
        answers->closes = answers->closes || answer.closes;
        SayNextOfExec(call, answers);
      });
}

void Session::SayAlone(Call& call) {
  call.state = CallState::kAnswered;
  queue_.HeldChanged();
  const auto release = Withhold(call);
  own_words_.SayAlone(call,
                      [this, handle = handle_, &call, release](const OwnWords::Answer& answer) {
                        if (handle->session != nullptr) TakeAnswer(call, answer, release);
                      });
}

void Session::TakeAnswer(Call& call, const OwnWords::Answer& answer,
                         const std::function<void()>& release) {
  queue_.Answer(call, base::CopySlice(answer.reply));
  // Of one that killed itself nothing more is done; with the reply in its hands it is closed.
  if (answer.closes) ++withheld_;
  release();
  if (answer.closes && !closed_) stream_.CloseWhenWritten();
}

void Session::ResolveId(Call& call) {
  if (std::exchange(call.resolving, true)) return;
  std::vector<std::string_view> args;
  resp::PeekArguments(call.request.view(), ~size_t{0}, &args);
  const auto ours = static_cast<uint64_t>(resp::ParseNumber(args[call.id_at]).value_or(0));
  // Whoever gets another's invalidations must have a connection that the server can name.
  const bool needs_lease = resp::EqualsWord(args[1], "TRACKING");
  struct Found {
    bool open = false;
    uint64_t id = 0;
  };
  const auto found = std::make_shared<Found>();
  context_.client_hub.VisitClients(
      [ours, found, needs_lease](Session& session) {
        if (session.state().id != ours) return;
        if (needs_lease) session.KeepLease();
        *found = {true, session.server_id()};
      },
      [this, handle = handle_, &call, found, needs_lease] {
        if (handle->session == nullptr) return;
        call.resolving = false;
        if (needs_lease && found->open && found->id == 0 && ++call.resolved < kMostResolved) {
          owner_.OnSessionWaits(*this);  // its lease is being connected: at the next tick
          return;
        }
        OwnWords::PutId(call, found->id);
        SchedulePump();
      });
}

void Session::KeepLease() {
  if (closed_) return;
  state_.SetKeeps(Keep::kGoal, true);
  SchedulePump();
}

uint64_t Session::server_id() const {
  const backend::Connection* lease = upstream_.lease();
  return lease != nullptr && upstream_.pool() == context_.nodes.Master() ? lease->client_id() : 0;
}

// RESET: as if it had just connected, but for its library's name.
void Session::ForgetEverything() {
  upstream_.DropLease();
  state_.key = {state_.must_authenticate || !context_.settings.proxy.users.empty()
                    ? context_.own_identity
                    : context_.identities.Anonymous(),
                0, 2};
  state_.must_authenticate = !context_.settings.proxy.users.empty();
  state_.name.clear();
  state_.keeps = 0;
  state_.redirect = 0;
  state_.subscriptions.reset();
  queue_.WantReplies();
  state_.user.clear();
  state_.transaction_lost = state_.watch_lost = state_.debug_refused = false;
  state_.refusal_of_multi.clear();
}

std::string Session::Flags() const {
  std::string flags;
  const Transaction& transaction = upstream_.transaction();
  bool blocked = false;
  for (const Call* call = queue_.front(); call != nullptr; call = call->next)
    blocked = blocked || (call->blocks && call->in_connection);
  if (raw_word_ != '\0') flags += raw_word_;
  if (state_.Subscribed()) flags += 'P';
  if (transaction.sent_multi) flags += 'x';
  if (blocked) flags += 'b';
  if (transaction.watching && state_.watch_lost) flags += 'd';
  if (draining_) flags += 'c';
  if (state_.Keeps(Keep::kTracking)) flags += 't';
  if (state_.peer == "unix") flags += 'U';
  if (state_.Keeps(Keep::kNoEvict)) flags += 'e';
  if (state_.Keeps(Keep::kNoTouch)) flags += 'T';
  return flags.empty() ? "N" : flags;
}

ClientFacts Session::Facts() const {
  const uint64_t now = context_.loop.now_ms();
  const Transaction& transaction = upstream_.transaction();
  const backend::Identity& identity = *state_.key.identity;
  ClientFacts facts;
  facts.id = state_.id;
  facts.laddr = net::LocalName(fd_);
  facts.addr = state_.peer == "unix" ? facts.laddr : state_.peer;
  facts.fd = fd_;
  facts.name = state_.name;
  facts.age_s = (now - since_ms_) / 1000;
  facts.idle_s = (now - last_active_ms_) / 1000;
  facts.flags = Flags();
  facts.capa = state_.redirects ? "r" : "";
  facts.db = state_.key.db;
  facts.resp = state_.key.protocol;
  if (state_.subscriptions != nullptr) {
    using Kind = Subscriptions::Kind;
    facts.sub = state_.subscriptions->Of(Kind::kChannels).size();
    facts.psub = state_.subscriptions->Of(Kind::kPatterns).size();
    facts.ssub = state_.subscriptions->Of(Kind::kShards).size();
  }
  if (state_.Keeps(Keep::kTracking)) facts.redir = state_.redirect;
  if (transaction.sent_multi) facts.multi = static_cast<int64_t>(transaction.queued);
  facts.watch = transaction.watching ? 1 : 0;
  facts.qbuf = stream_.left_over();
  facts.output = stream_.unsent() + queue_.waiting_bytes();
  facts.cmd = state_.last_command == nullptr || state_.last_command->name.empty()
                  ? "NULL"
                  : state_.last_command->name;
  facts.user = !state_.user.empty()                                ? state_.user
               : identity.user.empty() || state_.must_authenticate ? "default"
                                                                   : identity.user;
  facts.lib_name = state_.lib_name;
  facts.lib_ver = state_.lib_version;
  facts.bytes_in = state_.bytes_in;
  facts.bytes_out = stream_.total_sent();
  facts.commands = state_.commands;

  facts.worker = context_.worker;
  facts.where = raw_                         ? "raw"
                : state_.KeepsLease()        ? "kept"
                : upstream_.has_lease()      ? "lease"
                : upstream_.on_the_way() > 0 ? "lane"
                                             : "";
  if (const backend::NodePool* pool = upstream_.pool()) facts.node = pool->shared().name;
  facts.on_the_way = upstream_.on_the_way();
  facts.held = queue_.first_held() != nullptr;
  return facts;
}

}  // namespace frontend
