// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

#include <csignal>
#include <initializer_list>

#include <unistd.h>

#include "base/temporary_file.h"
#include "cli/command.h"

namespace cli {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t interrupted = 0;

void note(int) {
  if (interrupted != 0) {
    base::remove_temporary_files();
    ::_exit(kInterrupted);
  }
  interrupted = 1;
}

}  // namespace

void watch_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = note;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

bool is_interrupted() {
  return interrupted != 0;
}

}  // namespace cli
