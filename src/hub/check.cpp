// SPDX-License-Identifier: Apache-2.0
// check_safetensors() of fetch.h.
#include <array>
#include <fstream>

#include "base/text.h"
#include "hub/fetch.h"
#include "weights/safetensors.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::text;

struct Beginning {
  std::string_view bytes;
  std::string_view meaning;
};
constexpr Beginning kBeginnings[] = {
    {"version https://git-lfs", "is the pointer that Git keeps in place of a large file"},
    {"<!DOCTYPE", "is a web page"},
    {"<!doctype", "is a web page"},
    {"<html", "is a web page"},
    {"<?xml", "is an XML document, probably an error of the site"},
    {"PK\x03\x04", "is a pickle or another ZIP archive, which is not read; only .safetensors"},
    {"\x80\x02", "is a pickle, which is not read; only .safetensors"},
    {"\x80\x04", "is a pickle, which is not read; only .safetensors"},
    {"GGUF", "is a GGUF file; only .safetensors"},
    {"{\"", "is a JSON document, probably an error of the site"},
};

std::string_view meaning_of(const fs::path& file) {
  std::array<char, 32> bytes{};
  std::ifstream(file, std::ios::binary).read(bytes.data(), bytes.size());
  const std::string_view begin(bytes.data(), bytes.size());
  for (const auto& known : kBeginnings) {
    if (begin.starts_with(known.bytes)) return known.meaning;
  }
  return {};
}

}  // namespace

void check_safetensors(const fs::path& file, const std::string& shown) {
  try {
    weights::read_safetensors(file);
  } catch (const base::Error& error) {
    const auto meaning = meaning_of(file);
    std::string message = error.what();
    // The reader calls the file by its path, which is nobody's business.
    if (const auto path = file.string(); message.starts_with(path)) message.erase(0, path.size());
    if (message.starts_with(": ")) message.erase(0, 2);
    throw base::Error(base::Fault::invalid,
                      meaning.empty() ? text("lora_file_invalid: ", shown, ": ", message)
                                      : text("lora_file_invalid: ", shown, " ", meaning),
                      error.what());
  }
}

}  // namespace hub
