// SPDX-License-Identifier: Apache-2.0
// The wall that every URL given by a user goes through on its way out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/address.h"

struct sockaddr;

namespace http {

// Where requests for users may go. The defaults let them reach the open Internet and nothing else.
struct EgressPolicy {
  bool https_only = false;                  // as webhooks want it
  std::vector<uint16_t> ports = {80, 443};  // none: all

  // For closed sites. Networks that may be reached although they are not global or are this
  // machine's; and, where there are any, the only hosts.
  std::vector<std::string> networks;
  std::vector<std::string> hosts;

  // Names and their addresses, as of `curl --resolve`: "files.example:443:10.1.2.3".
  std::vector<std::string> resolve;
};

// What a URL says, as libcurl reads it, which is also who connects.
struct Location {
  std::string scheme;
  std::string host;
  uint16_t port = 0;
};

class Egress {
 public:
  // Throws Error(invalid) for a network that is none.
  explicit Egress(EgressPolicy policy);

  // Why no request may be sent there, for the log; empty: it may. To be asked at every redirect.
  std::string complaint_about(const Location& location) const;

  // The same for the address of a socket that is about to connect. This is what decides: a name, a
  // number in any notation and a redirect all end here.
  std::string complaint_about(const sockaddr* address) const;

  const EgressPolicy& policy() const { return policy_; }

 private:
  EgressPolicy policy_;
  std::vector<Network> networks_;
};

}  // namespace http
