// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "catalog/parse.h"

namespace catalog {
namespace {

constexpr int kFirstSeconds = 5;

}  // namespace

int64_t price_mills(const Endpoint& endpoint, const GenerateRequest& request) {
  const auto& price = endpoint.price;
  const bool has_loras = !request.loras.empty() || !request.high_noise_loras.empty() ||
                         !request.low_noise_loras.empty();
  const int64_t first = price.mills[resolution_of(request.size)] +
                        (has_loras ? price.lora_mills : 0) -
                        (request.fast_mode ? price.fast_discount_mills : 0);
  const int64_t percent =
      100 + int64_t{price.percent_per_second} * std::max(0, request.seconds - kFirstSeconds);
  return (first * percent + 50) / 100;
}

int64_t base_price_mills(const Endpoint& endpoint) {
  return price_mills(endpoint, check(endpoint, base::Json::object()).request);
}

std::string dollars(int64_t mills) {
  auto digits = base::text(mills % 1000 + 1000);  // 50 -> "1050"
  auto fraction = digits.substr(1);
  if (fraction.ends_with('0')) fraction.pop_back();
  return base::text(mills / 1000, ".", fraction);
}

}  // namespace catalog
