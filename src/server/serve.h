// SPDX-License-Identifier: Apache-2.0
// `zoetrope serve`: everything is started here, looked after, and stopped in order.
#pragma once

#include <filesystem>

#include "server/config.h"

namespace server {

// `engine` is the program of the workers. Serves until SIGTERM or SIGINT and returns the exit code:
// 0 after a drain, 70 where the disk failed, so that whoever supervises starts it again. Throws
// Error(invalid) where it cannot start.
int serve(const Config& config, const std::filesystem::path& engine);

// Where tasks, files, keys and the server's own socket are.
std::filesystem::path data_folder(const std::string& configured);

// The socket that workers and `zoetrope keys` speak through.
std::filesystem::path socket_in(const std::filesystem::path& data);

// "sqlite:DATA/zoetrope.db" for "sqlite", else the URL as it is.
std::string database_url(const std::string& configured, const std::filesystem::path& data);

}  // namespace server
