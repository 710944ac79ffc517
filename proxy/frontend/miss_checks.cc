#include "proxy/frontend/miss_checks.h"

#include <algorithm>
#include <utility>

#include "proxy/resp/request_scan.h"

namespace frontend {

// One SCRIPT EXISTS on its way.
class MissChecks::Question final : public backend::ReplySink {
 public:
  Question(MissChecks& checks, backend::NodePool& node, replication::LaneId on,
           const replication::Sha1& name)
      : pool(node), lane(on), sha(name), checks_(checks) {
    call.sink = this;
  }

  backend::NodePool& pool;
  const replication::LaneId lane;
  const replication::Sha1 sha;
  backend::Call call;
  struct Asker {
    uint64_t generation;  // in which its call was sent
    uint32_t given_mark;
    Waiter waiter;
  };
  std::vector<Asker> askers;

 private:
  void OnReply(backend::Call&, base::Slice piece, bool, bool last) override {
    if (text_.size() < 64) text_.append(piece.view().substr(0, 64));
    if (last) checks_.Answer(*this, text_);
  }
  void OnLost(backend::Call&, bool, const std::string&) override { checks_.Answer(*this, ""); }

  MissChecks& checks_;
  std::string text_;
};

MissChecks::MissChecks() = default;
MissChecks::~MissChecks() = default;

void MissChecks::Ask(backend::NodePool& pool, backend::Connection& connection,
                     const replication::Sha1& sha, uint64_t generation, uint32_t given_mark,
                     Waiter waiter) {
  for (const auto& question : open_) {
    if (question->lane != connection.id() || question->sha != sha) continue;
    question->askers.push_back({generation, given_mark, std::move(waiter)});
    return;
  }
  open_.push_back(std::make_unique<Question>(*this, pool, connection.id(), sha));
  Question& question = *open_.back();
  question.askers.push_back({generation, given_mark, std::move(waiter)});
  connection.Send(question.call,
                  base::CopySlice(resp::EncodeCommand({"SCRIPT", "EXISTS", sha.ToString()})));
}

void MissChecks::Answer(Question& question, std::string_view reply) {
  const auto at = std::find_if(open_.begin(), open_.end(),
                               [&](const auto& open) { return open.get() == &question; });
  const std::unique_ptr<Question> done = std::move(*at);
  open_.erase(at);
  backend::NodePool& pool = done->pool;
  const bool absent = reply == "*1\r\n:0\r\n";
  const bool present = reply == "*1\r\n:1\r\n";
  if (absent) {
    uint64_t newest = 0;
    for (const auto& asker : done->askers) newest = std::max(newest, asker.generation);
    pool.ProvenLost(newest);
    if (newest == pool.shared().generation.load())
      pool.RaiseGeneration("it answered NOSCRIPT for a script that it held: " +
                           done->sha.ToString());
  }
  for (const auto& [generation, given_mark, waiter] : done->askers) {
    Verdict verdict = Verdict::kUnsure;
    const bool lost = pool.shared().MayBeFlushed() || pool.shared().lost_in.load() >= generation ||
                      pool.shared().bodies.GivenSince(done->sha, given_mark);
    if (absent || (present && lost)) {
      verdict = Verdict::kServers;
    } else if (present) {
      verdict = Verdict::kScripts;
    }
    waiter(verdict);
  }
}

}  // namespace frontend
