// SPDX-License-Identifier: Apache-2.0
// What is settled when the server starts: addresses, the first key, which weights serve what.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/context.h"
#include "server/config.h"
#include "tasks/store.h"
#include "weights/installed.h"

namespace server {

using ServingByModel = std::map<std::string, api::Serving, std::less<>>;

// The configured one, else http:// and the address that is listened to, with the port that was
// really bound. Throws Error(invalid) where the configured one is no http or https URL.
std::string public_url(const Config& config, uint16_t port);

// What serves each model that endpoints ask for: as configured, else the installed model of that
// name, else the demo model that stands in.
ServingByModel weights_in_use(const Config& config,
                              const weights::ModelFolders& folders = weights::model_folders());

// On an address that only this machine reaches, the first start makes a key by itself and returns
// it. Throws Error(invalid) where others reach the server, there is no key and --no-auth was not
// said: nobody may be let in by oversight.
std::optional<std::string> make_first_key(tasks::Store& store, const Config& config, bool is_local);

// What a person who typed `zoetrope serve` needs to know, ending with a curl that works when
// pasted.
std::string first_screen(const api::Context& context,
                         const Config& config,
                         const std::string& data,
                         size_t workers,
                         const std::optional<std::string>& first_key);

}  // namespace server
