#include "proxy/frontend/settle.h"

#include <vector>

#include "proxy/base/log.h"
#include "proxy/resp/reply_writer.h"

namespace frontend {
namespace {

// A read that was on its way and lost so often is given up.
constexpr int kMostAttempts = 4;

bool NothingExecuted(const Call& call) {
  switch (call.state) {
    case CallState::kHeld:
      return true;
    case CallState::kMissed:
      return call.confirmed;
    case CallState::kLost:
      return !call.was_sent;
    case CallState::kAnswered:
      return call.attempts == 0;  // by us
    default:
      return false;
  }
}

// It may be sent once more, as far as it alone is concerned.
bool MaySendAgain(const Call& call) {
  if (call.state != CallState::kLost) return NothingExecuted(call);
  if (call.streaming || call.partly_out) return false;
  // What never left waits for a node as long as routing.failover_hold allows, however often tried.
  return !call.was_sent || (call.read_only && call.attempts < kMostAttempts);
}

}  // namespace

void SayNoScriptPassed(const Call& call, const char* why, SessionContext& context) {
  base::log::WriteWithin(context.script_lines, context.loop.now_ms(), base::log::Level::kWarn,
                         "noscript.passed", "NOSCRIPT went to the client",
                         {{"sha", call.script.sha.ToString()}, {"why", why}});
}

void SayNoScriptIsRight(const Call& call, const char* why, SessionContext& context) {
  base::log::WriteWithin(context.noscript_lines, context.loop.now_ms(), base::log::Level::kInfo,
                         "noscript.passed", "NOSCRIPT went to the client",
                         {{"sha", call.script.sha.ToString()}, {"why", why}});
}

void Settle(ReplyQueue& queue, const std::string& lost_why, SessionContext& context) {
  base::Counters& counters = context.counters;
  std::vector<Call*> calls;
  std::vector<replication::Outcome> outcomes;
  for (Call* call = queue.front(); call != nullptr; call = call->next) {
    calls.push_back(call);
    outcomes.push_back({MaySendAgain(*call), call->read_only});
  }
  const std::vector<bool> again = replication::Repairable(outcomes);
  for (size_t i = 0; i < calls.size(); ++i) {
    Call& call = *calls[i];
    if (call.state != CallState::kMissed && call.state != CallState::kLost) continue;
    if (again[i]) {
      if (call.state == CallState::kMissed) {
        call.pass_body = true;
        counters.noscript_repaired.Add();
        base::log::WriteWithin(context.script_lines, context.loop.now_ms(), base::log::Level::kInfo,
                               "noscript.repaired", "sent once more with the body",
                               {{"sha", call.script.sha.ToString()}});
      } else if (call.read_only) {
        counters.reads_repeated.Add();
      }
      queue.DropReply(call);
      call.confirmed = call.checking = call.was_sent = false;
      call.wants_whole = call.wants_whole && call.after != After::kScript;
      call.plan = replication::Plan();
      call.state = CallState::kHeld;
      continue;
    }
    if (call.state == CallState::kMissed) {
      counters.noscript_passed_order.Add();
      call.state = CallState::kAnswered;  // the server's words are in its place already
      SayNoScriptPassed(call, "what the client sent behind it has been executed already", context);
      continue;
    }
    counters.upstream_lost.Add();
    queue.Answer(call, base::CopySlice(resp::ReplyWriter(2)
                                           .Error("UPSTREAMLOST " + lost_why +
                                                  "; the command may have been executed")
                                           .Take()));
  }
  queue.HeldChanged();
}

}  // namespace frontend
