// SPDX-License-Identifier: Apache-2.0
// Faults for `zoetrope serve`, from outside: the tests preload this library (shim.py). The program
// itself holds no code for them.
//
// Points are the calls that leave a trace on the disk or on the network (calls.c), before and
// after. Their names say what is touched, and how: `wal.fdatasync.before`, `result.rename.after`.
//
//   FAULTS_DATA      the data folder; only what lies in it has points, and sockets
//   FAULTS_PAGE      a file that both sides map: clocks, and how often each point was passed
//   FAULTS_CRASH_AT  NAME:N  SIGKILL at the N-th passage of the point
//   FAULTS_FAIL_AT   NAME:N  EIO there, for points `….before`
//   FAULTS_BUG       mistakes of a program to be made in its place: the members of `bugs`
//
// What the program asks of SQLite is changed by sql.c.
#define _GNU_SOURCE
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kPoints = 255 };

// shim.py knows this layout too.
struct page {
  int64_t wall_ms;  // what is added to the clocks
  int64_t boot_ms;
  int64_t for_workers;  // not ours
  int64_t unused[5];
  struct point {
    char name[kName];
    uint64_t passed;
  } points[kPoints];
};

struct bugs bugs;
const char* data;

static struct page no_page;
static struct page* page = &no_page;
static const char* crash_at;
static const char* fail_at;
static long crash_passage, fail_passage;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int (*real_clock_gettime)(clockid_t, struct timespec*);

static long read_point(const char* variable, const char** name) {
  const char* value = getenv(variable);
  const char* colon = value ? strrchr(value, ':') : NULL;
  if (!colon) return 0;
  *name = strndup(value, (size_t)(colon - value));
  return atol(colon + 1);
}

__attribute__((constructor)) static void begin(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  // What these start inherits the environment.
  const bool is_server = strcmp(program_invocation_short_name, "zoetrope") == 0;
  if (!is_server && strcmp(program_invocation_short_name, "postgres") != 0) return;
  const char* file = getenv("FAULTS_PAGE");
  const int descriptor = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void* mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (mapped == MAP_FAILED) return;
  page = mapped;
  if (!is_server) return;
  crash_passage = read_point("FAULTS_CRASH_AT", &crash_at);
  fail_passage = read_point("FAULTS_FAIL_AT", &fail_at);
  const char* bug = getenv("FAULTS_BUG");
  if (!bug) bug = "";
  bugs.no_fsync = strstr(bug, "no_fsync");
  bugs.no_folder_fsync = strstr(bug, "no_folder_fsync");
  bugs.no_result_fsync = strstr(bug, "no_result_fsync");
  bugs.late_rename = strstr(bug, "late_rename");
  bugs.no_unlink = strstr(bug, "no_unlink");
  bugs.wall_leases = strstr(bug, "wall_leases");
  data = getenv("FAULTS_DATA");
}

// ── Points ──

const char* place_of(const char* path) {
  static const char* const places[][2] = {{"/files/tmp", "incoming"},
                                          {"/files/out", "result"},
                                          {"/files/uploads", "upload"},
                                          {"/files", "files"},
                                          {"/zoetrope.db-wal", "wal"},
                                          {"/zoetrope.db-shm", NULL},
                                          {"/zoetrope.db-journal", "journal"},
                                          {"/zoetrope.db.ballast", "ballast"},
                                          {"/zoetrope.db.lock", "lock"},
                                          {"/zoetrope.db", "db"},
                                          {"/signing-keys", "signing_keys"},
                                          {"/server.sock", "socket"}};
  const size_t length = data ? strlen(data) : 0;
  if (!length || strncmp(path, data, length) != 0) return NULL;
  path += length;
  if (!*path) return "data";
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    if (strncmp(path, places[i][0], strlen(places[i][0])) == 0) return places[i][1];
  }
  return NULL;
}

bool path_of(int descriptor, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  return length > 0 && path[0] == '/';
}

bool is_folder(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

bool pass(const char* place, const char* call, const char* when) {
  if (!place || !data) return false;
  char name[kName];
  snprintf(name, sizeof name, "%s.%s.%s", place, call, when);
  pthread_mutex_lock(&mutex);
  struct point* point = page->points;
  while (point < page->points + kPoints - 1 && *point->name && strcmp(point->name, name) != 0) {
    ++point;
  }
  memcpy(point->name, name, sizeof name);
  ++point->passed;
  if (crash_at && strcmp(name, crash_at) == 0 && --crash_passage == 0) {
    kill(getpid(), SIGKILL);
    pause();
  }
  const bool fails = fail_at && strcmp(name, fail_at) == 0 && --fail_passage == 0;
  pthread_mutex_unlock(&mutex);
  if (fails) errno = EIO;
  return fails;
}

long done(long result, const char* place, const char* call) {
  const int reason = errno;
  pass(place, call, "after");
  errno = reason;
  return result;
}

const char* place_of_file(int descriptor) {
  char path[PATH_MAX];
  return data && path_of(descriptor, path) ? place_of(path) : NULL;
}

// ── Clocks ──

static void add(int64_t milliseconds, struct timespec* time) {
  const int64_t all = time->tv_nsec + milliseconds % 1000 * 1000000;
  time->tv_sec += milliseconds / 1000 + (all < 0 ? -1 : all / 1000000000);
  time->tv_nsec = all < 0 ? all + 1000000000 : all % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (bugs.wall_leases && clock == CLOCK_BOOTTIME) clock = CLOCK_REALTIME;
  const int result = real_clock_gettime ? real_clock_gettime(clock, time)
                                        : (int)syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME) add(page->wall_ms, time);
  if (clock == CLOCK_BOOTTIME) add(page->boot_ms, time);
  return result;
}

// PostgreSQL's clock, which leases follow where it keeps the tasks.
int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  struct timespec now;
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}
