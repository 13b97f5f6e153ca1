// SPDX-License-Identifier: Apache-2.0
// Faults for `zoetrope serve`, from outside: the tests preload this library (shim.py). The program
// itself holds no code for them.
//
// It stands between the program and the calls that leave a trace on the disk or on the network.
// Each is a named point, before and after: `wal.fdatasync.before`, `result.rename.after`. The name
// is what is touched, then the call.
//
//   FAULTS_DATA      the data folder; only what lies in it has points, and sockets
//   FAULTS_PAGE      a file that both sides map: clocks, and how often each point was passed
//   FAULTS_CRASH_AT  NAME:N  SIGKILL at the N-th passage of the point
//   FAULTS_FAIL_AT   NAME:N  EIO there, for points `….before`
//   FAULTS_BUG       mistakes of a program to be made in its place: the members of `bugs`
//
// sql_faults.c does the same to what the program asks of SQLite.
#define _GNU_SOURCE
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kPoints = 255, kName = 56 };

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

static struct {
  bool no_fsync;         // nothing is synced
  bool no_folder_fsync;  // no folder is
  bool no_result_fsync;  // no result is, before it gets its name
  bool late_rename;      // a result gets its name 300 ms after the program was told so
  bool no_unlink;        // results are never removed
  bool wall_leases;      // the clock of deadlines jumps with the wall clock
} bugs;

static struct page no_page;
static struct page* page = &no_page;
static const char* data;  // NULL: no points
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
  const char* file = getenv("FAULTS_PAGE");
  const int descriptor = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void* mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (mapped == MAP_FAILED) return;
  page = mapped;
  // The children of the program inherit the environment.
  if (strcmp(program_invocation_short_name, "zoetrope") != 0) return;
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

// Nothing where the point is none of the program's own.
static const char* place_of(const char* path) {
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

static bool path_of(int descriptor, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  return length > 0 && path[0] == '/';
}

static bool is_folder(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

// Counts the passage; true where the call is to fail.
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

// Keeps what the call has told in errno.
static long done(long result, const char* place, const char* call) {
  const int reason = errno;
  pass(place, call, "after");
  errno = reason;
  return result;
}

static const char* place_of_file(int descriptor) {
  char path[PATH_MAX];
  return data && path_of(descriptor, path) ? place_of(path) : NULL;
}

// ── Bytes ──

ssize_t write(int descriptor, const void* bytes, size_t count) {
  const char* place = place_of_file(descriptor);
  if (pass(place, "write", "before")) return -1;
  return done(syscall(SYS_write, descriptor, bytes, count), place, "write");
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  const char* place = place_of_file(descriptor);
  if (pass(place, "pwrite", "before")) return -1;
  return done(syscall(SYS_pwrite64, descriptor, bytes, count, at), place, "pwrite");
}

int ftruncate64(int descriptor, off64_t length) {
  const char* place = place_of_file(descriptor);
  if (pass(place, "ftruncate", "before")) return -1;
  return (int)done(syscall(SYS_ftruncate, descriptor, length), place, "ftruncate");
}

static int sync_file(int descriptor, long number, const char* call) {
  const char* place = place_of_file(descriptor);
  char name[kName];
  const bool folder = is_folder(descriptor);
  snprintf(name, sizeof name, "%s%s", place ? place : "", folder ? "_folder" : "");
  if (place && pass(name, call, "before")) return -1;
  const bool result_file = place && strcmp(name, "incoming") == 0;
  if (bugs.no_fsync || (bugs.no_folder_fsync && folder)) return 0;
  if (bugs.no_result_fsync && result_file) return 0;
  const int result = (int)syscall(number, descriptor);
  return place ? (int)done(result, name, call) : result;
}

int fsync(int descriptor) {
  return sync_file(descriptor, SYS_fsync, "fsync");
}

int fdatasync(int descriptor) {
  return sync_file(descriptor, SYS_fdatasync, "fdatasync");
}

// ── Names ──

// Results whose new name is still to come.
struct renaming {
  char from[PATH_MAX], to[PATH_MAX];
  struct renaming* next;
};
static struct renaming* renamings;
static pthread_mutex_t renaming_mutex = PTHREAD_MUTEX_INITIALIZER;

static void* rename_later(void* argument) {
  struct renaming* mine = argument;
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  pthread_mutex_lock(&renaming_mutex);
  syscall(SYS_renameat, AT_FDCWD, mine->from, AT_FDCWD, mine->to);
  struct renaming** link = &renamings;
  while (*link != mine) link = &(*link)->next;
  *link = mine->next;
  pthread_mutex_unlock(&renaming_mutex);
  free(mine);
  return NULL;
}

static int put_off(const char* from, const char* to) {
  struct renaming* mine = calloc(1, sizeof *mine);
  strncpy(mine->from, from, PATH_MAX - 1);
  strncpy(mine->to, to, PATH_MAX - 1);
  pthread_mutex_lock(&renaming_mutex);
  mine->next = renamings;
  renamings = mine;
  pthread_mutex_unlock(&renaming_mutex);
  pthread_t thread;
  pthread_create(&thread, NULL, rename_later, mine);
  pthread_detach(thread);
  return 0;
}

int rename(const char* from, const char* to) {
  const char* place = place_of(to);
  if (pass(place, "rename", "before")) return -1;
  if (bugs.late_rename && place && strcmp(place, "result") == 0) return put_off(from, to);
  return (int)done(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to), place, "rename");
}

// A file that waits for its new name is found under it, and is not removed under the old one.
int stat(const char* restrict path, struct stat* restrict status) {
  pthread_mutex_lock(&renaming_mutex);
  for (struct renaming* one = renamings; one; one = one->next) {
    if (strcmp(one->to, path) == 0) path = one->from;
  }
  const int result = (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
  pthread_mutex_unlock(&renaming_mutex);
  return result;
}

// In place of removing a result: it stays, under a name that keeps no folder from being removed.
static int put_aside(const char* path) {
  static int number;
  char aside[PATH_MAX];
  snprintf(aside, sizeof aside, "%s/files/out/left-%d", data, ++number);
  return (int)syscall(SYS_renameat, AT_FDCWD, path, AT_FDCWD, aside);
}

static int remove_name(int folder, const char* path, int flags, const char* full) {
  const bool removes_folder = flags & AT_REMOVEDIR;
  const char* place = place_of(full);
  char name[kName];
  snprintf(name, sizeof name, "%s%s", place ? place : "", removes_folder ? "_folder" : "");
  const char* call = removes_folder ? "rmdir" : "unlink";
  if (faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) != 0) place = NULL;  // it will say so
  if (place && pass(name, call, "before")) return -1;
  if (bugs.no_unlink && place && !removes_folder && strcmp(place, "result") == 0) {
    return put_aside(full);
  }
  pthread_mutex_lock(&renaming_mutex);
  bool waits = false;
  for (struct renaming* one = renamings; one; one = one->next) waits |= !strcmp(one->from, full);
  const int result = waits ? 0 : (int)syscall(SYS_unlinkat, folder, path, flags);
  pthread_mutex_unlock(&renaming_mutex);
  return place ? (int)done(result, name, call) : result;
}

int unlink(const char* path) {
  return remove_name(AT_FDCWD, path, 0, path);
}

// What std::filesystem::remove() calls.
int remove(const char* path) {
  struct stat status;
  const bool folder = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
  return remove_name(AT_FDCWD, path, folder ? AT_REMOVEDIR : 0, path);
}

int rmdir(const char* path) {
  return remove_name(AT_FDCWD, path, AT_REMOVEDIR, path);
}

int unlinkat(int folder, const char* path, int flags) {
  char full[PATH_MAX];
  if (folder == AT_FDCWD || path[0] == '/') return remove_name(folder, path, flags, path);
  if (path_of(folder, full)) {
    strncat(full, "/", PATH_MAX - strlen(full) - 1);
    strncat(full, path, PATH_MAX - strlen(full) - 1);
  }
  return remove_name(folder, path, flags, full);
}

int mkdir(const char* path, mode_t mode) {
  const char* place = place_of(path);
  if (pass(place, "mkdir", "before")) return -1;
  return (int)done(syscall(SYS_mkdirat, AT_FDCWD, path, mode), place, "mkdir");
}

// Only making a file that was not there leaves a trace.
static int open_file(const char* path, int flags, mode_t mode) {
  const bool makes = (flags & O_CREAT) && faccessat(AT_FDCWD, path, F_OK, 0) != 0;
  const char* place = makes ? place_of(path) : NULL;
  if (pass(place, "create", "before")) return -1;
  return (int)done(syscall(SYS_openat, AT_FDCWD, path, flags, mode), place, "create");
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}

// ── The network: the server answers with sendmsg and sendfile, its client sends with send ──

ssize_t sendmsg(int socket, const struct msghdr* message, int flags) {
  if (pass("reply", "sendmsg", "before")) return -1;
  return done(syscall(SYS_sendmsg, socket, message, flags), "reply", "sendmsg");
}

ssize_t sendfile(int socket, int file, off_t* at, size_t count) {
  if (pass("reply", "sendfile", "before")) return -1;
  return done(syscall(SYS_sendfile, socket, file, at, count), "reply", "sendfile");
}

ssize_t send(int socket, const void* bytes, size_t count, int flags) {
  if (pass("webhook", "send", "before")) return -1;
  return done(syscall(SYS_sendto, socket, bytes, count, flags, NULL, 0), "webhook", "send");
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
