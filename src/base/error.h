// SPDX-License-Identifier: Apache-2.0
// The one exception type of the project, and the one that is not an error: Cancelled.
#pragma once

#include <stdexcept>
#include <string>

namespace base {

// What went wrong, in terms that every wire and exit code can be derived from.
enum class Fault {
  invalid,
  not_found,
  unauthorized,  // nobody knows who asks
  forbidden,     // it is known, and may not
  conflict,
  exhausted,
  upstream,
  internal
};

class Error : public std::runtime_error {
 public:
  // `message` is shown to the caller; `detail` goes to the log and nowhere else.
  Error(Fault fault, const std::string& message, std::string detail = {})
      : std::runtime_error(message), fault_(fault), detail_(std::move(detail)) {}

  Fault fault() const { return fault_; }
  const std::string& detail() const { return detail_; }

 private:
  Fault fault_;
  std::string detail_;
};

// Thrown where work notices that nobody wants it any more. Not an error: nothing is reported.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

// The exception being handled, as an Error: an Error as it is, any stranger as `internal` with its
// text as detail. Call only inside a catch block.
Error current_error();

}  // namespace base
