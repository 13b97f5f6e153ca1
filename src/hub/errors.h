// SPDX-License-Identifier: Apache-2.0
// How fetching fails, in words. Every message begins with a code that programs may look at:
//
//   fetch_refused      the wall lets no request go there, or a local path is not allowed
//   fetch_failed       it was tried; trying again later may help
//   lora_not_found     nothing is there
//   lora_unauthorized  the site wants a token, or another one
//   lora_ambiguous     several files could be meant
//   lora_too_large     more bytes than are allowed
//   lora_file_invalid  what came is no safetensors file, or a damaged one
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "http/client.h"

namespace hub {

// What is asked for, and of whom.
struct Place {
  std::string what;            // "alice/style/high.safetensors on huggingface.co"
  std::string token_variable;  // "HF_TOKEN", where the site knows tokens
  bool has_token = false;
};

// For an answer that is no success. Throws Error(not_found), Error(invalid) or Error(upstream).
[[noreturn]] void throw_status(const Place& place, const http::Reply& reply);

[[noreturn]] void throw_too_large(const std::string& what, uint64_t bytes, uint64_t most);

// The error with "fetch_failed: " before its message, where it has no code.
base::Error with_code(const base::Error& error);

}  // namespace hub
