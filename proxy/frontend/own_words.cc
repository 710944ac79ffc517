#include "proxy/frontend/own_words.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "proxy/frontend/client_filter.h"
#include "proxy/frontend/client_hub.h"
#include "proxy/frontend/client_line.h"
#include "proxy/frontend/proxy_command.h"
#include "proxy/frontend/session.h"
#include "proxy/resp/command_table.h"
#include "proxy/resp/number.h"
#include "proxy/resp/reply_scan.h"
#include "proxy/resp/reply_writer.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

using resp::EqualsWord;

// The name that all connections to the nodes have anyway.
constexpr std::string_view kOurName = "shacast";
// Nobody's address, and nobody's id.
constexpr std::string_view kNoAddress = "shacast:0";
constexpr std::string_view kNoId = "9223372036854775807";
constexpr std::string_view kNoSuchClient = "-ERR No such client\r\n";
constexpr std::string_view kSyntaxError = "ERR syntax error";

OwnWords::Args ArgsOf(const base::Slice& request) {
  OwnWords::Args args;
  resp::PeekArguments(request.view(), ~size_t{0}, &args);
  return args;
}

// The words behind CLIENT LIST or KILL; those of USER are left out where users are ours.
OwnWords::Args FilterWords(const OwnWords::Args& args, bool users_are_ours) {
  OwnWords::Args words;
  for (size_t i = 2; i < args.size(); ++i) {
    const bool user = EqualsWord(args[i], "USER") || EqualsWord(args[i], "NOT-USER");
    if (users_are_ours && user && i + 1 < args.size()) {
      ++i;
    } else {
      words.push_back(args[i]);
    }
  }
  return words;
}

OwnWords::Args Behind(const OwnWords::Args& args, size_t n) {
  return {args.begin() + static_cast<std::ptrdiff_t>(std::min(n, args.size())), args.end()};
}

// A bulk string, or a verbatim one, with more text at its end.
std::string WithMore(std::string_view reply, std::string_view more) {
  const size_t line_end = reply.find("\r\n");
  if (line_end == std::string_view::npos || (reply[0] != '$' && reply[0] != '='))
    return std::string(reply);
  std::string text(reply.substr(line_end + 2));
  if (text.ends_with("\r\n")) text.resize(text.size() - 2);
  const size_t before = reply[0] == '=' ? std::string_view("txt:").size() : 0;
  if (text.size() > before) text += "\r\n";
  text += more;
  return reply[0] + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// The number behind `key` in a reply.
std::optional<int64_t> NumberBehind(std::string_view reply, std::string_view key, size_t* at,
                                    size_t* size) {
  const size_t found = reply.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  *at = found + key.size();
  *size = reply.find('\r', *at) - *at;
  return resp::ParseNumber(reply.substr(*at, *size));
}

std::string ServerVersion(const SessionContext& context) {
  const replication::Node* master = context.nodes.picture().Master();
  return master == nullptr ? "" : master->version;
}

}  // namespace

bool IsClientName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

// --- The question --------------------------------------------------------------------------------

void OwnWords::AskAs(Call& call, const Args& words) {
  call.said = std::move(call.request);
  call.request = base::CopySlice(resp::EncodeCommand(words));
  call.read_only = true;  // the question has no effect, so it may be asked again
}

bool OwnWords::PrepareClient(Call& call, const Args& args) {
  const size_t n = args.size();
  const auto is = [&](std::string_view word, size_t size) {
    return n == size && EqualsWord(args[1], word);
  };
  const bool ours = !context_.settings.proxy.users.empty();
  // As the client wrote it: errors name it so.
  Args words = {args[0], n > 1 ? args[1] : std::string_view()};
  if (is("ID", 2) || is("GETNAME", 2) || is("INFO", 2) || is("GETREDIR", 2) ||
      is("TRACKINGINFO", 2)) {
    // as it is
  } else if (is("SETNAME", 3)) {
    if (!IsClientName(args[2])) return false;
    words.push_back(kOurName);
  } else if (is("SETINFO", 4)) {
    const bool known = EqualsWord(args[2], "LIB-NAME") || EqualsWord(args[2], "LIB-VER");
    if (!known || !IsClientName(args[3])) return false;
    words.insert(words.end(), {args[2], kOurName});
  } else if (n > 2 && EqualsWord(args[1], "CAPA")) {
    words.push_back("none");  // what a server does not know it takes, and forgets
  } else if (n > 1 && EqualsWord(args[1], "LIST")) {
    const auto filter = ClientFilter::Parse(Behind(args, 2));
    if (filter && filter->about_links()) return false;
    const Args rest = FilterWords(args, ours);
    words.insert(words.end(), rest.begin(), rest.end());
  } else if (is("KILL", 3)) {
    words.push_back(kNoAddress);
    call.barrier = true;
  } else if (n > 3 && EqualsWord(args[1], "KILL")) {
    bool knows_words = true;
    const auto filter = ClientFilter::Parse(Behind(args, 2), &knows_words);
    if (filter && filter->about_links()) return false;
    if (knows_words) {
      const Args rest = FilterWords(args, ours);
      words.insert(words.end(), rest.begin(), rest.end());
      words.insert(words.end(), {"ADDR", kNoAddress});
    } else {
      // Whatever the server takes it for, it shall not close a connection of ours.
      words.insert(words.end(), {"ID", kNoId});
    }
    call.barrier = true;
  } else {
    return false;
  }
  call.after = After::kOwnWord;
  AskAs(call, words);
  return true;
}

uint8_t OwnWords::IdIn(const Args& args) {
  const size_t n = args.size();
  const auto number_at = [&](size_t at) {
    return at < n && resp::ParseNumber(args[at]) ? static_cast<uint8_t>(at) : uint8_t{0};
  };
  if (n > 2 && EqualsWord(args[1], "UNBLOCK")) return number_at(2);
  if (n > 2 && EqualsWord(args[1], "TRACKING"))
    for (size_t i = 3; i < n && i < 100; ++i)
      if (EqualsWord(args[i], "REDIRECT")) return number_at(i + 1);
  return 0;
}

void OwnWords::PutId(Call& call, uint64_t id) {
  call.said = std::move(call.request);
  Args args = ArgsOf(call.said);
  const std::string text = std::to_string(id);
  args[call.id_at] = id == 0 ? kNoId : std::string_view(text);
  call.request = base::CopySlice(resp::EncodeCommand(args));
  call.id_at = 0;
}

bool OwnWords::PrepareInfo(Call& call, const Args& args) {
  const bool ours =
      args.size() == 1 || std::any_of(args.begin() + 1, args.end(), [](std::string_view section) {
        return EqualsWord(section, "DEFAULT") || EqualsWord(section, "ALL") ||
               EqualsWord(section, "EVERYTHING") || EqualsWord(section, "SHACAST");
      });
  if (ours) call.after = After::kInfo;
  return ours;
}

void OwnWords::PrepareProxy(Call& call, const Args& args) {
  call.after = After::kProxy;
  const std::string_view sub = args.size() > 1 ? args[1] : std::string_view();
  if (EqualsWord(sub, "SCRIPTS") || EqualsWord(sub, "CLIENTS")) {
    AskAs(call, {"CLIENT", "LIST", "TYPE", "master"});
  } else if (EqualsWord(sub, "HELP") || sub.empty() || WasLetIn()) {
    call.where = Where::kNowhere;  // also while the master hangs
  } else {
    AskAs(call, {"INFO", "server"});  // who is it?
  }
}

void OwnWords::PrepareShow(Call& call) {
  const Args args = ArgsOf(call.request);
  if (context_.table->Find("script", "show").name == "script|show") {
    AskAs(call, args);
  } else {
    AskAs(call, {args[0], "EXISTS", args[2]});
  }
  call.where = Where::kMaster;
}

// --- The answer ----------------------------------------------------------------------------------

bool OwnWords::MayAnswer(const Call& call, std::string_view reply) {
  const std::string_view code = resp::ErrorCode(reply);
  switch (call.after) {
    case After::kProxy:
      // A server that is busy, or loads, does not keep shacast from telling what it knows.
      return code != "NOAUTH" && code != "NOPERM" && code != "WRONGPASS";
    case After::kScriptShow:
      return code.empty() || code == "NOSCRIPT";
    default:
      return code.empty() || reply == kNoSuchClient;
  }
}

bool OwnWords::WasLetIn() const {
  if (!context_.settings.proxy.users.empty() || !state_.key.identity->anonymous) return true;
  bool wants_auth = !context_.own_identity->anonymous;
  context_.nodes.ForEach(
      [&](const backend::NodePool& pool) { wants_auth = wants_auth || pool.wants_auth(); });
  return !wants_auth;
}

void OwnWords::SayAlone(const Call& call, const Done& done) {
  const Args args = ArgsOf(call.said.empty() ? call.request : call.said);
  const bool help = args.size() < 2 || EqualsWord(args[1], "HELP");
  if (help || WasLetIn()) {
    SayProxy(args, done);
  } else {
    done({resp::ReplyWriter(2).Error("NOAUTH Authentication required.").Take()});
  }
}

void OwnWords::Say(const Call& call, std::string_view reply, const Session& self,
                   const Done& done) {
  switch (call.after) {
    case After::kInfo:
      done({WithMore(reply, InfoSection(context_))});
      return;
    case After::kProxy:
      SayProxy(ArgsOf(call.said), done);
      return;
    case After::kScriptShow: {
      const auto sha = replication::Sha1::Parse(ArgsOf(call.said)[2]);
      const auto* body = sha ? context_.scripts.Find(*sha) : nullptr;
      resp::ReplyWriter writer(state_.key.protocol);
      // It may have been flushed since.
      if (body == nullptr) writer.Error("NOSCRIPT No matching script.");
      if (body != nullptr) writer.Bulk((*body)->text);
      done({writer.Take()});
      return;
    }
    default:
      SayClient(ArgsOf(call.said), reply, self, done);
  }
}

void OwnWords::SayQueued(const base::Slice& said, std::string_view reply, const Session& self,
                         const Done& done) {
  if (resp::IsErrorReply(reply) && reply != kNoSuchClient) {
    done({std::string(reply)});
  } else {
    SayClient(ArgsOf(said), reply, self, done);
  }
}

void OwnWords::SayClient(const Args& args, std::string_view reply, const Session& self,
                         const Done& done) {
  const auto is = [&](std::string_view word) { return EqualsWord(args[1], word); };
  resp::ReplyWriter writer(state_.key.protocol);
  if (is("LIST")) return SayList(args, reply, done);
  if (is("KILL")) return SayKill(args, done);
  if (is("GETREDIR") || is("TRACKINGINFO")) return SayRedirect(reply, done);
  if (is("INFO")) {
    writer.Text(ClientLine(self.Facts(), FieldsIn(reply)));
  } else if (is("ID")) {
    writer.Integer(static_cast<int64_t>(state_.id));
  } else if (is("GETNAME")) {
    state_.name.empty() ? writer.Null() : writer.Bulk(state_.name);
  } else {
    if (is("SETNAME")) {
      state_.name = args[2];
    } else if (is("SETINFO")) {
      (EqualsWord(args[2], "LIB-NAME") ? state_.lib_name : state_.lib_version) = args[3];
    } else {  // CAPA
      state_.redirects =
          state_.redirects || std::any_of(args.begin() + 2, args.end(),
                                          [](auto word) { return EqualsWord(word, "REDIRECT"); });
    }
    writer.Raw(reply);
  }
  done({writer.Take()});
}

void OwnWords::SayList(const Args& args, std::string_view reply, const Done& done) {
  const auto filter = ClientFilter::Parse(Behind(args, 2));
  if (!filter) {
    // The server knows a filter that we do not.
    done({resp::ReplyWriter(2).Error(kSyntaxError).Take()});
    return;
  }
  if (ClientFields fields = FieldsIn(reply); !fields.empty())
    context_.client_fields = std::move(fields);
  if (context_.client_fields.empty()) context_.client_fields = FieldsOf(ServerVersion(context_));
  const auto found = std::make_shared<std::vector<ClientFacts>>();
  // Redis lists ids as they were asked for, Valkey by their age.
  const bool in_order =
      filter->ids_alone() != nullptr && !ServerVersion(context_).starts_with("valkey ");
  const auto finish = [found, done, in_order, filter = *filter, protocol = state_.key.protocol,
                       fields = context_.client_fields] {
    std::sort(found->begin(), found->end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    std::string text;
    if (in_order) {
      for (const int64_t id : *filter.ids_alone())
        for (const ClientFacts& facts : *found)
          if (static_cast<int64_t>(facts.id) == id) text += ClientLine(facts, fields);
    } else {
      for (const ClientFacts& facts : *found) text += ClientLine(facts, fields);
    }
    done({resp::ReplyWriter(protocol).Text(text).Take()});
  };
  context_.client_hub.VisitClients(
      [found, filter = *filter, asker = state_.id](const Session& session) {
        ClientFacts facts = session.Facts();
        if (filter.Matches(facts, asker, false)) found->push_back(std::move(facts));
      },
      finish);
}

void OwnWords::SayKill(const Args& args, const Done& done) {
  const bool by_address = args.size() == 3;
  const auto filter =
      by_address ? ClientFilter::OfAddr(args[2]) : ClientFilter::Parse(Behind(args, 2));
  if (!filter) {
    done({resp::ReplyWriter(2).Error(kSyntaxError).Take()});
    return;
  }
  struct Killed {
    int64_t count = 0;
    bool asker = false;
  };
  const auto killed = std::make_shared<Killed>();
  context_.client_hub.VisitClients(
      [killed, filter = *filter, asker = state_.id, by_address](Session& session) {
        if (!filter.Matches(session.Facts(), asker, !by_address)) return;
        ++killed->count;
        if (session.state().id == asker) {
          killed->asker = true;  // once it has its answer
        } else {
          session.Close();
        }
      },
      [killed, done, by_address] {
        resp::ReplyWriter writer(2);
        if (!by_address) {
          writer.Integer(killed->count);
        } else {
          writer.Raw(killed->count > 0 ? std::string_view("+OK\r\n") : kNoSuchClient);
        }
        done({writer.Take(), killed->asker});
      });
}

// A client's invalidations go to another connection: the server's number for it becomes ours.
void OwnWords::SayRedirect(std::string_view reply, const Done& done) {
  size_t at = 0;
  size_t size = 0;
  const auto theirs =
      NumberBehind(reply, reply.starts_with(':') ? ":" : "redirect\r\n:", &at, &size);
  if (!theirs || *theirs <= 0) {
    done({std::string(reply)});
    return;
  }
  if (state_.redirect > 0) {  // also where that client is no more
    done({std::string(reply).replace(at, size, std::to_string(state_.redirect))});
    return;
  }
  const auto ours = std::make_shared<uint64_t>(0);
  context_.client_hub.VisitClients(
      [ours, theirs = static_cast<uint64_t>(*theirs)](const Session& session) {
        if (session.server_id() == theirs) *ours = session.state().id;
      },
      [ours, done, at, size, text = std::string(reply)]() mutable {
        if (*ours != 0) text.replace(at, size, std::to_string(*ours));
        done({text});
      });
}

void OwnWords::SayProxy(const Args& args, const Done& done) {
  if (args.size() != 2 || !EqualsWord(args[1], "CLIENTS")) {
    done({AnswerProxyCommand(args, context_, state_.key.protocol)});
    return;
  }
  const auto found = std::make_shared<std::vector<ClientFacts>>();
  context_.client_hub.VisitClients(
      [found](const Session& session) { found->push_back(session.Facts()); },
      [found, done, protocol = state_.key.protocol] {
        std::sort(found->begin(), found->end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
        done({AnswerProxyClients(*found, protocol)});
      });
}

}  // namespace frontend
