// SPDX-License-Identifier: Apache-2.0
// The server as it is reached over HTTP: the calls of server.h, below /worker/v1.
#pragma once

#include <filesystem>
#include <string>

#include "worker/server.h"

namespace worker {

struct Address {
  std::string url;                    // "http://127.0.0.1:8000"
  std::filesystem::path unix_socket;  // connects there instead of to the URL's host
  std::string key;                    // that the worker shows; empty: none
};

// Its calls may be made from several threads at once.
Server remote_server(const Address& address);

}  // namespace worker
