// What becomes of a client's commands after something went wrong under them.
//
// A call that missed (NOSCRIPT, proven to be the server's) has executed nothing, nor has one whose
// last byte never left. A read that was on its way when its connection broke may be repeated. A
// write that was on its way may have been executed, and only the client can decide. Whatever may be
// sent once more is, unless something behind it was executed already (replication::Repairable).
//
// Called when nothing of the session is on its way any more, so that all outcomes are known.
#pragma once

#include <string>

#include "proxy/frontend/reply_queue.h"
#include "proxy/frontend/session_context.h"

namespace frontend {

// Every call that is kMissed or kLost becomes kHeld (to be sent once more) or kAnswered.
// `lost_why`: what UPSTREAMLOST says.
void Settle(ReplyQueue& queue, const std::string& lost_why, SessionContext& context);

// The log line for a NOSCRIPT that goes to the client although we hold the body.
void SayNoScriptPassed(const Call& call, const char* why, SessionContext& context);
// ... or because there is none, or nothing to be repaired.
void SayNoScriptIsRight(const Call& call, const char* why, SessionContext& context);

}  // namespace frontend
