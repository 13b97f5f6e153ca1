// SPDX-License-Identifier: Apache-2.0
#include "http/egress.h"

#include <algorithm>

#include "base/text.h"
#include "http/field.h"

namespace http {
namespace {

// "Example.COM." is example.com.
std::string normal_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower_case(host);
}

}  // namespace

Egress::Egress(EgressPolicy policy) : policy_(std::move(policy)) {
  for (const auto& text : policy_.networks) networks_.push_back(parse_network(text));
  for (auto& host : policy_.hosts) host = normal_host(host);
}

std::string Egress::complaint_about(const Location& location) const {
  const bool is_plain = location.scheme == "http";
  if (location.scheme != "https" && (!is_plain || policy_.https_only)) {
    return base::text("the scheme ", location.scheme, " is not allowed");
  }
  if (!policy_.ports.empty() &&
      std::ranges::find(policy_.ports, location.port) == policy_.ports.end()) {
    return base::text("the port ", location.port, " is not allowed");
  }
  const auto& hosts = policy_.hosts;
  if (!hosts.empty() && std::ranges::find(hosts, normal_host(location.host)) == hosts.end()) {
    return base::text("the host ", location.host, " is not on the list");
  }
  return {};
}

std::string Egress::complaint_about(const sockaddr* address) const {
  const auto to = address_of(address);
  if (!to) return "the address is not an IP address";
  const auto has_it = [&](const Network& network) { return network.contains(*to); };
  if (std::ranges::any_of(networks_, has_it)) return {};
  if (!is_global(*to)) return base::text("the address ", to_text(*to), " is not global");
  const auto own = own_addresses();
  if (std::ranges::find(own, *to) != own.end()) {
    return base::text("the address ", to_text(*to), " is this machine's own");
  }
  return {};
}

}  // namespace http
