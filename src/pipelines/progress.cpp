// SPDX-License-Identifier: Apache-2.0
#include "pipelines/progress.h"

namespace pipelines {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::load:
      return "load";
    case Phase::text:
      return "text";
    case Phase::denoise:
      return "denoise";
    case Phase::decode:
      return "decode";
  }
  return "";
}

}  // namespace pipelines
