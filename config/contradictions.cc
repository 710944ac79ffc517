#include "config/contradictions.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "config/quoting.h"
#include "config/rendering.h"
#include "config/schema.h"

namespace config {

namespace {

// One use for one draft.
class Checks {
 public:
  explicit Checks(Draft& draft) : draft_(draft), settings_(draft.loaded.settings) {}

  void Run() {
    Listeners();
    ListenerTls();
    Nodes();
    Sentinels();
    UpstreamCredentials();
    UpstreamTls();
  }

 private:
  const Origin* OriginOf(std::string_view name) const { return draft_.loaded.origins.Find(name); }

  // The value of a key, or one element of its list.
  void Complain(std::string_view name, const std::string& words) {
    Complain(name, OriginOf(name)->place, words);
  }
  void Complain(std::string_view name, size_t item, const std::string& words) {
    Complain(name, OriginOf(name)->items[item], words);
  }
  void Complain(std::string_view name, const Place& place, const std::string& words) {
    draft_.Complain(place, place.line == 0 ? words : std::string(name) + ": " + words);
  }

  // Every key of a family that was changed, unless what it needs is there.
  void NeedsChanged(std::string_view section, std::string_view prefix, const std::string& words) {
    for (const Row& row : Schema()) {
      if (row.section != section || !row.key.starts_with(prefix)) continue;
      if (!IsDefault(row, settings_) && draft_.Sound({row.Name()})) Complain(row.Name(), words);
    }
  }

  // Two files that are of no use without each other.
  void Pair(std::string_view one, std::string_view other) {
    if (!draft_.Sound({one, other})) return;
    const bool has_one = !IsDefault(RowNamed(one), settings_);
    const bool has_other = !IsDefault(RowNamed(other), settings_);
    if (has_one && !has_other) Complain(one, "needs " + std::string(other));
    if (has_other && !has_one) Complain(other, "needs " + std::string(one));
  }

  void Listeners() {
    if (!draft_.Sound({"proxy.listen"})) return;
    const auto& listen = settings_.proxy.listen;
    if (listen.empty()) Complain("proxy.listen", "is empty, clients could not connect");
    if (!draft_.Sound({"upstream.nodes"})) return;
    for (size_t i = 0; i < settings_.upstream.nodes.size(); ++i) {
      const Address& node = settings_.upstream.nodes[i];
      const bool ourselves = std::any_of(listen.begin(), listen.end(), [&](const ListenAddress& l) {
        return l.kind != ListenAddress::Kind::kUnix && l.address == node;
      });
      if (ourselves) NodeIsOurselves(i, node);
    }
  }

  // At the node, unless nobody wrote it: then at the listener that took its place.
  void NodeIsOurselves(size_t item, const Address& node) {
    const std::string address = Quoted(node.ToString());
    if (OriginOf("upstream.nodes") != nullptr) {
      Complain("upstream.nodes", item, address + " is an address of proxy.listen");
    } else {
      Complain("proxy.listen", address + " is an address of upstream.nodes");
    }
  }

  void ListenerTls() {
    if (!draft_.Sound({"proxy.listen", "proxy.tls.cert_file", "proxy.tls.key_file"})) return;
    const TlsSettings& tls = settings_.tls;
    const bool complete = !tls.cert_file.empty() && !tls.key_file.empty();
    bool any = false;
    for (size_t i = 0; i < settings_.proxy.listen.size(); ++i) {
      const ListenAddress& listen = settings_.proxy.listen[i];
      if (listen.kind != ListenAddress::Kind::kTls) continue;
      any = true;
      if (!complete) {
        Complain("proxy.listen", i,
                 Quoted(listen.ToString()) + " needs proxy.tls.cert_file and proxy.tls.key_file");
      }
    }
    if (!any) {
      NeedsChanged("proxy.tls", "", "is set, but no address of proxy.listen begins with tls://");
    } else if (tls.client_auth != ClientAuth::kNo && tls.ca_file.empty() &&
               draft_.Sound({"proxy.tls.client_auth", "proxy.tls.ca_file"})) {
      Complain("proxy.tls.client_auth", "needs proxy.tls.ca_file");
    }
  }

  void Nodes() {
    if (!draft_.Sound({"upstream.nodes", "upstream.discovery"})) return;
    if (!settings_.upstream.nodes.empty()) return;
    if (settings_.upstream.discovery == Discovery::kSentinel) return;
    Complain("upstream.nodes", "is empty, discovery = " + DiscoveryText() + " needs a node");
  }

  void Sentinels() {
    if (!draft_.Sound({"upstream.discovery"})) return;
    const UpstreamSettings& upstream = settings_.upstream;
    if (upstream.discovery != Discovery::kSentinel) {
      NeedsChanged("upstream", "sentinel",
                   "is set, but discovery is " + DiscoveryText() + ", not \"sentinel\"");
      return;
    }
    if (upstream.sentinels.empty() && draft_.Sound({"upstream.sentinels"})) {
      Complain("upstream.discovery", "\"sentinel\" needs upstream.sentinels");
    }
    if (!upstream.sentinel_username.empty() && upstream.sentinel_password_file.empty() &&
        draft_.Sound({"upstream.sentinel_username", "upstream.sentinel_password_file"})) {
      Complain("upstream.sentinel_username", "needs upstream.sentinel_password_file");
    }
  }

  void UpstreamCredentials() {
    const UpstreamSettings& upstream = settings_.upstream;
    if (upstream.username.empty() || !upstream.password.empty()) return;
    if (!draft_.Sound({"upstream.username", "upstream.password", "upstream.password_file"})) return;
    Complain("upstream.username", "is set, but neither password nor password_file is");
  }

  void UpstreamTls() {
    if (!draft_.Sound({"upstream.tls"})) return;
    if (!settings_.upstream.tls) {
      NeedsChanged("upstream", "tls_", "is set, but upstream.tls is false");
    } else {
      Pair("upstream.tls_cert_file", "upstream.tls_key_file");
    }
  }

  std::string DiscoveryText() const {
    return RenderValue(RowNamed("upstream.discovery"), settings_);
  }

  Draft& draft_;
  const Settings& settings_;
};

}  // namespace

void FindContradictions(Draft& draft) {
  Checks(draft).Run();
}

}  // namespace config
