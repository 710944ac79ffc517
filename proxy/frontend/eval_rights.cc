#include "proxy/frontend/eval_rights.h"

#include <string>

#include "proxy/resp/reply_scan.h"
#include "proxy/resp/request_scan.h"

namespace frontend {

// One user's right to one of the two commands on one node.
class EvalRights::Entry final : public backend::ReplySink {
 public:
  Entry(net::Loop& loop, replication::NodeId on, const backend::IdentityRef& who, bool ro)
      : node(on), identity(who), read_only(ro), loop_(loop) {
    call_.sink = this;
    call_.may_write = !ro;
  }

  void Ask(backend::Connection& lane) {
    known = false;
    asked = true;
    text_.clear();
    lane.Send(call_,
              base::CopySlice(resp::EncodeCommand({read_only ? "EVAL_RO" : "EVAL", "", "x"})));
  }

  const replication::NodeId node;
  const std::weak_ptr<const backend::Identity> identity;
  const bool read_only;
  bool known = false;
  bool asked = false;  // the answer is on its way
  bool may = true;
  uint64_t since_ms = 0;

 private:
  void OnReply(backend::Call&, base::Slice piece, bool, bool last) override {
    if (text_.size() < 64) text_.append(piece.view().substr(0, 64));
    if (last) Take(resp::ErrorCode(text_) != "NOPERM");
  }
  // Then the call itself will find out.
  void OnLost(backend::Call&, bool, const std::string&) override { Take(true); }

  void Take(bool allowed) {
    known = true;
    asked = false;
    may = allowed;
    since_ms = loop_.now_ms();
  }

  net::Loop& loop_;
  backend::Call call_;
  std::string text_;
};

EvalRights::EvalRights(net::Loop& loop) : loop_(loop) {}
EvalRights::~EvalRights() = default;

EvalRights::Entry* EvalRights::Find(const backend::NodePool& pool,
                                    const backend::IdentityRef& identity, bool read_only) {
  for (const auto& entry : entries_)
    if (entry->node == pool.shared().id && entry->read_only == read_only &&
        entry->identity.lock() == identity)
      return entry.get();
  return nullptr;
}

EvalRights::Entry& EvalRights::Add(const backend::NodePool& pool,
                                   const backend::IdentityRef& identity, bool read_only) {
  std::erase_if(entries_,
                [](const auto& entry) { return entry->identity.expired() && !entry->asked; });
  entries_.push_back(std::make_unique<Entry>(loop_, pool.shared().id, identity, read_only));
  return *entries_.back();
}

EvalRights::Right EvalRights::Of(backend::NodePool& pool, const backend::ConnectionKey& key,
                                 bool read_only) {
  Entry* entry = Find(pool, key.identity, read_only);
  if (entry == nullptr && key.identity->anonymous) return Right::kYes;
  if (entry == nullptr) entry = &Add(pool, key.identity, read_only);
  if (entry->asked) return Right::kAsked;
  if (entry->known && entry->may) return Right::kYes;
  if (entry->known && loop_.now_ms() - entry->since_ms < kAskAgainMs) return Right::kNo;
  backend::ConnectionKey where = key;
  where.paused = !read_only && pool.WritesPaused();
  backend::Connection* lane = pool.Lane(where);
  if (lane == nullptr) return Right::kYes;
  entry->Ask(*lane);
  return Right::kAsked;
}

void EvalRights::Doubt(const backend::NodePool& pool, const backend::IdentityRef& identity,
                       bool read_only) {
  Entry* entry = Find(pool, identity, read_only);
  if (entry == nullptr) entry = &Add(pool, identity, read_only);
  entry->known = false;
}

}  // namespace frontend
