// Preloaded into a program: kills it at the call number STOP_AT of those that change what lies on the disk, before that call
// does anything. Tests use it to look at what each such moment leaves behind.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int calls;

static void count(void) {
  const char* at = getenv("STOP_AT");
  if (at != NULL && ++calls == atoi(at))
    kill(getpid(), SIGKILL);
}

static void* next(const char* name) { return dlsym(RTLD_NEXT, name); }

// A write that is stopped has done its first half.
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  ssize_t (*real)(int, const void*, size_t, off_t);
  void* found = next("pwrite");
  memcpy(&real, &found, sizeof real);
  const char* stop = getenv("STOP_AT");
  if (stop != NULL && calls + 1 == atoi(stop))
    real(file, bytes, size / 2, at);
  count();
  return real(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off_t at) { return pwrite(file, bytes, size, at); }

int fsync(int file) {
  int (*real)(int);
  void* found = next("fsync");
  memcpy(&real, &found, sizeof real);
  count();
  return real(file);
}

int unlink(const char* path) {
  int (*real)(const char*);
  void* found = next("unlink");
  memcpy(&real, &found, sizeof real);
  count();
  return real(path);
}

int rename(const char* from, const char* to) {
  int (*real)(const char*, const char*);
  void* found = next("rename");
  memcpy(&real, &found, sizeof real);
  count();
  return real(from, to);
}
