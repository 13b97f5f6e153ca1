// SPDX-License-Identifier: Apache-2.0
// For tests, of the rooms above too: small weight files made by hand, whole or damaged.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "weights/inventory.h"
#include "weights/safetensors.h"
#include "weights/tensor_file.h"

namespace weights::test {

// A folder of its own for a test, removed with everything in it.
class Folder {
 public:
  Folder() {
    // In memory where possible: some tests write thousands of files.
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = ::access(memory.c_str(), W_OK) == 0;
    const auto place = in_memory ? memory : std::filesystem::temp_directory_path();
    auto pattern = (place / "weights_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    // Not base::write_file: thousands of damaged files need not survive a power cut.
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// The message of the error that `act` ends in, or "accepted".
inline std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "accepted";
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <typename Number>
std::string raw(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// ── safetensors ──

inline std::string safetensors(std::string_view header, std::string_view data) {
  return raw<uint64_t>(header.size()) + std::string(header) + std::string(data);
}

// A view over zeros that live as long as the program.
inline TensorView zeros(std::vector<int64_t> shape, Dtype dtype = Dtype::f32) {
  static const std::vector<std::byte> kZeros(1u << 20);
  TensorView view{.dtype = dtype, .shape = std::move(shape)};
  view.bytes = {kZeros.data(), static_cast<size_t>(view.elements()) * bytes_per_element(dtype)};
  return view;
}

// Every tensor of a network, as zeros.
template <typename Spec>
TensorMap network(const Spec& spec, Dtype dtype = Dtype::f32) {
  TensorMap tensors;
  for (const auto& tensor : tensors_of(spec)) tensors[tensor.name] = zeros(tensor.shape, dtype);
  return tensors;
}

// ── pickle ──

inline std::string text(std::string_view value) {
  return "X" + raw<uint32_t>(static_cast<uint32_t>(value.size())) + std::string(value);
}

inline std::string number(uint8_t value) {
  return "K" + raw(value);
}

inline std::string global(std::string_view module, std::string_view name) {
  return base::text("c", module, "\n", name, "\n");
}

inline std::string tuple(const std::vector<std::string>& items) {
  return "(" + base::join(items, "") + "t";
}

// A tensor as torch.save writes it, in a storage of `elements` floats.
struct PickledTensor {
  std::string storage = "0";
  uint8_t elements = 6;
  std::vector<uint8_t> shape = {2, 3};
  std::vector<uint8_t> strides = {3, 1};
  std::string offset = number(0);
  std::string storage_class = "FloatStorage";
  std::string view = {};  // the sixth item of the persistent id in the older form
};

inline std::string numbers(const std::vector<uint8_t>& values) {
  std::vector<std::string> items;
  items.reserve(values.size());
  for (const auto value : values) items.push_back(number(value));
  return tuple(items);
}

inline std::string pickled(const PickledTensor& t) {
  const auto id = tuple({text("storage"),
                         global("torch", t.storage_class),
                         text(t.storage),
                         text("cpu"),
                         number(t.elements),
                         t.view});
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({id + "Q",
                t.offset,
                numbers(t.shape),
                numbers(t.strides),
                "\x89",
                global("collections", "OrderedDict") + ")R"}) +
         "R";
}

inline std::string state_dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string body;
  for (const auto& [name, value] : items) body += text(name) + value;
  return "\x80\x02}(" + body + "u.";
}

// ── zip ──

struct ZipEntry {
  std::string name;
  std::string content;
  uint16_t method = 0;
  uint16_t flags = 0;
  uint64_t claimed = UINT64_MAX;  // the size in the directory; UINT64_MAX: the true one
};

// Stored entries. With `zip64`, sizes and offsets stand in the extra fields and the counts in the
// zip64 record, as in archives over 4 GiB.
inline std::string zip(const std::vector<ZipEntry>& entries, bool zip64 = false) {
  std::string file, directory;
  for (const auto& entry : entries) {
    const uint64_t size = entry.claimed == UINT64_MAX ? entry.content.size() : entry.claimed;
    const uint64_t offset = file.size();
    const auto short_size = zip64 ? UINT32_MAX : static_cast<uint32_t>(size);
    const auto name_bytes = static_cast<uint16_t>(entry.name.size());
    file += raw(0x04034b50u) + raw<uint16_t>(20) + raw(entry.flags) + raw(entry.method) +
            raw<uint64_t>(0) + raw(short_size) + raw(short_size) + raw(name_bytes) +
            raw<uint16_t>(0) + entry.name + entry.content;
    const auto extra =
        zip64 ? raw<uint16_t>(1) + raw<uint16_t>(24) + raw(size) + raw(size) + raw(offset)
              : std::string();
    directory += raw(0x02014b50u) + raw(0x00140014u) + raw(entry.flags) + raw(entry.method) +
                 raw<uint64_t>(0) + raw(short_size) + raw(short_size) + raw(name_bytes) +
                 raw(static_cast<uint16_t>(extra.size())) + raw<uint16_t>(0) + raw<uint64_t>(0) +
                 raw(zip64 ? UINT32_MAX : static_cast<uint32_t>(offset)) + entry.name + extra;
  }
  const uint64_t begin = file.size(), end = begin + directory.size(), count = entries.size();
  file += directory;
  if (zip64) {
    file += raw(0x06064b50u) + raw<uint64_t>(44) + raw(0x002d002du) + raw<uint64_t>(0) +
            raw(count) + raw(count) + raw<uint64_t>(directory.size()) + raw(begin);
    file += raw(0x07064b50u) + raw(0u) + raw(end) + raw(1u);
  }
  const auto short_count = static_cast<uint16_t>(zip64 ? UINT16_MAX : count);
  file += raw(0x06054b50u) + raw(0u) + raw(short_count) + raw(short_count) +
          raw(zip64 ? UINT32_MAX : static_cast<uint32_t>(directory.size())) +
          raw(zip64 ? UINT32_MAX : static_cast<uint32_t>(begin)) + raw<uint16_t>(0);
  return file;
}

inline std::string floats(size_t count) {
  std::string content;
  for (size_t i = 0; i < count; ++i) content += raw(static_cast<float>(i));
  return content;
}

// A .pth in the ZIP form with one storage of `elements` floats 0, 1, 2, …
inline std::string pth(std::string_view pickle, size_t elements = 6) {
  return zip({{"x/data.pkl", std::string(pickle)},
              {"x/byteorder", "little"},
              {"x/data/0", floats(elements)}});
}

// ── damage ──

// Calls `read` with every beginning of `content`, then with `flips` copies in which one byte is
// another. It must end in success or in base::Error; anything else is thrown on.
inline void damage(const std::string& content,
                   size_t flips,
                   const std::function<void(const std::string&)>& read) {
  const auto try_read = [&](const std::string& damaged) {
    try {
      read(damaged);
    } catch (const base::Error&) {
      // Refusing is fine: what must not happen is a crash or a stranger's exception.
    }
  };
  for (size_t length = 0; length < content.size(); ++length) try_read(content.substr(0, length));
  uint32_t random = 1;
  const auto next = [&] { return random = random * 1664525u + 1013904223u; };
  for (size_t i = 0; i < flips; ++i) {
    auto damaged = content;
    damaged[(next() >> 4) % content.size()] = static_cast<char>(next() >> 24);
    try_read(damaged);
  }
}

}  // namespace weights::test
