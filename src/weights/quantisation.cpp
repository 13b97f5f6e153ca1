// SPDX-License-Identifier: Apache-2.0
#include "weights/quantisation.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace weights {
namespace {

using base::text;

constexpr std::string_view kMarker = "scaled_fp8";
constexpr std::string_view kMetadataKey = "_quantization_metadata";
constexpr std::array<std::string_view, 2> kScales = {".scale_weight", ".weight_scale"};
constexpr std::array<std::string_view, 2> kInputScales = {".scale_input", ".input_scale"};
constexpr std::string_view kFormat = ".comfy_quant";
constexpr std::array<std::string_view, 2> kFormats = {"float8_e4m3fn", "float8_e5m2"};

[[noreturn]] void refuse(const std::string& origin, const std::string& why) {
  throw base::Error(base::Fault::invalid, text(origin, ": ", why));
}

// The suffix out of `suffixes` that the name ends with, or nothing.
std::string_view suffix_of(std::string_view name, std::span<const std::string_view> suffixes) {
  for (const auto suffix : suffixes) {
    if (name.ends_with(suffix)) return suffix;
  }
  return {};
}

bool is_quantised(Dtype dtype) {
  return dtype == Dtype::f8_e4m3 || dtype == Dtype::f8_e5m2 || dtype == Dtype::i8;
}

// {"format": "float8_e4m3fn", …}
void check_format(const base::Json& entry, std::string_view tensor, const std::string& origin) {
  const auto format = entry.is_object() ? entry.value("format", base::Json()) : base::Json();
  if (format.is_string() && std::ranges::count(kFormats, format.get<std::string>()) > 0) return;
  refuse(origin,
         text(tensor, " is quantised as ", format.dump(), ", known: ", base::join(kFormats, ", ")));
}

void check_metadata(const std::map<std::string, std::string>& metadata, const std::string& origin) {
  const auto found = metadata.find(std::string(kMetadataKey));
  if (found == metadata.end()) return;
  const auto json = base::parse_json(found->second, text(origin, ": ", kMetadataKey));
  if (!json.is_object() || !json.contains("layers") || !json["layers"].is_object()) {
    refuse(origin, text(kMetadataKey, " has no layers"));
  }
  for (const auto& [layer, entry] : json["layers"].items()) check_format(entry, layer, origin);
}

// A factor fits one number, or one for each row of the weight.
bool fits(const TensorView& scale, const TensorView& weight) {
  if (!is_floating(scale.dtype) || is_quantised(scale.dtype) || !scale.strides.empty())
    return false;
  if (scale.elements() == 1) return true;
  if (weight.shape.empty() || scale.shape.empty()) return false;
  return scale.elements() == weight.shape[0] && scale.shape[0] == weight.shape[0];
}

void attach(TensorMap& tensors,
            const std::string& name,
            std::string_view suffix,
            const TensorView& scale,
            const std::string& origin) {
  const auto weight_name = name.substr(0, name.size() - suffix.size()) + ".weight";
  const auto weight = tensors.find(weight_name);
  if (weight == tensors.end()) {
    refuse(origin, text("tensor ", name, " scales ", weight_name, ", which is not there"));
  }
  if (!is_quantised(weight->second.dtype)) {
    refuse(origin,
           text("tensor ",
                weight_name,
                " is ",
                name_of(weight->second.dtype),
                " and has the scale ",
                name));
  }
  if (weight->second.scale != nullptr)
    refuse(origin, text("tensor ", weight_name, " has two scales"));
  if (!fits(scale, weight->second)) {
    refuse(origin,
           text("tensor ",
                name,
                " is ",
                name_of(scale.dtype),
                " ",
                scale.shape_text(),
                ", expected one number or [",
                weight->second.shape.at(0),
                ", 1]"));
  }
  weight->second.scale = std::make_shared<const TensorView>(scale);
}

}  // namespace

void attach_scales(TensorMap& tensors,
                   const std::map<std::string, std::string>& metadata,
                   const std::string& origin) {
  check_metadata(metadata, origin);
  bool is_scaled = tensors.erase(std::string(kMarker)) > 0;
  TensorMap about;  // what describes the quantisation
  for (auto item = tensors.begin(); item != tensors.end();) {
    const auto& name = item->first;
    const bool is_about = !suffix_of(name, kScales).empty() ||
                          !suffix_of(name, kInputScales).empty() || name.ends_with(kFormat);
    if (is_about) about.insert(*item);
    item = is_about ? tensors.erase(item) : std::next(item);
  }
  for (const auto& [name, view] : about) {
    if (name.ends_with(kFormat)) {
      const std::string_view json(reinterpret_cast<const char*>(view.bytes.data()),
                                  view.bytes.size());
      check_format(base::parse_json(json, text(origin, ": ", name)), name, origin);
    } else if (const auto suffix = suffix_of(name, kScales); !suffix.empty()) {
      attach(tensors, name, suffix, view, origin);
      is_scaled = true;
    }
  }
  if (!is_scaled) return;
  for (const auto& [name, view] : tensors) {
    if (is_quantised(view.dtype) && view.scale == nullptr) {
      refuse(origin,
             text("tensor ",
                  name,
                  " is ",
                  name_of(view.dtype),
                  " without a scale in a file that has scales"));
    }
  }
}

}  // namespace weights
