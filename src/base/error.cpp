// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace base {

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& stranger) {
    return {Fault::internal, "internal error", stranger.what()};
  } catch (...) {
    return {Fault::internal, "internal error", "an exception of unknown type"};
  }
}

}  // namespace base
