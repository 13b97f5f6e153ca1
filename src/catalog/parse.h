// SPDX-License-Identifier: Apache-2.0
// A body of JSON to a request. Nothing is bent: what is not exactly allowed is a complaint.
#pragma once

#include "catalog/catalog.h"

namespace catalog {

struct Complaint {
  std::string field;  // "size", "input.prompt", "loras[1].scale"
  std::string message;
};

struct Parsed {
  GenerateRequest request;            // means something only where there are no complaints
  std::vector<std::string> warnings;  // what was taken but has no effect
  std::vector<Complaint> complaints;  // all of them, up to 50

  void complain(std::string field, std::string message);
};

// Reads the body by the endpoint's rules and returns all that is wrong with it: values that break
// their rule, required fields that are missing, names that are unknown, with the one that was
// probably meant. null stands for absent, 5.0 for 5; no other type for another.
Parsed check(const Endpoint& endpoint, const base::Json& body);

// The same for a caller that answers errors with one sentence: throws Error(invalid) with every
// complaint, as in `size: "900*900" is not one of 832*480, 480*832; duration: …`.
Parsed parse(const Endpoint& endpoint, const base::Json& body);

// The sentence.
std::string message_of(std::span<const Complaint> complaints);

// The same by fields that belong to no endpoint.
Parsed check_fields(std::span<const Field> fields, const base::Json& body);

}  // namespace catalog
