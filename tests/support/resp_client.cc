#include "tests/support/resp_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace support {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

int ConnectTo(const Endpoint& endpoint) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (!endpoint.path.empty()) {
    auto& address = reinterpret_cast<sockaddr_un&>(storage);
    address.sun_family = AF_UNIX;
    endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
    size = sizeof address;
  } else if (endpoint.host.find(':') != std::string::npos) {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<uint16_t>(endpoint.port));
    inet_pton(AF_INET6, endpoint.host.c_str(), &address.sin6_addr);
    size = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(endpoint.port));
    inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr);
    size = sizeof address;
  }
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    throw ConnectionEnded("cannot connect to " + endpoint.ToString() + ": " + why);
  }
  const int on = 1;
  if (endpoint.path.empty()) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool WaitFor(int fd, short events, milliseconds patience) {
  pollfd poll_fd{fd, events, 0};
  int ready;
  do {
    ready = poll(&poll_fd, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

RespClient::RespClient(const Endpoint& endpoint) : fd_(ConnectTo(endpoint)) {
  if (!endpoint.tls) return;
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  tls_ = std::make_unique<TlsWire>(fd_, *endpoint.tls);
  short waits_for = 0;
  for (auto done = tls_->Shake(&waits_for); done != 1; done = tls_->Shake(&waits_for)) {
    const bool failed = !done;
    if (!failed && WaitFor(fd_, waits_for, Patience())) continue;
    close(std::exchange(fd_, -1));
    if (failed) throw ConnectionEnded("no TLS with " + endpoint.ToString());
    throw NoAnswer("no TLS handshake with " + endpoint.ToString());
  }
}

RespClient::~RespClient() {
  Close();
}

RespClient::RespClient(RespClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      at_(other.at_) {}

RespClient& RespClient::operator=(RespClient&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  tls_ = std::move(other.tls_);
  buffer_ = std::move(other.buffer_);
  begin_ = other.begin_;
  at_ = other.at_;
  return *this;
}

std::optional<size_t> RespClient::TrySend(std::string_view bytes, milliseconds patience) {
  if (tls_ != nullptr) {
    short waits_for = 0;
    const auto sent = tls_->Write(bytes, &waits_for);
    if (sent != 0) return sent;
    if (!WaitFor(fd_, waits_for, patience)) throw NoAnswer("what was sent is not taken");
    return 0;
  }
  if (!WaitFor(fd_, POLLOUT, patience)) throw NoAnswer("what was sent is not taken");
  const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (n < 0) return std::nullopt;
  return static_cast<size_t>(n);
}

void RespClient::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = TrySend(bytes, Patience());
    if (!sent) throw ConnectionEnded(std::string("cannot send: ") + std::strerror(errno));
    bytes.remove_prefix(*sent);
  }
}

std::vector<Value> RespClient::Pipeline(const std::vector<Args>& commands) {
  std::string bytes;
  for (const auto& command : commands) bytes += Encode(command);
  SendRaw(bytes);
  std::vector<Value> replies;
  replies.reserve(commands.size());
  for (size_t i = 0; i < commands.size(); ++i) replies.push_back(Receive());
  return replies;
}

std::optional<bool> RespClient::TryFill(milliseconds patience) {
  const size_t size = buffer_.size();
  if (tls_ != nullptr) {
    buffer_.resize(size + kReadBytes);
    short waits_for = 0;
    std::optional<size_t> got = tls_->Read(buffer_.data() + size, kReadBytes, &waits_for);
    // Records that are no data, and halves of records, come too.
    const auto until = std::chrono::steady_clock::now() + patience;
    while (got == 0) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
      if (!WaitFor(fd_, waits_for, std::max(left, milliseconds(0)))) break;
      got = tls_->Read(buffer_.data() + size, kReadBytes, &waits_for);
    }
    buffer_.resize(size + got.value_or(0));
    if (got == 0) return std::nullopt;
    return got.has_value();
  }
  if (!WaitFor(fd_, POLLIN, patience)) return std::nullopt;
  buffer_.resize(size + kReadBytes);
  ssize_t n;
  do {
    n = recv(fd_, buffer_.data() + size, kReadBytes, 0);
  } while (n < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
  return n > 0;
}

void RespClient::Fill(milliseconds patience) {
  const auto filled = TryFill(patience);
  if (!filled) throw NoAnswer("no answer within " + std::to_string(patience.count()) + " ms");
  if (!*filled) throw ConnectionEnded("the connection was closed");
}

std::string RespClient::Line(milliseconds patience) {
  size_t searched = at_;
  for (;;) {
    const size_t end = buffer_.find("\r\n", searched);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(at_, end - at_);
      at_ = end + 2;
      return line;
    }
    searched = std::max(at_, buffer_.empty() ? 0 : buffer_.size() - 1);
    Fill(patience);
  }
}

Value RespClient::Parse(milliseconds patience) {
  const std::string line = Line(patience);
  if (line.empty()) throw std::runtime_error("an empty line where a reply should begin");
  Value value;
  value.type = line[0];
  const auto length = [&] { return std::stoll(line.substr(1)); };
  switch (value.type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '#':
    case '(':
      value.text = line.substr(1);
      return value;
    case '_':
      return value;
    case '$':
    case '=':
    case '!': {
      if (length() < 0) return Value();
      const auto size = static_cast<size_t>(length());
      while (buffer_.size() - at_ < size + 2) Fill(patience);
      value.text = buffer_.substr(at_, size);
      if (buffer_.compare(at_ + size, 2, "\r\n") != 0)
        throw std::runtime_error("a bulk string without its end");
      at_ += size + 2;
      return value;
    }
    case '*':
    case '~':
    case '>':
    case '%': {
      if (length() < 0) return Value();
      const auto count = static_cast<size_t>(length()) * (value.type == '%' ? 2 : 1);
      for (size_t i = 0; i < count; ++i) value.elements.push_back(Parse(patience));
      return value;
    }
    default:
      throw std::runtime_error("not RESP: " + line.substr(0, 100));
  }
}

void RespClient::DropParsed() {
  if (at_ == buffer_.size() || at_ > kReadBytes) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  begin_ = at_;
}

Value RespClient::Receive(milliseconds patience) {
  DropParsed();
  return Parse(patience);
}

std::optional<Value> RespClient::ReceiveWithin(milliseconds time) {
  if (buffer_.size() == at_) {
    const auto filled = TryFill(time);
    if (!filled) return std::nullopt;
    if (!*filled) throw ConnectionEnded("the connection was closed");
  }
  return Receive();
}

size_t RespClient::ReceiveBulk(const std::function<void(std::string_view)>& take) {
  DropParsed();
  const std::string line = Line(Patience());
  if (line.empty() || line[0] != '$') throw std::runtime_error("not a bulk string: " + line);
  const auto size = static_cast<size_t>(std::stoll(line.substr(1)));
  for (size_t left = size; left > 0;) {
    if (at_ == buffer_.size()) {
      buffer_.clear();
      at_ = 0;
      Fill(Patience());
    }
    const size_t n = std::min(left, buffer_.size() - at_);
    take(std::string_view(buffer_).substr(at_, n));
    at_ += n;
    left -= n;
  }
  if (!Line(Patience()).empty()) throw std::runtime_error("a bulk string without its end");
  return size;
}

bool RespClient::SeesEnd(milliseconds patience) {
  if (at_ < buffer_.size()) return false;
  const auto filled = TryFill(patience);
  return filled && !*filled;
}

std::string RespClient::ReadToEnd(milliseconds patience) {
  for (;;) {
    const auto filled = TryFill(patience);
    if (!filled) throw NoAnswer("the connection stays open");
    if (!*filled) break;
  }
  const std::string rest = buffer_.substr(at_);
  at_ = begin_ = buffer_.size();
  return rest;
}

size_t RespClient::SendUntilFull(std::string_view bytes, milliseconds quiet) {
  size_t sent = 0;
  try {
    while (sent < bytes.size()) {
      const auto n = TrySend(bytes.substr(sent), quiet);
      if (!n) break;
      sent += *n;
    }
  } catch (const NoAnswer&) {
  }
  return sent;
}

void RespClient::ShutdownWrite() {
  if (tls_ != nullptr) tls_->End();
  shutdown(fd_, SHUT_WR);
}

void RespClient::Close(bool hard) {
  if (fd_ < 0) return;
  if (tls_ != nullptr && !hard) tls_->End();
  tls_.reset();
  if (hard) {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(std::exchange(fd_, -1));
}

}  // namespace support
