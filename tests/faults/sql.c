// SPDX-License-Identifier: Apache-2.0
// Between the program and SQLite: other words in its statements, and commits that come too late.
//
//   FAULTS_SQL          FIND \x1f PUT [\x1e FIND \x1f PUT …], the first place in each statement
//   FAULTS_LATE_COMMIT  a commit happens up to 50 ms after the program was told so
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults.h"

enum { kMost = 8 };

static struct { char *find, *put; } changes[kMost];
static size_t change_count;

__attribute__((constructor)) static void begin(void) {
  char* rest = strdup(getenv("FAULTS_SQL") ? getenv("FAULTS_SQL") : "");
  for (char* pair = strsep(&rest, "\x1e"); pair && *pair; pair = strsep(&rest, "\x1e")) {
    if (change_count == kMost) abort();
    changes[change_count].find = strsep(&pair, "\x1f");
    changes[change_count++].put = pair;
  }
}

// The statement itself where nothing is to be changed. What was changed is never freed: SQLite's
// callers are given pointers into it, and statements are prepared once.
static const char* changed(const char* sql) {
  for (size_t i = 0; i < change_count; ++i) {
    const char* at = strstr(sql, changes[i].find);
    if (!at) continue;
    const char* rest = at + strlen(changes[i].find);
    char* other = malloc(strlen(sql) + strlen(changes[i].put) + 1);
    memcpy(other, sql, (size_t)(at - sql));
    strcpy(stpcpy(other + (at - sql), changes[i].put), rest);
    char place[] = "sql0";
    place[3] += (char)i;
    pass(place, "change", "done");
    sql = other;
  }
  return sql;
}

int sqlite3_prepare_v2(
    sqlite3* db, const char* sql, int bytes, sqlite3_stmt** statement, const char** tail) {
  static int (*real)(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
  if (!real) real = dlsym(RTLD_NEXT, "sqlite3_prepare_v2");
  if (!change_count) return real(db, sql, bytes, statement, tail);
  return real(db, changed(sql), -1, statement, tail);
}

int sqlite3_exec(sqlite3* db,
                 const char* sql,
                 int (*row)(void*, int, char**, char**),
                 void* context,
                 char** message) {
  static int (*real)(sqlite3*, const char*, int (*)(void*, int, char**, char**), void*, char**);
  if (!real) real = dlsym(RTLD_NEXT, "sqlite3_exec");
  return real(db, changed(sql), row, context, message);
}

// ── Late commits ──

static pthread_mutex_t in_transaction = PTHREAD_MUTEX_INITIALIZER;
static sqlite3* writer;

static void* commit_later(void* nothing) {
  while (1) {
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    pthread_mutex_lock(&in_transaction);
    if (sqlite3_get_autocommit(writer) == 0) sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL);
    pthread_mutex_unlock(&in_transaction);
  }
  return nothing;
}

int sqlite3_step(sqlite3_stmt* statement) {
  static int (*real)(sqlite3_stmt*);
  if (!real) real = dlsym(RTLD_NEXT, "sqlite3_step");
  const char* sql = getenv("FAULTS_LATE_COMMIT") ? sqlite3_sql(statement) : NULL;
  if (!sql) return real(statement);
  if (strcmp(sql, "BEGIN IMMEDIATE") == 0) {
    pthread_mutex_lock(&in_transaction);
    return sqlite3_get_autocommit(sqlite3_db_handle(statement)) ? real(statement) : SQLITE_DONE;
  }
  if (strcmp(sql, "COMMIT") == 0) {
    if (!writer) {
      writer = sqlite3_db_handle(statement);
      pthread_t thread;
      pthread_create(&thread, NULL, commit_later, NULL);
    }
    pass("sql0", "change", "done");
    pthread_mutex_unlock(&in_transaction);
    return SQLITE_DONE;
  }
  const int result = real(statement);
  if (strcmp(sql, "ROLLBACK") == 0) pthread_mutex_unlock(&in_transaction);
  return result;
}
