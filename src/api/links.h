// SPDX-License-Identifier: Apache-2.0
// The addresses that answers give out.
#pragma once

#include <string>

#include "api/context.h"
#include "objects/signer.h"
#include "tasks/task.h"

namespace api {

// They begin with the public address where one is configured, else with the name under which the
// caller has reached this server: it works for him, whatever lies between.
class Links {
 public:
  Links(const Context& context, const http::Request& request);
  // For what goes to somebody who did not call: webhooks.
  explicit Links(const Context& context);

  const std::string& base() const { return base_; }  // "https://videos.example"

  std::string task(const std::string& id) const;
  std::string output(const tasks::Task& task, const tasks::Output& output) const;
  // Of an upload: where to fetch it as long as it is kept, and where to PUT it.
  std::string upload(const std::string& id) const;
  std::string ticket(const std::string& id, const objects::UploadTicket& ticket) const;

 private:
  const Context& context_;
  std::string base_;
};

}  // namespace api
