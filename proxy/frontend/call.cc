#include "proxy/frontend/call.h"

namespace frontend {
namespace {

// A connection gives back the call of a client that has left.
void GiveBack(backend::Call* base) {
  auto* call = static_cast<Call*>(base);
  call->pool->Give(call);
}

}  // namespace

CallPool::~CallPool() {
  for (Call* call : free_) delete call;
}

Call* CallPool::Take() {
  Call* call;
  if (free_.empty()) {
    call = new Call;
  } else {
    call = free_.back();
    free_.pop_back();
  }
  call->pool = this;
  call->dispose = GiveBack;
  return call;
}

void CallPool::Give(Call* call) {
  // Its client left before the answer came.
  if (call->body_count != nullptr) --*call->body_count;
  if (call->loading_in != nullptr) call->loading_in->Scripts().BodyAnswered(call->script.sha);
  if (call->flushing_in != nullptr) call->flushing_in->FlushAnswered(true);
  if (call->exposed_in != nullptr) call->exposed_in->ExposedAnswered(call->plan.generation);
  if (free_.size() >= kMostFree) {
    delete call;
    return;
  }
  *call = Call();
  free_.push_back(call);
}

}  // namespace frontend
