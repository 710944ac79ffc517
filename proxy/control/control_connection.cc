#include "proxy/control/control_connection.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "proxy/resp/request_scan.h"

namespace control {
namespace {

// How we call ourselves in the server's CLIENT LIST.
constexpr std::string_view kControlName = "shacast-control";

ReplyTree TreeOf(const redisReply& reply) {
  ReplyTree tree;
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      tree.type = ReplyTree::Type::kStatus;
      break;
    case REDIS_REPLY_ERROR:
      tree.type = ReplyTree::Type::kError;
      break;
    case REDIS_REPLY_STRING:
      tree.type = ReplyTree::Type::kText;
      break;
    case REDIS_REPLY_INTEGER:
      tree.type = ReplyTree::Type::kInteger;
      tree.integer = reply.integer;
      return tree;
    case REDIS_REPLY_ARRAY:
      tree.type = ReplyTree::Type::kArray;
      tree.elements.reserve(reply.elements);
      for (size_t i = 0; i < reply.elements; ++i)
        tree.elements.push_back(TreeOf(*reply.element[i]));
      return tree;
    default:
      return tree;
  }
  tree.text.assign(reply.str, static_cast<size_t>(reply.len));
  return tree;
}

}  // namespace

ControlConnection::ControlConnection(net::Loop& loop, const config::Address& address,
                                     const config::UpstreamSettings& settings, ControlOwner& owner,
                                     net::TlsRef tls)
    : loop_(loop),
      settings_(settings),
      owner_(owner),
      host_(address.host),
      tls_(std::move(tls)),
      connector_(std::make_unique<net::Connector>(
          loop, address, settings.connect_timeout,
          [this](base::Result<int> fd) { OnConnected(std::move(fd)); })),
      reader_(redisReaderCreate(), redisReaderFree) {}

ControlConnection::~ControlConnection() {
  closed_ = true;
  if (stream_ != nullptr) stream_->Close();
}

void ControlConnection::OnConnected(base::Result<int> fd) {
  if (!fd.ok()) {
    Fail(fd.error().words);
    return;
  }
  connector_.reset();
  net::StreamOwner& self = *this;
  stream_ = std::make_unique<net::Stream>(loop_, fd.value(), self);
  if (tls_ != nullptr) stream_->UseTls(*tls_, host_, settings_.connect_timeout);
  stream_->Start();
  if (settings_.password.empty()) {
    BecomeReady();
    return;
  }
  std::vector<std::string_view> auth = {"AUTH"};
  if (!settings_.username.empty()) auth.push_back(settings_.username);
  auth.push_back(settings_.password);
  Send(auth, [this](const ReplyTree* answer) { OnHandshakeAnswer(answer); });
}

void ControlConnection::OnHandshakeAnswer(const ReplyTree* answer) {
  if (answer == nullptr) return;
  if (answer->is_error()) {
    Fail(answer->text);
  } else {
    BecomeReady();
  }
}

void ControlConnection::BecomeReady() {
  ready_ = true;
  Send({"CLIENT", "SETNAME", kControlName}, [](const ReplyTree*) {});
  owner_.OnControlReady();
}

void ControlConnection::Ask(const std::vector<std::string_view>& args, OnAnswer on_answer) {
  Send(args, std::move(on_answer));
}

void ControlConnection::Send(const std::vector<std::string_view>& args, OnAnswer on_answer) {
  waiting_.push_back(std::move(on_answer));
  stream_->Write(base::CopySlice(resp::EncodeCommand(args)));
}

net::StreamOwner::Taken ControlConnection::OnRead(const base::Slice& data) {
  heard_ = true;
  redisReaderFeed(reader_.get(), data.data, data.size);
  while (!closed_) {
    void* got = nullptr;
    if (redisReaderGetReply(reader_.get(), &got) != REDIS_OK) {
      Fail(data.view().starts_with(net::kTlsAlert) ? "it speaks TLS; see upstream.tls"
                                                   : "it does not speak RESP");
      break;
    }
    if (got == nullptr) break;
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(got),
                                                             freeReplyObject);
    if (waiting_.empty()) {
      Fail("a reply to nothing: " + TreeOf(*reply).text);
      break;
    }
    const OnAnswer on_answer = std::move(waiting_.front());
    waiting_.pop_front();
    const ReplyTree tree = TreeOf(*reply);
    on_answer(&tree);
  }
  return {data.size, 0};
}

void ControlConnection::OnEof() {
  // As a server does that is spoken to plainly and wants TLS.
  const bool perhaps_tls = !heard_ && tls_ == nullptr;
  Fail(perhaps_tls ? "it closed the connection without a word (does it want TLS? see upstream.tls)"
                   : "it closed the connection");
}

void ControlConnection::OnBroken(const std::string& why) {
  Fail(why);
}

void ControlConnection::Fail(const std::string& why) {
  if (closed_) return;
  closed_ = true;
  ready_ = false;
  connector_.reset();
  if (stream_ != nullptr) stream_->Close();
  DropWaiting();
  owner_.OnControlClosed(why);
}

void ControlConnection::DropWaiting() {
  std::deque<OnAnswer> waiting;
  waiting.swap(waiting_);
  for (const OnAnswer& on_answer : waiting) on_answer(nullptr);
}

}  // namespace control
