// Who a session is to the nodes: nobody yet, or a user with the password that it gave.
//
// A server checks rights by connection, so connections are shared only between sessions of one
// identity. Interned for each worker: the same user and password are the same object, and pools
// compare pointers.
//
// One worker's thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace backend {

struct Identity {
  std::string user;  // "" = the default user, by AUTH with one argument
  std::string password;
  bool anonymous = true;  // no AUTH at all
};

using IdentityRef = std::shared_ptr<const Identity>;

class IdentityTable {
 public:
  IdentityRef Anonymous() const { return anonymous_; }

  IdentityRef Intern(const std::string& user, const std::string& password) {
    std::erase_if(users_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : users_) {
      auto known = weak.lock();
      if (known != nullptr && known->user == user && known->password == password) return known;
    }
    auto fresh = std::make_shared<const Identity>(Identity{user, password, false});
    users_.push_back(fresh);
    return fresh;
  }

 private:
  IdentityRef anonymous_ = std::make_shared<const Identity>();
  std::vector<std::weak_ptr<const Identity>> users_;
};

}  // namespace backend
