// SPDX-License-Identifier: Apache-2.0
#include "lora/numbers.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace lora {
namespace {

using weights::Dtype;

// A number of these types is not finite where all bits of its exponent are set.
template <typename Bits>
bool all_finite(std::span<const std::byte> bytes, Bits exponent) {
  bool found = false;
  for (size_t at = 0; at + sizeof(Bits) <= bytes.size(); at += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + at, sizeof bits);
    found |= (bits & exponent) == exponent;  // no early end: so it is done in vectors
  }
  return !found;
}

template <typename Number>
Number read(const weights::TensorView& view) {
  Number number{};
  std::memcpy(&number, view.bytes.data(), sizeof number);
  return number;
}

// sign, `exponent_bits`, `fraction_bits`
double decode(uint32_t bits, int exponent_bits, int fraction_bits) {
  const auto fraction = bits & ((1u << fraction_bits) - 1);
  const auto exponent = (bits >> fraction_bits) & ((1u << exponent_bits) - 1);
  const bool is_negative = ((bits >> (exponent_bits + fraction_bits)) & 1) != 0;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double value = exponent == 0
                           ? std::ldexp(fraction, 1 - bias - fraction_bits)
                           : std::ldexp(fraction + (1u << fraction_bits),
                                        static_cast<int>(exponent) - bias - fraction_bits);
  return is_negative ? -value : value;
}

}  // namespace

bool is_finite(const weights::TensorView& view) {
  switch (view.dtype) {
    case Dtype::f64:
      return all_finite<uint64_t>(view.bytes, 0x7ff0'0000'0000'0000);
    case Dtype::f32:
      return all_finite<uint32_t>(view.bytes, 0x7f80'0000);
    case Dtype::f16:
      return all_finite<uint16_t>(view.bytes, 0x7c00);
    case Dtype::bf16:
      return all_finite<uint16_t>(view.bytes, 0x7f80);
    case Dtype::f8_e5m2:
      return all_finite<uint8_t>(view.bytes, 0x7c);
    case Dtype::f8_e4m3:  // of this type's exponents the last has numbers too, all but one
      return all_finite<uint8_t>(view.bytes, 0x7f);
    default:
      return true;
  }
}

double first_number(const weights::TensorView& view) {
  switch (view.dtype) {
    case Dtype::f64:
      return read<double>(view);
    case Dtype::f32:
      return read<float>(view);
    case Dtype::f16:
      return decode(read<uint16_t>(view), 5, 10);
    case Dtype::bf16:
      return std::bit_cast<float>(static_cast<uint32_t>(read<uint16_t>(view)) << 16);
    case Dtype::f8_e4m3:
      return decode(read<uint8_t>(view), 4, 3);
    case Dtype::f8_e5m2:
      return decode(read<uint8_t>(view), 5, 2);
    default:
      return 0;
  }
}

}  // namespace lora
