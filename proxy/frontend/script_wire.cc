#include "proxy/frontend/script_wire.h"

#include <string>

#include "proxy/resp/number.h"
#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

struct Parts {
  std::string_view count;  // "*4\r\n"
  bool read_only = false;
  base::Slice rest;  // the arguments behind the script
};

bool IsReadOnlyName(std::string_view name) {
  return name.size() > 3 && name[name.size() - 3] == '_';
}

Parts PartsOf(const base::Slice& request) {
  std::vector<std::string_view> front;
  resp::PeekArguments(request.view(), 2, &front);
  const std::string_view name = front[0];
  const auto rest = static_cast<size_t>(front[1].data() + front[1].size() + 2 - request.data);
  return {request.view().substr(0, request.view().find('\n') + 1), IsReadOnlyName(name),
          request.Sub(rest, request.size - rest)};
}

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace

Pieces WithBody(const base::Slice& request, const replication::ScriptRef& body) {
  const Parts parts = PartsOf(request);
  std::string head(parts.count);
  head += Bulk(parts.read_only ? "EVAL_RO" : "EVAL");
  head += "$" + std::to_string(body->text.size()) + "\r\n";
  return {base::CopySlice(head), base::ExternalSlice(body->text, body), base::StaticSlice("\r\n"),
          parts.rest};
}

Pieces AsSha(const base::Slice& request, const replication::Sha1& sha) {
  const Parts parts = PartsOf(request);
  std::string head(parts.count);
  head += Bulk(parts.read_only ? "EVALSHA_RO" : "EVALSHA");
  head += Bulk(sha.ToString());
  return {base::CopySlice(head), parts.rest, base::Slice(), base::Slice()};
}

bool HasReadOnlyName(const base::Slice& request) {
  std::vector<std::string_view> front;
  resp::PeekArguments(request.view(), 1, &front);
  return IsReadOnlyName(front[0]);
}

bool HasValidNumkeys(const std::vector<std::string_view>& args) {
  if (args.size() < 3) return false;
  const auto numkeys = resp::ParseNumber(args[2]);
  return numkeys && *numkeys >= 0 && static_cast<uint64_t>(*numkeys) <= args.size() - 3;
}

}  // namespace frontend
