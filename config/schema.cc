#include "config/schema.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace config {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The words of the enums, in the order of their enumerators.
constexpr std::string_view kClientAuthWords[] = {"no", "optional", "required"};
constexpr std::string_view kDiscoveryWords[] = {"replication", "sentinel", "static"};
constexpr std::string_view kReadsWords[] = {"master", "prefer-replica", "replica", "any"};
constexpr std::string_view kConsistencyWords[] = {"eventual", "read-your-writes"};
constexpr std::string_view kDistributionWords[] = {"lazy", "eager"};
constexpr std::string_view kLogLevelWords[] = {"debug", "info", "warn", "error"};
constexpr std::string_view kLogFormatWords[] = {"text", "json"};

constexpr uint64_t kKb = 1ull << 10;
constexpr uint64_t kMb = 1ull << 20;
constexpr uint64_t kGb = 1ull << 30;

// What a pointer to member is a member of, and of which type.
template <typename M>
struct MemberOf;
template <typename S, typename T>
struct MemberOf<T S::*> {
  using Section = S;
  using Type = T;
};

// The section of `settings` that is a `Section`: every section has a type of its own.
template <typename Section>
Section& SectionIn(Settings& s) {
  return std::get<Section&>(
      std::tie(s.proxy, s.tls, s.upstream, s.routing, s.scripts, s.sync, s.admin, s.log));
}
template <typename Section>
const Section& SectionIn(const Settings& s) {
  return std::get<const Section&>(
      std::tie(s.proxy, s.tls, s.upstream, s.routing, s.scripts, s.sync, s.admin, s.log));
}

template <auto kMember>
using SectionOf = typename MemberOf<decltype(kMember)>::Section;
template <auto kMember>
using TypeOf = typename MemberOf<decltype(kMember)>::Type;

template <auto kMember>
constexpr Field<TypeOf<kMember>> kField = {
    [](Settings& s) -> TypeOf<kMember>& { return SectionIn<SectionOf<kMember>>(s).*kMember; },
    [](const Settings& s) -> const TypeOf<kMember>& {
      return SectionIn<SectionOf<kMember>>(s).*kMember;
    }};

template <auto kMember>
constexpr ChoiceKind Choice(std::span<const std::string_view> words) {
  return {words,
          [](Settings& s, size_t index) {
            SectionIn<SectionOf<kMember>>(s).*kMember = static_cast<TypeOf<kMember>>(index);
          },
          [](const Settings& s) {
            return static_cast<size_t>(SectionIn<SectionOf<kMember>>(s).*kMember);
          }};
}

template <auto kMember>
constexpr TextKind Text(TextRule rule = TextRule::kAny) {
  return {kField<kMember>, rule};
}

using enum Change;
using P = ProxySettings;
using T = TlsSettings;
using U = UpstreamSettings;
using R = RoutingSettings;
using C = ScriptSettings;

// The table. Durations: the least and the most, and what "0" means where it is allowed.
// clang-format off
constexpr Row kRows[] = {
    {"proxy", "listen", ListenKind{kField<&P::listen>, 6380}, kRestart},
    {"proxy", "workers", IntegerKind{kField<&P::workers>, 0, 1024}, kRestart},
    {"proxy", "max_clients", IntegerKind{kField<&P::max_clients>, 1, 1'000'000}, kLive},
    {"proxy", "client_idle_timeout",
     DurationKind{kField<&P::client_idle_timeout>, milliseconds(100), hours(8760), "never"}, kLive},
    {"proxy", "client_output_limit",
     SizeKind{kField<&P::client_output_limit>, kMb, 1024 * kGb}, kLive},
    {"proxy", "client_query_limit",
     SizeKind{kField<&P::client_query_limit>, 64 * kKb, 1024 * kGb}, kLive},
    {"proxy", "users", UsersKind{kField<&P::users>}, kRestart},
    {"proxy", "drain_timeout",
     DurationKind{kField<&P::drain_timeout>, milliseconds(1), hours(1), "close at once"}, kLive},

    {"proxy.tls", "cert_file", Text<&T::cert_file>(), kLive},
    {"proxy.tls", "key_file", Text<&T::key_file>(), kLive},
    {"proxy.tls", "ca_file", Text<&T::ca_file>(), kLive},
    {"proxy.tls", "client_auth", Choice<&T::client_auth>(kClientAuthWords), kRestart},

    {"upstream", "discovery", Choice<&U::discovery>(kDiscoveryWords), kRestart, "sentinel"},
    {"upstream", "nodes", AddressesKind{kField<&U::nodes>, 6379}, kRestart},
    {"upstream", "sentinels", AddressesKind{kField<&U::sentinels>, 26379}, kRestart, kNotYet},
    {"upstream", "sentinel_master",
     Text<&U::sentinel_master>(TextRule::kNotEmpty), kRestart, kNotYet},
    {"upstream", "sentinel_username", Text<&U::sentinel_username>(), kRestart, kNotYet},
    {"upstream", "sentinel_password_file", Text<&U::sentinel_password_file>(), kRestart, kNotYet},
    {"upstream", "username", Text<&U::username>(), kRestart},
    {"upstream", "password", Text<&U::password>(TextRule::kSecret), kRestart},
    {"upstream", "password_file", Text<&U::password_file>(), kLive},
    {"upstream", "tls", BooleanKind{kField<&U::tls>}, kRestart},
    {"upstream", "tls_ca_file", Text<&U::tls_ca_file>(), kRestart},
    {"upstream", "tls_cert_file", Text<&U::tls_cert_file>(), kRestart},
    {"upstream", "tls_key_file", Text<&U::tls_key_file>(), kRestart},
    {"upstream", "tls_server_name", Text<&U::tls_server_name>(), kRestart},
    {"upstream", "poll_interval",
     DurationKind{kField<&U::poll_interval>, milliseconds(10), minutes(1), ""}, kLive},
    {"upstream", "connect_timeout",
     DurationKind{kField<&U::connect_timeout>, milliseconds(10), minutes(5), ""}, kRestart},
    {"upstream", "lanes", IntegerKind{kField<&U::lanes>, 1, 64}, kRestart},
    {"upstream", "max_dedicated", IntegerKind{kField<&U::max_dedicated>, 1, 1'000'000}, kRestart},
    {"upstream", "dedicated_idle_timeout",
     DurationKind{kField<&U::dedicated_idle_timeout>, milliseconds(100), hours(24), "never"},
     kRestart},

    {"routing", "reads", Choice<&R::reads>(kReadsWords), kLive},
    {"routing", "scripts_to_replicas", DigestsKind{kField<&R::scripts_to_replicas>}, kLive},
    {"routing", "consistency", Choice<&R::consistency>(kConsistencyWords), kLive,
     "read-your-writes"},
    {"routing", "max_replica_lag",
     DurationKind{kField<&R::max_replica_lag>, milliseconds(100), hours(24), "no limit"}, kLive},
    {"routing", "failover_hold",
     DurationKind{kField<&R::failover_hold>, milliseconds(1), hours(1), "refuse at once"}, kLive},
    {"routing", "forward_shutdown", BooleanKind{kField<&R::forward_shutdown>}, kLive},

    {"scripts", "distribution", Choice<&C::distribution>(kDistributionWords), kLive, "eager"},
    {"scripts", "max_memory", SizeKind{kField<&C::max_memory>, 64 * kKb, 1024 * kGb}, kLive},
    {"scripts", "preload", TextsKind{kField<&C::preload>}, kRestart, kNotYet},
    {"scripts", "journal", Text<&C::journal>(), kRestart, kNotYet},
    {"scripts", "eval_as_evalsha", BooleanKind{kField<&C::eval_as_evalsha>}, kLive},

    {"sync", "enabled", BooleanKind{kField<&SyncSettings::enabled>}, kRestart, kNotYet},
    {"sync", "channel", Text<&SyncSettings::channel>(TextRule::kNotEmpty), kRestart, kNotYet},

    {"admin", "listen", OptionalAddressKind{kField<&AdminSettings::listen>, 9121}, kRestart,
     kNotYet},

    {"log", "level", Choice<&LogSettings::level>(kLogLevelWords), kLive},
    {"log", "format", Choice<&LogSettings::format>(kLogFormatWords), kRestart},
    {"log", "file", Text<&LogSettings::file>(), kRestart},
};
// clang-format on

}  // namespace

std::string Row::Name() const {
  return std::string(section) + "." + std::string(key);
}

std::span<const Row> Schema() {
  return kRows;
}

const Row* FindRow(std::string_view section, std::string_view key) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) {
    return r.section == section && r.key == key;
  });
  return row == std::end(kRows) ? nullptr : row;
}

const Row& RowNamed(std::string_view name) {
  const size_t dot = name.rfind('.');
  assert(dot != std::string_view::npos);
  const Row* row = FindRow(name.substr(0, dot), name.substr(dot + 1));
  assert(row != nullptr);
  return *row;
}

std::vector<std::string_view> SectionNames() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) {
    if (names.empty() || names.back() != row.section) names.push_back(row.section);
  }
  return names;
}

}  // namespace config
