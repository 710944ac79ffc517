#include "proxy/frontend/dispatcher.h"

#include <algorithm>
#include <utility>

#include "proxy/frontend/script_wire.h"
#include "proxy/resp/number.h"
#include "proxy/resp/reply_writer.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

using resp::EqualsWord;
using resp::Kind;

constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
constexpr std::string_view kNoAuthHello =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
    "protocol version at the same time";
constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";
constexpr std::string_view kBadName =
    "ERR Client names cannot contain spaces, newlines or special characters.";
constexpr std::string_view kNoDebug =
    "ERR SCRIPT DEBUG is refused by shacast: it would stop a connection that others share; connect "
    "to the server itself";
constexpr std::string_view kNoShutdown =
    "ERR SHUTDOWN is refused by shacast; set routing.forward_shutdown = true to pass it on";

// A sum with the present time does not overflow.
constexpr int64_t kLongestPauseMs = int64_t{1} << 61;

std::string ErrorReply(std::string_view words) {
  return resp::ReplyWriter(2).Error(words).Take();
}

bool IsReadOnlyForm(std::string_view name) {
  return name.ends_with("_ro");
}

// BLOCK in front of STREAMS; not the names in GROUP group consumer.
bool SaysBlock(const Dispatcher::Args& args) {
  for (size_t i = 1; i < args.size(); ++i) {
    if (EqualsWord(args[i], "STREAMS")) return false;
    if (EqualsWord(args[i], "BLOCK")) return true;
    if (EqualsWord(args[i], "GROUP")) i += 2;
  }
  return false;
}

// Takes as long for a wrong password as for a right one.
bool SameSecret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b.empty() ? 1 : b[i % b.size()]);
  return difference == 0;
}

}  // namespace

Dispatcher::Verdict Dispatcher::Prepare(Call& call, const Args& args, bool in_multi,
                                        std::string* answer) {
  const std::string_view sub = args.size() > 1 ? args[1] : std::string_view();
  const resp::Command& command = context_.table->Find(args[0], sub);
  NoteLast(command);
  if (state_.must_authenticate && command.kind != Kind::kAuth && command.kind != Kind::kHello &&
      command.kind != Kind::kQuit && command.kind != Kind::kReset &&
      command.kind != Kind::kCloses) {
    *answer = ErrorReply(kNoAuth);
    return Verdict::kAnswer;
  }
  // The server will refuse it, so it needs no connection of its own. (EXEC ends the transaction all
  // the same.)
  if (!command.Takes(args.size()) && !(in_multi && command.kind == Kind::kExec))
    return Plain(call, command);
  call.may_write = command.may_write;
  if (state_.debug_refused && (command.kind == Kind::kEval || command.kind == Kind::kEvalSha)) {
    // redis-cli --ldb does not look at the answer to SCRIPT DEBUG.
    state_.debug_refused = false;
    *answer = ErrorReply(kNoDebug);
    return Verdict::kAnswer;
  }
  switch (command.kind) {
    case Kind::kPlain:
      return Plain(call, command);
    case Kind::kCursor:
      call.read_only = command.read_only;
      return Verdict::kSend;
    case Kind::kFunctionCall:
      call.is_script = true;
      return Plain(call, command);
    case Kind::kFunctionKill:
      if (!MayExist(command) || args.size() != 2) return Plain(call, command);
      return Kill(call, After::kFunctionKill);
    case Kind::kEval:
      return Eval(call, args, command);
    case Kind::kEvalSha:
      return EvalSha(call, args, command);
    case Kind::kScript:
      return Script(call, args, answer);
    case Kind::kMulti:
      return Bare(call, args, command, After::kMulti);
    case Kind::kExec:
      // From 6.2 on any EXEC ends the transaction, also one with arguments.
      return in_multi ? Lease(call, After::kExec) : Bare(call, args, command, After::kExec);
    case Kind::kDiscard:
      return Bare(call, args, command, After::kDiscard);
    case Kind::kUnwatch:
      return Bare(call, args, command, After::kUnwatch);
    case Kind::kWatch:
      return args.size() > 1 ? Lease(call, After::kWatch) : Plain(call, command);
    case Kind::kBlockOption:
      if (!SaysBlock(args)) return Plain(call, command);
      [[fallthrough]];
    case Kind::kBlocking:
      call.blocks = true;
      return Lease(call);
    case Kind::kWait:
      call.blocks = true;
      call.about_writes = true;
      return Lease(call);
    case Kind::kSubscribe:
      return Subscribe(call, args, command, in_multi);
    case Kind::kPinning:
      call.pins = true;
      return Lease(call);
    case Kind::kStream:
      call.pins = true;
      call.is_sync = !EqualsWord(args[0], "MONITOR");
      return Lease(call);
    case Kind::kSelect:
      return Select(call, args);
    case Kind::kAuth:
      return Auth(call, args, answer);
    case Kind::kHello:
      return in_multi ? QueuedHello(call, args) : Hello(call, args, answer);
    case Kind::kReset:
      if (!MayExist(command) || args.size() != 1) return Plain(call, command);
      return Local(call, After::kReset);
    case Kind::kQuit:
      *answer = kOk;
      return Verdict::kQuit;
    case Kind::kClient:
      call.id_at = OwnWords::IdIn(args);
      if (!in_multi) return Client(call, args);
      if (!own_words_.PrepareClient(call, args)) {
        if (ClientKeep(call, args)) {
          call.pins = true;
          return Lease(call);
        }
        call.taints = args.size() > 2;
      }
      call.barrier = false;
      return Verdict::kSend;
    case Kind::kInfo:
      if (in_multi || !OwnWords::PrepareInfo(call, args)) return Plain(call, command);
      return Verdict::kSend;
    case Kind::kProxy:
      if (!in_multi) own_words_.PrepareProxy(call, args);
      return Verdict::kSend;
    case Kind::kShutdown:
      if (context_.settings.routing.forward_shutdown) {
        return Kill(call, After::kNothing);
      }
      *answer = ErrorReply(kNoShutdown);
      return Verdict::kAnswer;
    case Kind::kRoleChange:
      call.after = After::kRoleChange;
      return Verdict::kSend;
    case Kind::kCloses:
      return Verdict::kClose;
  }
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::Plain(Call& call, const resp::Command& command) {
  call.read_only = command.read_only;
  call.where = command.read_only ? Where::kReads : Where::kMaster;
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::Lease(Call& call, After after) {
  call.where = Where::kLease;
  call.after = after;
  return Verdict::kSend;
}

// For CLIENT LIST.
void Dispatcher::NoteLast(const resp::Command& command) {
  if (state_.last_table != context_.table) state_.last_table = context_.table;
  state_.last_command = &command;
  ++state_.commands;
}

// It must get through to a busy node.
Dispatcher::Verdict Dispatcher::Kill(Call& call, After after) {
  call.ends_trouble = call.barrier = true;
  return Lease(call, after);
}

// A command without arguments; with some it is an error that changes nothing.
Dispatcher::Verdict Dispatcher::Bare(Call& call, const Args& args, const resp::Command& command,
                                     After after) {
  return args.size() == 1 ? Lease(call, after) : Plain(call, command);
}

Dispatcher::Verdict Dispatcher::Local(Call& call, After after) {
  call.where = Where::kNowhere;
  call.after = after;
  return Verdict::kSend;
}

bool Dispatcher::VouchedReadOnly(const replication::Sha1& sha) const {
  return std::binary_search(context_.vouched.begin(), context_.vouched.end(), sha);
}

// The server has the command, as far as we know.
bool Dispatcher::MayExist(const resp::Command& command) const {
  return command.told || context_.table->known() == 0;
}

Dispatcher::Verdict Dispatcher::Eval(Call& call, const Args& args, const resp::Command& command) {
  if (args.size() < 3 || !MayExist(command)) return Plain(call, command);
  call.after = After::kScript;
  call.script.sha = replication::Sha1::Of(args[1]);
  call.script.by_sha = false;
  call.script.has_body = true;
  call.script.well_formed = HasValidNumkeys(args);
  call.script.read_only = IsReadOnlyForm(command.name) || replication::SaysNoWrites(args[1]) ||
                          VouchedReadOnly(call.script.sha);
  const auto* held = context_.scripts.Find(call.script.sha);
  if (held != nullptr) call.body = *held;
  call.may_write = command.may_write && !replication::SaysNoWrites(args[1]);
  call.script.may_imitate =
      held != nullptr ? (*held)->says_noscript : replication::SaysNoScript(args[1]);
  call.read_only = call.script.read_only;
  call.where = call.read_only ? Where::kReads : Where::kMaster;
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::EvalSha(Call& call, const Args& args,
                                        const resp::Command& command) {
  const auto sha = args.size() < 3 ? std::nullopt : replication::Sha1::Parse(args[1]);
  // What names no script, and EVALSHA_RO where there is none (6.2 and before), is the server's
  // business.
  if (!sha || !MayExist(command)) return Plain(call, command);
  call.after = After::kScript;
  call.script.sha = *sha;
  call.script.by_sha = true;
  call.script.well_formed = HasValidNumkeys(args);
  bool no_writes = false;
  if (const auto* body = context_.scripts.Find(*sha)) {
    call.body = *body;
    call.script.has_body = true;
    no_writes = call.body->no_writes;
  }
  call.script.read_only = IsReadOnlyForm(command.name) || no_writes || VouchedReadOnly(*sha);
  call.may_write = command.may_write && !no_writes;
  call.read_only = call.script.read_only;
  call.where = call.read_only ? Where::kReads : Where::kMaster;
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::Script(Call& call, const Args& args, std::string* answer) {
  const std::string_view sub = args.size() > 1 ? args[1] : std::string_view();
  const size_t n = args.size();
  if (EqualsWord(sub, "LOAD") && n == 3) {
    call.after = After::kScriptLoad;
  } else if (EqualsWord(sub, "EXISTS") && n >= 3) {
    call.after = After::kScriptExists;
  } else if (EqualsWord(sub, "FLUSH") && (n == 2 || (n == 3 && (EqualsWord(args[2], "SYNC") ||
                                                                EqualsWord(args[2], "ASYNC"))))) {
    call.after = After::kScriptFlush;
    call.barrier = true;
  } else if (EqualsWord(sub, "KILL") && n == 2) {
    return Kill(call, After::kScriptKill);
  } else if (EqualsWord(sub, "SHOW") && n == 3) {
    return Local(call, After::kScriptShow);
  } else if (EqualsWord(sub, "DEBUG")) {
    state_.debug_refused = n == 3 && (EqualsWord(args[2], "YES") || EqualsWord(args[2], "SYNC"));
    *answer = ErrorReply(kNoDebug);
    return Verdict::kAnswer;
  }
  return Verdict::kSend;  // the master knows the rest
}

Dispatcher::Verdict Dispatcher::Subscribe(Call& call, const Args& args,
                                          const resp::Command& command, bool in_multi) {
  if (!MayExist(command)) return Plain(call, command);
  if (in_multi) {
    call.pins = true;
    return Lease(call);
  }
  call.read_only = true;  // twice is once
  call.channels = static_cast<uint32_t>(args.size() - 1);
  call.barrier = call.channels == 0;  // from all channels that there will be then
  return Lease(call, After::kSubscribe);
}

// CLIENT subcommands after which a server treats the connection in another way.
bool Dispatcher::ClientKeep(Call& call, const Args& args) {
  if (args.size() < 3) return false;
  const auto is = [&](std::string_view word) { return EqualsWord(args[1], word); };
  const auto says = [&](std::string_view word) { return EqualsWord(args[2], word); };
  if (is("REPLY") && args.size() == 3 && (says("ON") || says("OFF") || says("SKIP"))) {
    // The connection goes on replying; what the client does not want is dropped here.
    call.after = After::kReplyMode;
    call.reply_mode = says("ON")    ? ReplyMode::kOn
                      : says("OFF") ? ReplyMode::kOff
                                    : ReplyMode::kSkip;
    return true;
  }
  if (is("TRACKING")) {
    call.keep = Keep::kTracking;
  } else if (is("NO-EVICT")) {
    call.keep = Keep::kNoEvict;
  } else if (is("NO-TOUCH")) {
    call.keep = Keep::kNoTouch;
  } else if (is("IMPORT-SOURCE")) {
    call.keep = Keep::kImportSource;
  } else {
    return false;
  }
  call.keep_on = says("ON");
  return call.keep_on || says("OFF");
}

Dispatcher::Verdict Dispatcher::Select(Call& call, const Args& args) {
  const auto db = args.size() == 2 ? resp::ParseNumber(args[1]) : std::nullopt;
  if (!db || *db < 0 || *db > 0x7fff) return Verdict::kSend;  // the server refuses it
  call.after = After::kSelect;
  call.db = static_cast<int16_t>(*db);
  call.barrier = true;
  return Verdict::kSend;
}

bool Dispatcher::Authenticates(std::string_view user, std::string_view password) const {
  bool found = false;
  for (const config::User& known : context_.settings.proxy.users)
    found = (known.name == user && SameSecret(password, known.password)) || found;
  return found;
}

Dispatcher::Verdict Dispatcher::Auth(Call& call, const Args& args, std::string* answer) {
  if (args.size() != 2 && args.size() != 3) return Verdict::kSend;  // the server says what is wrong
  const std::string_view user = args.size() == 3 ? args[1] : std::string_view();
  const std::string_view password = args.back();
  if (!context_.settings.proxy.users.empty()) {
    const std::string_view name = user.empty() ? "default" : user;
    const bool right = Authenticates(name, password);
    if (right) {
      state_.must_authenticate = false;
      state_.user = name;
    }
    *answer = right ? std::string(kOk) : ErrorReply(kWrongPass);
    return Verdict::kAnswer;
  }
  call.where = Where::kLease;
  call.after = After::kAuth;
  call.barrier = true;
  call.identity = context_.identities.Intern(std::string(user), std::string(password));
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::Hello(Call& call, const Args& args, std::string* answer) {
  const bool ours = !context_.settings.proxy.users.empty();
  const auto refuse = [&](std::string_view words) {
    *answer = ErrorReply(words);
    return Verdict::kAnswer;
  };
  const auto version = args.size() > 1 ? resp::ParseNumber(args[1]) : std::nullopt;
  if (args.size() > 1 && (!version || (*version != 2 && *version != 3))) {
    // The server refuses it before it looks at the rest.
    call.after = After::kHello;
    call.barrier = true;
    call.request = base::CopySlice(resp::EncodeCommand({"HELLO", args[1]}));
    return Verdict::kSend;
  }
  std::optional<std::pair<std::string_view, std::string_view>> credentials;
  std::string_view name;
  for (size_t i = 2; i < args.size();) {
    const size_t left = args.size() - i - 1;
    if (EqualsWord(args[i], "AUTH") && left >= 2) {
      credentials.emplace(args[i + 1], args[i + 2]);
      i += 3;
    } else if (EqualsWord(args[i], "SETNAME") && left >= 1) {
      name = args[i + 1];
      if (!IsClientName(name)) return refuse(kBadName);
      i += 2;
    } else {
      return refuse("ERR Syntax error in HELLO option '" + std::string(args[i]) + "'");
    }
  }
  call.after = After::kHello;
  call.barrier = true;
  if (ours && state_.must_authenticate) {
    if (!credentials) return refuse(kNoAuthHello);
    if (!Authenticates(credentials->first, credentials->second)) return refuse(kWrongPass);
    state_.must_authenticate = false;
    state_.user = credentials->first;
  }
  if (!version) {
    call.request = base::CopySlice(resp::EncodeCommand({"HELLO"}));
    return Verdict::kSend;
  }
  call.protocol = static_cast<int16_t>(*version);
  state_.hello_name = name;
  Args words = {"HELLO", args[1]};
  if (credentials && !ours) {
    words.insert(words.end(), {"AUTH", credentials->first, credentials->second});
    call.where = Where::kLease;
    call.identity = context_.identities.Intern(std::string(credentials->first),
                                               std::string(credentials->second));
  }
  // The name stays with us: a connection that others share has its own.
  call.request = base::CopySlice(resp::EncodeCommand(words));
  return Verdict::kSend;
}

// Inside MULTI the server queues it as it is; what it changes is noted for EXEC.
Dispatcher::Verdict Dispatcher::QueuedHello(Call& call, const Args& args) {
  const auto version = args.size() > 1 ? resp::ParseNumber(args[1]) : std::nullopt;
  if (version && (*version == 2 || *version == 3)) call.protocol = static_cast<int16_t>(*version);
  if (args.size() > 4 && EqualsWord(args[2], "AUTH") && context_.settings.proxy.users.empty())
    call.identity = context_.identities.Intern(std::string(args[3]), std::string(args[4]));
  call.after = After::kHello;
  return Verdict::kSend;
}

Dispatcher::Verdict Dispatcher::Client(Call& call, const Args& args) {
  const std::string_view sub = args.size() > 1 ? args[1] : std::string_view();
  const size_t n = args.size();
  if (own_words_.PrepareClient(call, args)) return Verdict::kSend;
  if (EqualsWord(sub, "PAUSE") && n == 4 && EqualsWord(args[3], "WRITE")) {
    call.after = After::kPause;
    call.barrier = true;
    call.pause_ms = static_cast<uint64_t>(
        std::clamp<int64_t>(resp::ParseNumber(args[2]).value_or(0), 0, kLongestPauseMs));
  } else if (EqualsWord(sub, "UNPAUSE") && n == 2) {
    call.after = After::kUnpause;
    call.barrier = true;
  } else if (ClientKeep(call, args)) {
    call.read_only = true;  // twice is once
    if (call.after != After::kReplyMode) return Lease(call, After::kKeep);
    static const std::string kReplyOn = resp::EncodeCommand({"CLIENT", "REPLY", "ON"});
    call.request = base::StaticSlice(kReplyOn);
    call.mode_said = true;
  }
  return Verdict::kSend;
}

}  // namespace frontend
