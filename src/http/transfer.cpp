// SPDX-License-Identifier: Apache-2.0
#include "http/transfer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"

namespace http {
namespace {

constexpr long kSlowBytesPerSecond = 1000;
constexpr size_t kMaxReplyHead = 64 << 10;
constexpr size_t kMaxExplanation = 64 << 10;

struct CloseFile {
  void operator()(FILE* file) const { std::fclose(file); }
};

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What the callbacks share. None of them lets an exception into libcurl: run() carries it.
struct Transfer {
  const Call& call;
  const Egress* wall;
  Outcome outcome;
  std::unique_ptr<FILE, CloseFile> upload;
  uint64_t received = 0;
  size_t head_bytes = 0;
  std::exception_ptr problem;

  template <typename Step>
  bool run(Step step) {
    try {
      return step();
    } catch (...) {
      problem = std::current_exception();
      return false;
    }
  }

  bool fail(std::string why) {
    outcome.failed = std::move(why);
    return false;
  }

  bool take_header(std::string_view line) {
    head_bytes += line.size();
    if (head_bytes > kMaxReplyHead) return fail("the header of the answer is too long");
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) {  // another one follows a 100 Continue
      outcome.reply.headers.clear();
    } else if (colon != std::string_view::npos) {
      outcome.reply.headers.push_back(
          {lower_case(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
    }
    return true;
  }

  bool take_body(CURL* handle, std::string_view piece) {
    auto& reply = outcome.reply;
    if (received == 0) {
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      reply.status = static_cast<int>(status);
      const auto* encoding = find(reply.headers, "content-encoding");
      if (encoding != nullptr && lower_case(*encoding) != "identity") {
        return fail("the answer is encoded as " + *encoding);
      }
    }
    received += piece.size();
    if (received > call.max_bytes) {
      outcome.is_over = true;
      return fail(base::text("the answer has more than ", call.max_bytes, " bytes"));
    }
    const bool is_wanted = reply.status >= 200 && reply.status < 300;
    if (call.sink && is_wanted) {
      call.sink(reply, piece);
    } else {
      // Where a file of any size is expected, what explains its absence is short.
      const auto most = call.sink ? kMaxExplanation : reply.body.max_size();
      reply.body += piece.substr(0, most - std::min(most, reply.body.size()));
    }
    return true;
  }
};

struct Context {
  CURL* handle;
  Transfer* transfer;
};

size_t on_header(char* data, size_t, size_t bytes, void* user) {
  auto& transfer = *static_cast<Context*>(user)->transfer;
  return transfer.run([&] { return transfer.take_header({data, bytes}); }) ? bytes : 0;
}

size_t on_body(char* data, size_t, size_t bytes, void* user) {
  const auto& context = *static_cast<Context*>(user);
  auto& transfer = *context.transfer;
  return transfer.run([&] {
    return transfer.take_body(context.handle, {data, bytes});
  })
             ? bytes
             : 0;
}

size_t on_read(char* to, size_t, size_t bytes, void* user) {
  FILE* file = static_cast<Context*>(user)->transfer->upload.get();
  const auto count = std::fread(to, 1, bytes, file);
  return std::ferror(file) != 0 ? CURL_READFUNC_ABORT : count;
}

int on_seek(void* user, curl_off_t offset, int origin) {
  FILE* file = static_cast<Context*>(user)->transfer->upload.get();
  return ::fseeko(file, offset, origin) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

int on_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& transfer = *static_cast<Context*>(user)->transfer;
  const bool goes_on = transfer.run([&] {
    if (transfer.call.progress(static_cast<uint64_t>(sent), static_cast<uint64_t>(received))) {
      return true;
    }
    throw base::Cancelled();
  });
  return goes_on ? 0 : 1;
}

// The wall: decides on the address that is about to be connected to, whatever the URL said.
curl_socket_t on_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Context*>(user)->transfer;
  const bool is_allowed = transfer.run([&] {
    transfer.outcome.refused = transfer.wall->complaint_about(&address->addr);
    return transfer.outcome.refused.empty();
  });
  if (!is_allowed) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
  const auto result = curl_easy_setopt(handle, option, value);
  if (result == CURLE_OK) return;
  throw base::Error(base::Fault::internal,
                    "internal error",
                    base::text("libcurl option ", option, ": ", curl_easy_strerror(result)));
}

using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

List header_list(const Call& call) {
  List list;
  append(list, "Accept-Encoding: identity");
  for (const auto& [name, value] : call.headers) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (std::ranges::any_of(name + value, is_control)) {
      throw base::Error(base::Fault::invalid, "the header field " + name + " holds a control byte");
    }
    // With a colon and nothing behind it, libcurl would leave the field out.
    append(list, value.empty() ? name + ";" : base::text(name, ": ", value));
  }
  return list;
}

void set_limits(CURL* handle, const Call& call) {
  const auto milliseconds = [](auto time) { return static_cast<long>(time.count()); };
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(call.connect_time));
  set(handle, CURLOPT_TIMEOUT_MS, milliseconds(call.total_time));
  const auto stall = std::chrono::ceil<std::chrono::seconds>(call.stall_time).count();
  set(handle, CURLOPT_LOW_SPEED_LIMIT, stall > 0 ? kSlowBytesPerSecond : 0L);
  set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall));
  set(handle, CURLOPT_NOSIGNAL, 1L);
}

void set_body(CURL* handle, const Call& call, Context& context) {
  if (!call.upload.empty()) {
    auto& file = context.transfer->upload;
    file.reset(std::fopen(call.upload.c_str(), "rbe"));
    if (!file) throw base::Error(base::Fault::not_found, "cannot open " + call.upload.string());
    set(handle, CURLOPT_UPLOAD, 1L);
    set(handle, CURLOPT_READFUNCTION, on_read);
    set(handle, CURLOPT_READDATA, &context);
    set(handle, CURLOPT_SEEKFUNCTION, on_seek);
    set(handle, CURLOPT_SEEKDATA, &context);
    set(handle,
        CURLOPT_INFILESIZE_LARGE,
        static_cast<curl_off_t>(std::filesystem::file_size(call.upload)));
  } else if (call.method == "HEAD") {
    set(handle, CURLOPT_NOBODY, 1L);
  } else if (call.method != "GET" && call.method != "DELETE") {
    set(handle, CURLOPT_POSTFIELDS, call.body.c_str());
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  if (call.method != "HEAD") set(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

void set_place(CURL* handle, const Call& call, const ClientOptions& options, Context& context) {
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  if (!options.ca_file.empty()) set(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!call.unix_socket.empty()) set(handle, CURLOPT_UNIX_SOCKET_PATH, call.unix_socket.c_str());
  const bool has_wall = context.transfer->wall != nullptr;
  if (has_wall || !call.unix_socket.empty()) {
    // An empty name switches off the proxies of the environment too.
    set(handle, CURLOPT_PROXY, "");
    set(handle, CURLOPT_NOPROXY, "*");
  }
  if (!has_wall) return;
  set(handle, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  set(handle, CURLOPT_OPENSOCKETDATA, &context);
}

void set_callbacks(CURL* handle, const Call& call, Context& context) {
  set(handle, CURLOPT_HEADERFUNCTION, on_header);
  set(handle, CURLOPT_HEADERDATA, &context);
  set(handle, CURLOPT_WRITEFUNCTION, on_body);
  set(handle, CURLOPT_WRITEDATA, &context);
  if (!call.progress) return;
  set(handle, CURLOPT_NOPROGRESS, 0L);
  set(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  set(handle, CURLOPT_XFERINFODATA, &context);
}

}  // namespace

Url::Url() : url_(curl_url()) {
  if (!url_) throw std::bad_alloc();
}

bool Url::read(const std::string& text) {
  const bool holds_foreign =
      std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '\\'; });
  if (holds_foreign) return false;
  if (curl_url_set(native(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) {
    return false;
  }
  const auto scheme = part(CURLUPART_SCHEME);
  return scheme == "http" || scheme == "https";
}

std::string Url::part(CURLUPart which, unsigned flags) const {
  char* found = nullptr;
  if (curl_url_get(native(), which, &found, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(found, curl_free);
  return found;
}

Location Url::location() const {
  const auto port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return {
      part(CURLUPART_SCHEME), part(CURLUPART_HOST), static_cast<uint16_t>(std::atoi(port.c_str()))};
}

std::string Url::public_text() const {
  const auto [scheme, host, port] = location();
  return base::text(scheme, "://", host, ':', port, part(CURLUPART_PATH));
}

std::string Url::text() const {
  return part(CURLUPART_URL);
}

Outcome exchange(CURL* handle,
                 const Call& call,
                 const Url& url,
                 const ClientOptions& options,
                 const Egress* wall) {
  Transfer transfer{call, wall};
  Context context{handle, &transfer};
  std::array<char, CURL_ERROR_SIZE> message{};
  const auto headers = header_list(call);
  List resolve;
  if (wall != nullptr) {
    for (const auto& line : wall->policy().resolve) append(resolve, line);
  }
  set(handle, CURLOPT_CURLU, url.native());
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_RESOLVE, resolve.get());
  set(handle, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(handle, CURLOPT_ERRORBUFFER, message.data());
  set_limits(handle, call);
  set_place(handle, call, options, context);
  set_callbacks(handle, call, context);
  set_body(handle, call, context);

  const auto result = curl_easy_perform(handle);
  if (transfer.problem) std::rethrow_exception(transfer.problem);
  auto& outcome = transfer.outcome;
  if (result == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    outcome.reply.status = static_cast<int>(status);
    outcome.reply.url = url.text();
    outcome.refused.clear();  // another address of the same name was let through
  } else if (outcome.failed.empty()) {
    outcome.failed = message[0] != 0 ? message.data() : curl_easy_strerror(result);
  }
  return std::move(outcome);
}

}  // namespace http
