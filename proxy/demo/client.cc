#include "proxy/demo/client.h"

#include <hiredis/hiredis.h>
#include <sys/time.h>

namespace demo {
namespace {

// Far more than any answer takes: a server that hangs must not hang us.
constexpr timeval kLimit{10, 0};

Answer AnswerOf(const redisReply& reply) {
  Answer answer;
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      answer.type = Answer::Type::kStatus;
      break;
    case REDIS_REPLY_ERROR:
      answer.type = Answer::Type::kError;
      break;
    case REDIS_REPLY_STRING:
      answer.type = Answer::Type::kText;
      break;
    case REDIS_REPLY_INTEGER:
      answer.type = Answer::Type::kInteger;
      answer.integer = reply.integer;
      return answer;
    case REDIS_REPLY_ARRAY:
      answer.type = Answer::Type::kArray;
      for (size_t i = 0; i < reply.elements; ++i)
        answer.elements.push_back(AnswerOf(*reply.element[i]));
      return answer;
    default:
      answer.type = Answer::Type::kNil;
      return answer;
  }
  answer.text.assign(reply.str, static_cast<size_t>(reply.len));
  return answer;
}

}  // namespace

bool Answer::IsError(std::string_view code) const {
  return type == Type::kError && text.substr(0, text.find(' ')) == code;
}

const Answer& Answer::Field(std::string_view name) const {
  static const Answer none;
  for (size_t i = 0; i + 1 < elements.size(); i += 2)
    if (elements[i].text == name) return elements[i + 1];
  return none;
}

std::string Answer::ToString() const {
  switch (type) {
    case Type::kLost:
      return "(no answer: " + text + ")";
    case Type::kNil:
      return "(nil)";
    case Type::kStatus:
      return text;
    case Type::kError:
      return "(error) " + text;
    case Type::kText:
      return "\"" + text + "\"";
    case Type::kInteger:
      return "(integer) " + std::to_string(integer);
    case Type::kArray:
      return "(" + std::to_string(elements.size()) + " elements)";
  }
  return "";
}

std::unique_ptr<Client> Client::Connect(int port) {
  redisContext* context = redisConnectWithTimeout("127.0.0.1", port, kLimit);
  if (context == nullptr) return nullptr;
  if (context->err != 0 || redisSetTimeout(context, kLimit) != REDIS_OK) {
    redisFree(context);
    return nullptr;
  }
  return std::unique_ptr<Client>(new Client(context));
}

Client::~Client() {
  redisFree(context_);
}

Answer Client::Ask(const std::vector<std::string>& args) {
  std::vector<const char*> pointers;
  std::vector<size_t> sizes;
  for (const std::string& arg : args) {
    pointers.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  const std::unique_ptr<redisReply, void (*)(void*)> reply(
      static_cast<redisReply*>(
          redisCommandArgv(context_, static_cast<int>(args.size()), pointers.data(), sizes.data())),
      freeReplyObject);
  if (reply != nullptr) return AnswerOf(*reply);
  Answer lost;
  lost.text = context_->errstr;
  return lost;
}

std::string InfoField(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(line.size() + 1, info.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return std::string(line.substr(name.size() + 1));
  }
  return "";
}

}  // namespace demo
