#include "proxy/frontend/aftermath.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/frontend/own_words.h"
#include "proxy/frontend/script_wire.h"
#include "proxy/frontend/settle.h"
#include "proxy/resp/number.h"
#include "proxy/resp/reply_scan.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kQueued = "+QUEUED\r\n";

// The error line without '-' and line end; "" if it is no error.
std::string_view ErrorOf(std::string_view reply) {
  if (!resp::IsErrorReply(reply)) return {};
  reply.remove_prefix(1);
  return reply.substr(0, reply.find_first_of("\r\n"));
}

// The client that CLIENT TRACKING names, by our id; 0 if there is none.
int64_t RedirectIn(const Call& call) {
  if (call.said.empty()) return 0;  // no id in it had to be resolved
  std::vector<std::string_view> args;
  resp::PeekArguments(call.said.view(), ~size_t{0}, &args);
  const uint8_t at = OwnWords::IdIn(args);
  return at == 0 ? 0 : resp::ParseNumber(args[at]).value_or(0);
}

replication::ScriptRef BodyIn(const Call& call, size_t at) {
  std::vector<std::string_view> args;
  resp::PeekArguments(call.request.view(), at + 1, &args);
  return std::make_shared<replication::ScriptBody>(std::string(args[at]));
}

}  // namespace

bool Aftermath::WantsWhole(const Call& call, std::string_view front) {
  // An error may be the sign of a changed role, a reason to ask the master, or a miss.
  switch (call.after) {
    case After::kNothing:
    case After::kScript:
      return resp::IsErrorReply(front);
    // What EXEC returns may be large: it is held back only where something in it matters.
    case After::kExec:
      return resp::IsErrorReply(front) || (call.notes != nullptr && !call.notes->only_scripts());
    case After::kSwallow:
      return false;
    default:
      return true;
  }
}

Aftermath::Next Aftermath::Take(Call& call, ReplyQueue& queue, Upstream& upstream) {
  const std::string text = call.wants_whole ? call.reply.Flatten() : std::string(call.head());
  const std::string_view reply = text;
  backend::NodePool& pool = *context_.nodes.Pool(call.node);
  if (reply == kQueued && upstream.has_lease()) {
    upstream.transaction().OnQueued(call);
    return Next::kDeliver;
  }
  if (call.plan.wire == replication::Wire::kWithBody && resp::ErrorCode(reply) == "NOPERM")
    context_.eval_rights.Doubt(pool, state_.key.identity, HasReadOnlyName(call.request));
  // Inside MULTI nothing happens before EXEC, if at all.
  if (call.queued) return Next::kDeliver;
  if (call.nil_reply) {
    upstream.transaction().OnReply(After::kDiscard, reply);
    queue.Answer(call, base::StaticSlice(state_.key.protocol == 3 ? "_\r\n" : "*-1\r\n"));
    return Next::kDeliver;
  }
  const std::string_view code = resp::ErrorCode(reply);
  if (call.flushing_in != nullptr)
    std::exchange(call.flushing_in, nullptr)->FlushAnswered(code.empty());
  if (code == "READONLY" || code == "MASTERDOWN" || code == "LOADING") context_.hub.AskNodesNow();
  if (call.by_replica && call.read_only && !call.to_master &&
      (code == "MASTERDOWN" || code == "LOADING"))
    return Next::kToMaster;

  switch (call.after) {
    case After::kNothing:
    case After::kSwallow:
    case After::kReset:
      return Next::kDeliver;
    case After::kOwnWord:
    case After::kInfo:
    case After::kScriptShow:
    case After::kProxy:
      return OwnWords::MayAnswer(call, reply) ? Next::kOwnWord : Next::kDeliver;
    case After::kScript:
      return TakeScript(call, reply, pool);
    case After::kScriptLoad:
      return TakeScriptLoad(call, reply, pool);
    case After::kScriptExists:
      TakeScriptExists(call, reply, queue);
      return Next::kDeliver;
    case After::kScriptFlush:
      return reply == kOk ? Next::kFlush : Next::kDeliver;
    case After::kSubscribe:
      if (state_.subscriptions == nullptr) state_.subscriptions = std::make_unique<Subscriptions>();
      state_.subscriptions->OnConfirmed(reply);
      upstream.lease()->SetSubscribed(state_.Subscribed());
      upstream.NoteKeeper();
      return Next::kDeliver;
    case After::kRefused:
      queue.Answer(call, std::move(call.said));
      return Next::kDeliver;
    case After::kReplyMode:
      call.mode_said = reply == kOk;
      return Next::kDeliver;
    case After::kKeep:
      if (reply == kOk) state_.SetKeeps(call.keep, call.keep_on);
      if (reply == kOk && call.keep == Keep::kTracking) state_.redirect = RedirectIn(call);
      upstream.NoteKeeper();
      return Next::kDeliver;
    case After::kHello:
      TakeHello(call, reply, queue, upstream);
      return Next::kDeliver;
    case After::kAuth:
      if (reply == kOk) {
        state_.key.identity = call.identity;
      } else {
        upstream.transaction().tainted = true;
      }
      return Next::kDeliver;
    case After::kSelect:
      if (reply == kOk) state_.key.db = call.db;
      return Next::kDeliver;
    case After::kMulti:
      if (code == "BUSY" && upstream.lease() != nullptr && upstream.lease()->closed()) {
        // A script keeps the node from selecting the client's database. What follows must not run
        // outside of the transaction, which the server itself would have begun: EXEC will abort it.
        upstream.transaction().OnReply(call.after, reply);
        state_.transaction_lost = true;
        state_.refusal_of_multi = ErrorOf(reply);
        queue.Answer(call, base::StaticSlice(kOk));
        return Next::kDeliver;
      }
      [[fallthrough]];
    case After::kDiscard:
    case After::kWatch:
    case After::kUnwatch:
      upstream.transaction().OnReply(call.after, reply);
      return Next::kDeliver;
    case After::kExec:
      return TakeExec(call, reply, upstream);
    case After::kScriptKill:
    case After::kFunctionKill:
      return code == "NOPERM" || code == "NOAUTH" ? Next::kDeliver : Next::kKill;
    case After::kPause:
      if (reply == kOk) pool.PauseWrites(call.pause_ms);
      return Next::kDeliver;
    case After::kUnpause:
      if (reply == kOk) pool.UnpauseWrites();
      return Next::kDeliver;
    case After::kRoleChange:
      context_.hub.AskNodesNow();
      return Next::kDeliver;
  }
  return Next::kDeliver;
}

void Aftermath::LearnBody(const Call& call, replication::ScriptRef body, const char* how) {
  if (call.script_epoch != context_.scripts.epoch()) return;  // a flush came between
  if (context_.scripts.Find(body->sha) != nullptr) return;
  body->last_used.store(context_.Tick(), std::memory_order_relaxed);
  context_.hub.Learned(std::move(body), call.script_epoch, how);
}

Aftermath::Next Aftermath::TakeScript(Call& call, std::string_view reply, backend::NodePool& pool) {
  using replication::Proof;
  if (reply == kQueued) return Next::kDeliver;
  const std::string_view error = ErrorOf(reply);
  const Proof proof = replication::Judge(error, call.script.sha);
  if (replication::Learn(pool.Scripts(), call.lane, call.script, call.plan, proof))
    context_.hub.Known(call.node, call.plan.generation, call.script.sha);
  const bool had_body = replication::CarriesBody(call.script, call.plan);
  if (!call.script.by_sha) {
    if (proof == Proof::kRan) {
      if (context_.scripts.Find(call.script.sha) == nullptr)
        LearnBody(call, BodyIn(call, 1), "EVAL");
    } else if (proof == Proof::kDoubtful && context_.scripts.Find(call.script.sha) == nullptr &&
               call.request.size <= context_.settings.scripts.max_memory) {
      context_.hub.Verify(call.node, call.script_epoch, {BodyIn(call, 1)});
    }
  } else if (!call.script.has_body && proof == Proof::kRan) {
    context_.hub.Show(call.node, call.script.sha);
  }
  if (proof != Proof::kNoScript || had_body) return Next::kDeliver;
  if (call.plan.exposed) return Next::kMissed;
  if (!call.to_master && call.by_replica && call.read_only) return Next::kToMaster;
  context_.counters.noscript_passed_unknown.Add();
  SayNoScriptIsRight(call,
                     context_.scripts.Find(call.script.sha) == nullptr
                         ? "shacast does not hold that script"
                         : "its user may not send a body",
                     context_);
  return Next::kDeliver;
}

Aftermath::Next Aftermath::TakeScriptLoad(Call& call, std::string_view reply,
                                          backend::NodePool& pool) {
  replication::ScriptRef body = std::move(call.body);
  const std::string expected = "$40\r\n" + body->sha.ToString() + "\r\n";
  if (reply != expected) return Next::kDeliver;
  if (pool.Scripts().MarkKnown(body->sha, call.plan.generation, call.plan.sent_at, true))
    context_.hub.Known(call.node, call.plan.generation, body->sha);
  if (const auto* held = context_.scripts.Find(body->sha)) {
    body = *held;
  } else {
    LearnBody(call, body, "SCRIPT LOAD");
  }
  call.body = std::move(body);
  return Next::kDistribute;
}

void Aftermath::TakeScriptExists(Call& call, std::string_view reply, ReplyQueue& queue) {
  std::vector<std::string_view> args;
  resp::PeekArguments(call.request.view(), ~size_t{0}, &args);
  // An array of as many numbers as there were shas: a script that we hold exists.
  const std::string head = "*" + std::to_string(args.size() - 2) + "\r\n";
  if (!reply.starts_with(head)) return;
  std::string answer = head;
  std::string_view rest = reply.substr(head.size());
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return;
    const auto sha = replication::Sha1::Parse(args[i]);
    const bool held = sha && context_.scripts.Find(*sha) != nullptr;
    answer += held ? std::string_view(":1\r\n") : rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
  }
  queue.Answer(call, base::CopySlice(answer));
}

void Aftermath::TakeHello(Call& call, std::string_view reply, ReplyQueue& queue,
                          Upstream& upstream) {
  if (resp::IsErrorReply(reply) || reply == kQueued) {
    if (call.identity != nullptr) upstream.transaction().tainted = true;
    return;
  }
  if (call.protocol > 0) state_.key.protocol = call.protocol;
  if (call.identity != nullptr) state_.key.identity = call.identity;
  if (call.protocol > 0 && !state_.hello_name.empty()) state_.name = state_.hello_name;
  // The connection's id in the reply is that of a lane: the client's own is put in its place.
  constexpr std::string_view kId = "$2\r\nid\r\n:";
  const size_t at = reply.find(kId);
  if (at == std::string_view::npos) return;
  const size_t begin = at + kId.size();
  std::string answer(reply.substr(0, begin));
  answer += std::to_string(state_.id);
  answer += reply.substr(reply.find('\r', begin));
  queue.Answer(call, base::CopySlice(answer));
}

// SELECT and HELLO inside the transaction: those whose element of EXEC's array is no error.
void Aftermath::TakeChanges(std::string_view reply, Upstream& upstream) {
  upstream.transaction().tainted = true;
  size_t at = reply.find('\n') + 1;
  size_t element = 0;
  for (const Transaction::Change& change : upstream.transaction().changes) {
    resp::ReplyScan scan;
    for (; element < change.at && at < reply.size(); ++element) {
      scan.Reset();
      if (scan.Scan(reply.substr(at)) != resp::ReplyScan::Outcome::kComplete) return;
      at += static_cast<size_t>(scan.size());
    }
    if (at >= reply.size() || reply[at] == '-') continue;
    if (change.identity != nullptr) state_.key.identity = change.identity;
    if (change.db >= 0) state_.key.db = change.db;
    if (change.protocol > 0) state_.key.protocol = change.protocol;
  }
}

Aftermath::Next Aftermath::TakeExec(Call& call, std::string_view reply, Upstream& upstream) {
  upstream.transaction().OnReply(After::kExec, reply);
  const bool ran = reply.starts_with('*') && !reply.starts_with("*-1");
  if (!ran || call.notes == nullptr) return Next::kDeliver;
  if (call.notes->changes) TakeChanges(reply, upstream);
  if (call.notes->flush) return Next::kFlush;
  call.notes->places = std::move(upstream.transaction().own_words);
  if (!call.notes->scripts.empty())
    context_.hub.Verify(call.node, call.script_epoch, std::move(call.notes->scripts));
  return call.notes->places.empty() ? Next::kDeliver : Next::kOwnWord;
}

}  // namespace frontend
