// SPDX-License-Identifier: Apache-2.0
#include "weights/pickle_names.h"

#include <algorithm>

namespace weights {
namespace {

// The same names that torch.load(weights_only=True) allows, cut to what state dicts use.
constexpr KnownName kKnownNames[] = {
    {"collections.OrderedDict", Call::ordered_dict},
    {"torch._utils._rebuild_tensor_v2", Call::rebuild_tensor},
    {"torch._utils._rebuild_parameter", Call::first_argument},
    {"torch.Size", Call::first_argument},
    {"_codecs.encode", Call::first_argument},
    {"torch.DoubleStorage", Call::value},
    {"torch.FloatStorage", Call::value},
    {"torch.HalfStorage", Call::value},
    {"torch.BFloat16Storage", Call::value},
    {"torch.LongStorage", Call::value},
    {"torch.IntStorage", Call::value},
    {"torch.ShortStorage", Call::value},
    {"torch.CharStorage", Call::value},
    {"torch.ByteStorage", Call::value},
    {"torch.BoolStorage", Call::value},
    {"torch.float64", Call::value},
    {"torch.float32", Call::value},
    {"torch.float16", Call::value},
    {"torch.bfloat16", Call::value},
    {"torch.int64", Call::value},
    {"torch.int32", Call::value},
    {"torch.int16", Call::value},
    {"torch.int8", Call::value},
    {"torch.uint8", Call::value},
    {"torch.bool", Call::value},
};

}  // namespace

const KnownName* find_known_name(std::string_view name) {
  const auto* found = std::ranges::find(kKnownNames, name, &KnownName::name);
  return found == std::end(kKnownNames) ? nullptr : found;
}

}  // namespace weights
