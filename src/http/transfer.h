// SPDX-License-Identifier: Apache-2.0
// One exchange over libcurl: what client.cpp does once per redirect.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "http/client.h"

namespace http {

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

// A URL as libcurl reads it. No other parser is asked: two that disagree are a hole in the wall.
class Url {
 public:
  Url();

  // False where the text is no http or https URL, names a user, or holds a byte that no URL may.
  // Once there is a URL, a relative one is read from there.
  bool read(const std::string& text);

  Location location() const;
  // Without what may be secret: the query.
  std::string public_text() const;
  std::string text() const;
  CURLU* native() const { return url_.get(); }

 private:
  std::string part(CURLUPart part, unsigned flags = 0) const;

  struct Free {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  std::unique_ptr<CURLU, Free> url_;
};

// How an exchange ended.
struct Outcome {
  Reply reply;
  std::string refused;   // why the wall let nothing through; empty: it did
  std::string failed;    // why there is no reply, for the log; empty: there is one
  bool is_over = false;  // it failed because the answer was longer than allowed
};

// Throws what the call's sink throws, and base::Cancelled.
Outcome exchange(CURL* handle,
                 const Call& call,
                 const Url& url,
                 const ClientOptions& options,
                 const Egress* wall);

}  // namespace http
