// SPDX-License-Identifier: Apache-2.0
#include "weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace weights {
namespace {

constexpr uint64_t kMaxHeaderBytes = 16u << 20;
constexpr size_t kMaxTensors = 65536;
constexpr size_t kMaxRank = 8;
constexpr int kMaxHeaderDepth = 4;

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

using base::Json;
using base::text;

// Where and what is being read, for messages.
struct Place {
  std::string file;
  std::string tensor;

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(
        base::Fault::invalid,
        tensor.empty() ? text(file, ": ", why) : text(file, ": tensor ", tensor, ": ", why));
  }
};

uint64_t header_length(std::span<const std::byte> bytes, const Place& place) {
  if (bytes.size() < 8) place.refuse(text(bytes.size(), " bytes are no safetensors file"));
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8) {
    place.refuse(text("the header claims ", length, " bytes, the file has ", bytes.size()));
  }
  if (length > kMaxHeaderBytes) {
    place.refuse(text("a header of ", length, " bytes, at most ", kMaxHeaderBytes));
  }
  return length;
}

uint64_t unsigned_number(const Json& value, std::string_view what, const Place& place) {
  if (!value.is_number_unsigned()) place.refuse(text(what, " is not a natural number"));
  return value.get<uint64_t>();
}

const Json& member(const Json& entry, const char* key, const Place& place) {
  if (!entry.is_object() || !entry.contains(key)) place.refuse(text("has no ", key));
  return entry[key];
}

std::vector<int64_t> read_shape(const Json& entry, const Place& place) {
  const Json& shape = member(entry, "shape", place);
  if (!shape.is_array() || shape.size() > kMaxRank) {
    place.refuse(text("its shape is no list of at most ", kMaxRank, " sizes"));
  }
  std::vector<int64_t> sizes;
  for (const Json& size : shape) {
    const uint64_t number = unsigned_number(size, "a size in its shape", place);
    if (number > INT64_MAX) place.refuse("its shape overflows 64 bits");
    sizes.push_back(static_cast<int64_t>(number));
  }
  return sizes;
}

uint64_t byte_count(const std::vector<int64_t>& shape, Dtype dtype, const Place& place) {
  uint64_t count = bytes_per_element(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(size), &count)) {
      place.refuse("its shape overflows 64 bits");
    }
  }
  return count;
}

TensorView read_tensor(const Json& entry, std::span<const std::byte> data, const Place& place) {
  TensorView view;
  const Json& dtype = member(entry, "dtype", place);
  if (!dtype.is_string()) place.refuse("its dtype is not a string");
  const auto known = dtype_named(dtype.get_ref<const std::string&>());
  if (!known) place.refuse(text("unknown dtype ", dtype.get<std::string>()));
  view.dtype = *known;
  view.shape = read_shape(entry, place);

  const Json& offsets = member(entry, "data_offsets", place);
  if (!offsets.is_array() || offsets.size() != 2) place.refuse("data_offsets is not [begin, end]");
  const uint64_t begin = unsigned_number(offsets[0], "its begin offset", place);
  const uint64_t end = unsigned_number(offsets[1], "its end offset", place);
  if (end < begin) place.refuse(text("it ends at ", end, " before it begins at ", begin));
  if (end > data.size()) {
    place.refuse(text("its data ends at ", end, ", the file's data at ", data.size()));
  }
  const uint64_t expected = byte_count(view.shape, view.dtype, place);
  if (end - begin != expected) {
    place.refuse(text("shape ",
                      view.shape_text(),
                      " of ",
                      name_of(view.dtype),
                      " needs ",
                      expected,
                      " bytes, it has ",
                      end - begin));
  }
  view.bytes = data.subspan(begin, end - begin);
  return view;
}

// Tensors must cover the data exactly: no holes, no overlaps (as the reference reader demands).
void check_cover(const TensorMap& tensors, std::span<const std::byte> data, Place place) {
  std::vector<const TensorMap::value_type*> order;
  for (const auto& item : tensors) order.push_back(&item);
  std::ranges::sort(order, {}, [](const auto* item) {
    return std::pair(item->second.bytes.data(), item->second.bytes.size());
  });
  const std::byte* expected = data.data();
  for (const auto* item : order) {
    if (item->second.bytes.data() != expected) {
      place.tensor = item->first;
      place.refuse("its data leaves a hole or overlaps another tensor's");
    }
    expected += item->second.bytes.size();
  }
  if (expected != data.data() + data.size()) {
    place.refuse(text(
        "the tensors end ", data.data() + data.size() - expected, " bytes before the file does"));
  }
}

void read_metadata(const Json& entry, SafetensorsFile& result, const Place& place) {
  if (!entry.is_object()) place.refuse("__metadata__ is not an object");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) place.refuse(text("__metadata__.", key, " is not a string"));
    result.metadata[key] = value.get<std::string>();
  }
}

std::string make_header(std::span<const TensorHeader> tensors, const Metadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& tensor : tensors) {
    const uint64_t end = offset + tensor.bytes();
    header[tensor.name] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string dumped = header.dump();
  dumped.resize((dumped.size() + 7) / 8 * 8, ' ');  // the data starts aligned
  return dumped;
}

void write_tensor(base::FileWriter& out, const TensorHeader& tensor, const TensorSource& source) {
  uint64_t left = tensor.bytes();
  source(tensor, [&](std::span<const std::byte> piece) {
    if (piece.size() > left) throw std::logic_error(text("too many bytes for ", tensor.name));
    left -= piece.size();
    out.write({reinterpret_cast<const char*>(piece.data()), piece.size()});
  });
  if (left > 0) throw std::logic_error(text(left, " bytes are missing of ", tensor.name));
}

void write_all(base::FileWriter& out,
               std::span<const TensorHeader> tensors,
               const TensorSource& source,
               const Metadata& metadata) {
  const std::string header = make_header(tensors, metadata);
  const uint64_t length = header.size();
  out.write({reinterpret_cast<const char*>(&length), sizeof length});
  out.write(header);
  for (const auto& tensor : tensors) write_tensor(out, tensor, source);
}

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  return read_safetensors(std::make_shared<const base::MappedFile>(path));
}

SafetensorsFile read_safetensors(const std::shared_ptr<const base::MappedFile>& file) {
  Place place{file->path().string(), {}};
  const auto bytes = file->bytes();
  const uint64_t length = header_length(bytes, place);
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const Json header = base::parse_json(head, place.file, {.depth = kMaxHeaderDepth});
  if (!header.is_object()) place.refuse("its header is not a JSON object");
  if (header.size() > kMaxTensors)
    place.refuse(text(header.size(), " tensors, at most ", kMaxTensors));

  SafetensorsFile result;
  const auto data = bytes.subspan(8 + length);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      read_metadata(entry, result, place);
      continue;
    }
    place.tensor = name;
    TensorView view = read_tensor(entry, data, place);
    view.file = file;
    result.tensors.emplace(name, std::move(view));
  }
  check_cover(result.tensors, data, {place.file, {}});
  return result;
}

uint64_t TensorHeader::bytes() const {
  uint64_t count = bytes_per_element(dtype);
  for (const auto size : shape) count *= static_cast<uint64_t>(size);
  return count;
}

void write_safetensors(const std::filesystem::path& file,
                       std::span<const TensorHeader> tensors,
                       const TensorSource& source,
                       const Metadata& metadata) {
  base::FileWriter out(file);
  write_all(out, tensors, source, metadata);
  out.commit();
}

void write_safetensors(base::FileWriter& out, const TensorMap& tensors, const Metadata& metadata) {
  write_all(out, headers_of(tensors), source_of(tensors), metadata);
}

void write_safetensors(const std::filesystem::path& file,
                       const TensorMap& tensors,
                       const Metadata& metadata) {
  write_safetensors(file, headers_of(tensors), source_of(tensors), metadata);
}

std::vector<TensorHeader> headers_of(const TensorMap& tensors) {
  std::vector<TensorHeader> headers;
  for (const auto& [name, view] : tensors) headers.push_back({name, view.dtype, view.shape});
  return headers;
}

TensorSource source_of(const TensorMap& tensors) {
  return [&tensors](const TensorHeader& header, const TensorSink& sink) {
    const auto& view = tensors.at(header.name);
    if (!view.strides.empty() || view.scale != nullptr || !view.stacked.empty()) {
      throw std::logic_error(text(header.name, " is not plain"));
    }
    sink(view.bytes);
  };
}

}  // namespace weights
