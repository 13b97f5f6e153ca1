// SPDX-License-Identifier: Apache-2.0
// The system calls that leave a trace, as points and with the mistakes that can be made of them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

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

int posix_fallocate(int descriptor, off_t from, off_t length) {
  const char* place = place_of_file(descriptor);
  if (pass(place, "fallocate", "before")) return EIO;
  const int result =
      (int)done(syscall(SYS_fallocate, descriptor, 0, from, length), place, "fallocate");
  return result == 0 ? 0 : errno;
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

int bind(int socket, const struct sockaddr* address, socklen_t length) {
  const bool is_file = address->sa_family == AF_UNIX;
  const char* path = ((const struct sockaddr_un*)address)->sun_path;
  const char* place = is_file ? place_of(path) : NULL;
  if (pass(place, "bind", "before")) return -1;
  return (int)done(syscall(SYS_bind, socket, address, length), place, "bind");
}

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
