// SPDX-License-Identifier: Apache-2.0
// What the path of a LoRA or a model means: read, without asking anybody.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace hub {

// A file of this machine.
struct LocalReference {
  std::filesystem::path path;
};

// In a repository of a Hugging Face hub.
struct RepositoryReference {
  std::string repository;         // "owner/name"
  std::string revision = "main";  // a branch, a tag or a commit
  std::string path;               // of a file or a folder in it; empty: all of it
};

// A model on Civitai. One of the two numbers may be missing, which is 0.
struct CivitaiReference {
  int64_t model = 0;    // its newest version, where none is named
  int64_t version = 0;  // one release of a model, which has files
  std::string query;    // that picks one of the files, as in the site's own URLs; usually empty
};

// Any other place on the web.
struct UrlReference {
  std::string url;
};

using Reference = std::variant<LocalReference, RepositoryReference, CivitaiReference, UrlReference>;

// Where the sites are. Tests and mirrors have them elsewhere; their usual names mean these all the
// same.
struct Sites {
  std::string hub = "https://huggingface.co";
  std::string civitai = "https://civitai.com";
};

// Understands "owner/name", with "/file" or ":file" behind it and "@revision" behind the name, and
// with "hf://" before it; URLs of a hub's pages and files; URLs of Civitai's pages and downloads;
// other URLs of http and https. What is left is a path of this machine, as is what begins with '/',
// './', '../' or '~'. A path such as "loras/x.safetensors" is local too, but one with more folders
// looks like a repository: who has files of his own looks for them first.
//
// Throws Error(invalid) "lora_not_found: …" for what can be none of them.
Reference parse_reference(std::string_view text, const Sites& sites = {});

// "owner/name", "owner/name/file" or "owner/name@revision/file".
std::string to_text(const RepositoryReference& reference);

// Whether the text is the name of a repository, by the hub's rules.
bool is_repository_name(std::string_view text);

}  // namespace hub
