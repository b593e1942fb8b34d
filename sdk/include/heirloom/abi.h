/* Heirloom plugin ABI, version 1. C11; included from C and C++.
 *
 * Verbs are C functions, nouns are FlatBuffers (formats/schema). A plugin is a shared library that exports one data
 * symbol, `heirloom_plugin_v1`. Everything else is found through tables of functions with revisioned ids; a published
 * table never changes, a new revision is a new id.
 *
 * Ownership: who makes a thing frees it; no allocator crosses the border. Bytes handed over are borrowed for as long
 * as the function's comment says. Strings are UTF-8 and end in NUL unless a size stands beside them.
 * Threads: each function's comment ends with its rule.
 *   [any thread]             may be called from several threads at once
 *   [one thread per object]  calls on one object never overlap; different objects may run at the same time
 * A plugin opens no files, starts no threads, prints nothing, keeps no mutable globals, and is never unloaded.
 * No exception and no longjmp crosses the border.
 */
#ifndef HEIRLOOM_ABI_H
#define HEIRLOOM_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEIRLOOM_ABI_MAJOR 1u /* host and plugin must agree */
#define HEIRLOOM_ABI_MINOR 1u /* grows when interface ids are added */

#if defined(_WIN32)
#define HEIRLOOM_EXPORT __declspec(dllexport)
#else
#define HEIRLOOM_EXPORT __attribute__((visibility("default")))
#endif

/* Whose fault, and so who can mend it. */
typedef int32_t heirloom_status;
enum {
  HEIRLOOM_OK = 0,
  HEIRLOOM_MALFORMED = 1,   /* the file breaks its format's rules */
  HEIRLOOM_UNSUPPORTED = 2, /* the file may be right, but this is not implemented */
  HEIRLOOM_IO = 3,          /* a file is missing or cannot be read */
  HEIRLOOM_LIMIT = 4,       /* the file asks for more than a stated limit */
  HEIRLOOM_MISUSE = 5,      /* the caller broke the contract or gave a wrong option */
  HEIRLOOM_CANCELLED = 6,   /* the user asked to stop */
  HEIRLOOM_INTERNAL = 7     /* a bug in the callee, or no memory */
};

#define HEIRLOOM_NO_POSITION UINT64_MAX

/* What went wrong. The caller allocates it and sets struct_size; the callee fills it in when it returns anything but
 * HEIRLOOM_OK, and leaves it alone otherwise. Text is cut to fit, always ends in NUL, and is "" when not known. */
typedef struct heirloom_error {
  uint32_t struct_size; /* sizeof(heirloom_error) of the caller */
  uint32_t reserved;
  uint64_t position;    /* byte in `file`, or HEIRLOOM_NO_POSITION */
  char message[512];    /* lower case, no full stop */
  char file[256];       /* relative name */
  char tensor[256];     /* name, where one tensor is at fault */
} heirloom_error;

/* Borrowed bytes. `data` may be NULL when `size` is 0. */
typedef struct heirloom_bytes {
  const uint8_t *data;
  uint64_t size;
} heirloom_bytes;

/* ---- what the host offers ---------------------------------------------------------------------------------- */

typedef struct heirloom_host heirloom_host;
struct heirloom_host {
  uint32_t abi_major;
  uint32_t abi_minor;
  void *context; /* the host's own */
  /* A table of functions by id, or NULL when the host does not have it. Valid as long as the host. [any thread] */
  const void *(*get_interface)(const heirloom_host *host, const char *id);
};

/* The files that may be read: those of one directory and below it, by relative name. A name is refused
 * (HEIRLOOM_MISUSE) when it is empty, absolute, or has an empty, "." or ".." part or a backslash. */
#define HEIRLOOM_HOST_FILES_1 "heirloom.host.files/1"
typedef struct heirloom_host_files_1 {
  /* Name of the file that the user gave, or "" when the user gave a directory. Borrowed, valid as long as the host.
   * [any thread] */
  const char *(*primary)(const heirloom_host *host);
  /* Number of regular files directly in the directory. [any thread] */
  uint32_t (*count)(const heirloom_host *host);
  /* Name number `index`, in byte order; NULL when out of range. Borrowed, valid as long as the host. [any thread] */
  const char *(*name)(const heirloom_host *host, uint32_t index);
  /* Size of a file in bytes. HEIRLOOM_IO when there is none. [any thread] */
  heirloom_status (*size)(const heirloom_host *host, const char *name, uint64_t *size, heirloom_error *error);
  /* Reads exactly `size` bytes at `offset` into the caller's buffer; HEIRLOOM_IO when the file ends before.
   * [any thread] */
  heirloom_status (*read)(const heirloom_host *host, const char *name, uint64_t offset, void *buffer, uint64_t size,
                          heirloom_error *error);
} heirloom_host_files_1;

#define HEIRLOOM_HOST_LOG_1 "heirloom.host.log/1"
enum { HEIRLOOM_LOG_INFO = 0, HEIRLOOM_LOG_WARNING = 1 };
typedef struct heirloom_host_log_1 {
  /* One line for the user, without a line end. The text is copied. [any thread] */
  void (*line)(const heirloom_host *host, int32_t level, const char *text);
} heirloom_host_log_1;

#define HEIRLOOM_HOST_PROGRESS_1 "heirloom.host.progress/1"
typedef struct heirloom_host_progress_1 {
  /* Work done so far of a total, in a unit of the plugin's choice. [any thread] */
  void (*report)(const heirloom_host *host, uint64_t done, uint64_t total);
  /* Not 0 when the user asked to stop; the callee then returns HEIRLOOM_CANCELLED soon. [any thread] */
  int32_t (*is_cancelled)(const heirloom_host *host);
} heirloom_host_progress_1;

/* ---- what a plugin offers ---------------------------------------------------------------------------------- */

/* `format` is an index into the manifest's formats in all tables below. */

typedef struct heirloom_reader heirloom_reader; /* defined by the plugin */

#define HEIRLOOM_READER_1 "heirloom.reader/1"
enum {
  HEIRLOOM_PROBE_NO = 0,       /* not this format */
  HEIRLOOM_PROBE_MAYBE = 50,   /* nothing speaks against it */
  HEIRLOOM_PROBE_CONTENT = 100 /* the content says so */
};
typedef struct heirloom_reader_1 {
  /* How sure it is that the host's files are of this format, HEIRLOOM_PROBE_...; reads a few kilobytes at most.
   * Content that is not of this format is no error. [any thread] */
  heirloom_status (*probe)(uint32_t format, const heirloom_host *host, uint32_t *score, heirloom_error *error);
  /* Opens a checkpoint. `options` is an Options buffer or empty, borrowed for the call. `host` stays valid until
   * close. On success *reader belongs to the caller, who gives it to `close`. [any thread] */
  heirloom_status (*open)(uint32_t format, const heirloom_host *host, heirloom_bytes options,
                          heirloom_reader **reader, heirloom_error *error);
  /* The description, a Checkpoint buffer. Owned by the reader, valid until close. [one thread per object] */
  heirloom_status (*describe)(heirloom_reader *reader, heirloom_bytes *checkpoint, heirloom_error *error);
  /* Frees the reader; NULL is allowed. [one thread per object] */
  void (*close)(heirloom_reader *reader);
} heirloom_reader_1;

/* Optional: bytes of tensors whose description says `decoded`. */
#define HEIRLOOM_DECODE_1 "heirloom.decode/1"
typedef struct heirloom_decode_1 {
  /* Bytes [offset, offset + size) of tensor number `tensor` as they would lie plain (C order, its encoding) into the
   * caller's buffer. [any thread] */
  heirloom_status (*read)(heirloom_reader *reader, uint32_t tensor, uint64_t offset, void *buffer, uint64_t size,
                          heirloom_error *error);
} heirloom_decode_1;

typedef struct heirloom_layout heirloom_layout; /* defined by the plugin */

#define HEIRLOOM_WRITER_1 "heirloom.writer/1"
typedef struct heirloom_writer_1 {
  /* Lays out a checkpoint. `checkpoint` is a Checkpoint buffer whose files and extents are empty; `options` an
   * Options buffer or empty; both borrowed for the call. Option "target_name" is the file name that the user gave,
   * absent when the target is a directory. On success *layout belongs to the caller, who gives it to `destroy`.
   * [any thread] */
  heirloom_status (*plan)(uint32_t format, const heirloom_host *host, heirloom_bytes checkpoint,
                          heirloom_bytes options, heirloom_layout **layout, heirloom_error *error);
  /* The Layout buffer. Owned by the layout, valid until destroy. [any thread] */
  heirloom_bytes (*bytes)(const heirloom_layout *layout);
  /* Frees the layout; NULL is allowed. [one thread per object] */
  void (*destroy)(heirloom_layout *layout);
} heirloom_writer_1;

/* Optional: bytes that depend on the tensors' bytes, such as the checksums in a trailer. Called when the layout names a
 * `checksum`, after every tensor has been written. */
#define HEIRLOOM_FINISH_1 "heirloom.finish/1"
typedef struct heirloom_finish_1 {
  /* `checksums` has the checksum that the layout names of each placement's bytes, in the order of the placements:
   * "crc32" is IEEE 802.3's, as zlib computes it. *literals is a Layout buffer of which the literals count: bytes of the
   * same files that nothing else covers. Owned by the layout, valid until destroy or the next call.
   * [one thread per object] */
  heirloom_status (*finish)(heirloom_layout *layout, const uint64_t *checksums, uint64_t count,
                            heirloom_bytes *literals, heirloom_error *error);
} heirloom_finish_1;

/* The one exported symbol. All of it is constant. */
typedef struct heirloom_plugin {
  uint32_t abi_major; /* HEIRLOOM_ABI_MAJOR when it was built */
  uint32_t abi_minor;
  heirloom_bytes manifest; /* a Manifest buffer */
  /* A table of functions by id, or NULL. Valid for ever. [any thread] */
  const void *(*get_interface)(const char *id);
} heirloom_plugin;

extern HEIRLOOM_EXPORT const heirloom_plugin heirloom_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
