// SPDX-License-Identifier: Apache-2.0
// Follows what torch.save writes (torch/serialization.py), read from the data up: storages first,
// then every tensor as sizes, strides and an offset inside one of them.
#include "weights/pth.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "weights/byte_reader.h"
#include "weights/pickle.h"
#include "weights/zip.h"

namespace weights {
namespace {

using base::text;
using Bytes = std::span<const std::byte>;
using Kind = PickleKind;

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxTensors = 65536;
constexpr int64_t kLegacyProtocol = 1001;

// The pickle of 0x1950a86a20f9469cfc6c, with which the older form begins.
constexpr std::array<uint8_t, 15> kLegacyMagic = {
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

struct StorageClass {
  std::string_view name;
  Dtype dtype;
};

constexpr StorageClass kStorageClasses[] = {
    {"torch.DoubleStorage", Dtype::f64},
    {"torch.FloatStorage", Dtype::f32},
    {"torch.HalfStorage", Dtype::f16},
    {"torch.BFloat16Storage", Dtype::bf16},
    {"torch.LongStorage", Dtype::i64},
    {"torch.IntStorage", Dtype::i32},
    {"torch.ShortStorage", Dtype::i16},
    {"torch.CharStorage", Dtype::i8},
    {"torch.ByteStorage", Dtype::u8},
    {"torch.BoolStorage", Dtype::boolean},
};

using Storages = std::map<std::string, Bytes, std::less<>>;

// What a persistent id says about a storage.
struct StorageId {
  std::string key;
  Dtype dtype = Dtype::f32;
  uint64_t elements = 0;
  uint64_t view_offset = 0;               // in elements; older form only
  std::optional<uint64_t> view_elements;  // set when only a part of the storage is meant
};

class StateDict {
 public:
  StateDict(const Pickle& pickle, std::string what) : pickle_(pickle), what_(std::move(what)) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw base::Error(base::Fault::invalid, text(what_, ": ", why));
  }

  uint64_t natural(uint32_t index, std::string_view what) const {
    const auto& node = pickle_.at(index);
    if (node.kind != Kind::integer || node.integer < 0) refuse(text(what, " is no natural number"));
    return static_cast<uint64_t>(node.integer);
  }

  // ('storage', class, key, device, elements[, view]).
  StorageId storage_id(uint32_t index) const {
    const auto& node = pickle_.at(index);
    if (node.kind != Kind::storage || node.items.size() < 5 ||
        pickle_.at(node.items[0]).text != "storage" ||
        pickle_.at(node.items[2]).kind != Kind::text) {
      refuse("a tensor without a storage");
    }
    StorageId id;
    const auto& name = pickle_.at(node.items[1]).text;
    const auto* known = std::ranges::find(kStorageClasses, name, &StorageClass::name);
    if (known == std::end(kStorageClasses)) refuse("a storage of no known class");
    id.dtype = known->dtype;
    id.key = pickle_.at(node.items[2]).text;
    id.elements = natural(node.items[4], text("the size of storage ", id.key));
    if (node.items.size() > 5) read_view(pickle_.at(node.items[5]), id);
    return id;
  }

  // (key of the view, offset, elements): how the older form names a part of another storage.
  void read_view(const PickleNode& node, StorageId& id) const {
    if (node.kind == Kind::none) return;
    if (node.kind != Kind::list || node.items.size() != 3)
      refuse("a view of a storage that is none");
    id.view_offset = natural(node.items[1], text("the offset of a view of storage ", id.key));
    id.view_elements = natural(node.items[2], text("the size of a view of storage ", id.key));
  }

  // The bytes that an id means; the storage must have exactly the length the id says.
  Bytes storage_bytes(const StorageId& id, const Storages& storages) const {
    const auto found = storages.find(id.key);
    if (found == storages.end()) refuse(text("storage data/", id.key, " is missing"));
    const Bytes bytes = found->second;
    const size_t size = bytes_per_element(id.dtype);
    if (bytes.size() % size != 0 || bytes.size() / size != id.elements) {
      refuse(text("storage data/",
                  id.key,
                  " has ",
                  bytes.size(),
                  " bytes, ",
                  id.elements,
                  " x ",
                  size,
                  " expected"));
    }
    if (!id.view_elements) return bytes;
    if (id.view_offset > id.elements || *id.view_elements > id.elements - id.view_offset) {
      refuse(text("a view leaves storage data/", id.key));
    }
    return bytes.subspan(id.view_offset * size, *id.view_elements * size);
  }

  std::vector<int64_t> naturals(uint32_t index, std::string_view what) const {
    const auto& node = pickle_.at(index);
    if (node.kind != Kind::list || node.items.size() > kMaxRank) {
      refuse(text(what, " is no list of at most ", kMaxRank));
    }
    std::vector<int64_t> values;
    for (const auto item : node.items) values.push_back(static_cast<int64_t>(natural(item, what)));
    return values;
  }

  // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]).
  TensorView tensor(const std::string& name,
                    const PickleNode& node,
                    const Storages& storages) const;

  const Pickle& pickle() const { return pickle_; }

 private:
  const Pickle& pickle_;
  std::string what_;
};

std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

// Dimensions of size 1 may have any stride.
bool is_contiguous(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  const auto expected = contiguous_strides(shape);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1 && strides[i] != expected[i]) return false;
  }
  return true;
}

// How many elements lie between the first and the last of a tensor, both included; nothing when
// that number exceeds 64 bits.
std::optional<uint64_t> extent(const std::vector<int64_t>& shape,
                               const std::vector<int64_t>& strides) {
  uint64_t last = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    uint64_t way = 0;
    if (__builtin_mul_overflow(
            static_cast<uint64_t>(shape[i] - 1), static_cast<uint64_t>(strides[i]), &way) ||
        __builtin_add_overflow(last, way, &last)) {
      return std::nullopt;
    }
  }
  return last == UINT64_MAX ? std::nullopt : std::optional(last + 1);
}

// A tensor may repeat elements (stride 0), but never have more than its storage by far: whoever
// copies it would allocate that much.
bool has_sane_count(const std::vector<int64_t>& shape, uint64_t storage_elements) {
  uint64_t count = 1;
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(size), &count)) return false;
  }
  return count <= storage_elements;
}

TensorView StateDict::tensor(const std::string& name,
                             const PickleNode& node,
                             const Storages& storages) const {
  if (node.kind != Kind::tensor || node.items.size() < 4) {
    refuse(text("entry ", name, " is not a tensor"));
  }
  const auto id = storage_id(node.items[0]);
  const Bytes bytes = storage_bytes(id, storages);
  const size_t size = bytes_per_element(id.dtype);
  const uint64_t elements = bytes.size() / size;

  TensorView view;
  view.dtype = id.dtype;
  view.shape = naturals(node.items[2], text("the shape of tensor ", name));
  const auto strides = naturals(node.items[3], text("the strides of tensor ", name));
  const uint64_t offset = natural(node.items[1], text("the offset of tensor ", name));
  if (strides.size() != view.shape.size()) refuse(text("tensor ", name, " has too few strides"));
  const auto needed = extent(view.shape, strides);
  if (!needed || offset > elements || *needed > elements - offset ||
      !has_sane_count(view.shape, elements)) {
    refuse(text("tensor ",
                name,
                " of shape ",
                view.shape_text(),
                " at element ",
                offset,
                " does not lie in its storage data/",
                id.key,
                " of ",
                elements,
                " elements"));
  }
  view.bytes = bytes.subspan(offset * size, *needed * size);
  if (!is_contiguous(view.shape, strides)) view.strides = strides;
  return view;
}

TensorMap read_state_dict(const StateDict& state, const Storages& storages) {
  const auto& pickle = state.pickle();
  const auto& root = pickle.at(pickle.root);
  if (root.kind != Kind::dict) state.refuse("its pickle holds no dict of tensors");
  if (root.items.size() / 2 > kMaxTensors) {
    state.refuse(text(root.items.size() / 2, " tensors, at most ", kMaxTensors));
  }
  TensorMap tensors;
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const auto& key = pickle.at(root.items[i]);
    if (key.kind != Kind::text) state.refuse("a key of its dict is no text");
    const std::string name(key.text);
    auto view = state.tensor(name, pickle.at(root.items[i + 1]), storages);
    if (!tensors.emplace(name, std::move(view)).second) {
      state.refuse(text("tensor ", name, " is there twice"));
    }
  }
  return tensors;
}

// <folder>/data.pkl, <folder>/data/<key>, perhaps <folder>/byteorder.
TensorMap read_zip_form(Bytes bytes, const std::string& what) {
  const auto entries = read_zip(bytes, what);
  constexpr std::string_view kPickle = "data.pkl";
  const auto found = std::ranges::find_if(entries, [&](const auto& entry) {
    return entry.first.ends_with("/data.pkl") &&
           entry.first.find('/') == entry.first.size() - kPickle.size() - 1;
  });
  if (found == entries.end()) {
    throw base::Error(base::Fault::invalid, text(what, ": a zip archive without data.pkl"));
  }
  const auto folder = found->first.substr(0, found->first.size() - kPickle.size());
  Storages storages;
  for (const auto& [name, content] : entries) {
    const auto prefix = folder + "data/";
    if (name.starts_with(prefix)) storages.emplace(name.substr(prefix.size()), content);
  }
  const auto pickle = read_pickle(found->second, what);
  const StateDict state(pickle, what);
  if (const auto order = entries.find(folder + "byteorder"); order != entries.end()) {
    ByteReader reader(order->second, what);
    if (reader.text(reader.left()) != "little") state.refuse("its numbers are not little-endian");
  }
  return read_state_dict(state, storages);
}

// Reads the pickle at the reader's position and moves past it.
Pickle next_pickle(ByteReader& reader, Bytes bytes) {
  auto pickle = read_pickle(bytes.subspan(reader.position()), reader.what());
  reader.take(pickle.bytes);
  return pickle;
}

void check_system(const Pickle& protocol, const Pickle& system, const StateDict& state) {
  const auto& number = protocol.at(protocol.root);
  if (number.kind != Kind::integer || number.integer != kLegacyProtocol) {
    state.refuse(text("its protocol is not ", kLegacyProtocol));
  }
  const auto* little = system.find(system.at(system.root), "little_endian");
  if (little == nullptr || little->kind != Kind::boolean || little->integer != 1) {
    state.refuse("its numbers are not little-endian");
  }
}

// The size in bytes of one element of every storage that the pickle mentions.
std::map<std::string, size_t, std::less<>> element_sizes(const StateDict& state) {
  std::map<std::string, size_t, std::less<>> sizes;
  const auto& nodes = state.pickle().nodes;
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].kind != Kind::storage) continue;
    const auto id = state.storage_id(i);
    sizes.emplace(id.key, bytes_per_element(id.dtype));
  }
  return sizes;
}

// Five pickles (magic, protocol, system, state dict, keys of the storages), then for each key the
// number of elements and the elements.
TensorMap read_legacy_form(Bytes bytes, const std::string& what) {
  ByteReader reader(bytes, what);
  reader.take(kLegacyMagic.size());
  const auto protocol = next_pickle(reader, bytes);
  const auto system = next_pickle(reader, bytes);
  const auto pickle = next_pickle(reader, bytes);
  const auto keys = next_pickle(reader, bytes);
  const StateDict state(pickle, what);
  check_system(protocol, system, state);
  const auto sizes = element_sizes(state);
  const auto& list = keys.at(keys.root);
  if (list.kind != Kind::list) state.refuse("it has no list of storages");
  Storages storages;
  for (const auto index : list.items) {
    const std::string key(keys.at(index).text);
    const auto size = sizes.find(key);
    if (size == sizes.end()) state.refuse(text("storage data/", key, " belongs to no tensor"));
    const auto elements = reader.number<uint64_t>();
    if (elements > reader.left()) state.refuse(text("storage data/", key, " is cut off"));
    storages.emplace(key, reader.take(elements * size->second));
  }
  return read_state_dict(state, storages);
}

}  // namespace

bool looks_like_legacy_pth(Bytes bytes) {
  return bytes.size() >= kLegacyMagic.size() &&
         std::memcmp(bytes.data(), kLegacyMagic.data(), kLegacyMagic.size()) == 0;
}

TensorMap read_pth(const std::shared_ptr<const base::MappedFile>& file) {
  const auto what = file->path().string();
  auto tensors = looks_like_legacy_pth(file->bytes()) ? read_legacy_form(file->bytes(), what)
                                                      : read_zip_form(file->bytes(), what);
  for (auto& [name, view] : tensors) view.file = file;
  return tensors;
}

}  // namespace weights
