// SPDX-License-Identifier: Apache-2.0
// Civitai: from a model's version to its file, through the site's REST API.
// https://developer.civitai.com/site/reference/model-versions
#pragma once

#include <functional>
#include <string>

#include "http/client.h"
#include "hub/download.h"
#include "hub/reference.h"

namespace hub {

struct CivitaiSettings {
  std::string endpoint = "https://civitai.com";
  std::string token;  // empty: none; most downloads need one
};

// CIVITAI_TOKEN, and CIVITAI_ENDPOINT for a mirror.
CivitaiSettings civitai_settings();

struct CivitaiFile {
  std::string key;        // what it is, whatever URL named it
  Download download;      // without limits
  std::string plain_url;  // to try where the download's own is not found; empty: there is none
};

// Asks the site which file is meant: the one the query picks, else the version's main one, else the
// only one in the safetensors format. Throws base::Error with a code of errors.h, and
// base::Cancelled.
CivitaiFile find_on_civitai(http::Client& client,
                            const CivitaiSettings& settings,
                            const CivitaiReference& reference,
                            const Patience& patience,
                            const std::function<bool()>& goes_on);

}  // namespace hub
