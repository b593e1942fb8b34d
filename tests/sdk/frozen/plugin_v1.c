/* A plugin written against version 1 of the ABI as it was published: today's host loads it. It reads files that start
 * with "V1V1" as one tensor of bytes. The same source is compiled against today's abi.h too, with warnings as errors:
 * a function whose parameters change does not get through. */
#if defined(HEIRLOOM_WITH_CURRENT_HEADER)
#include "heirloom/abi.h"
#else
#include "abi_v1.h"
#endif

#include "heirloom/describe.h"
#include "v1_manifest.h"

static const char magic[4] = {'V', '1', 'V', '1'};

struct heirloom_reader {
  heirloom_describe description;
  heirloom_bytes bytes;
};

static heirloom_status fail(heirloom_error *error, heirloom_status status, const char *message) {
  if (error->struct_size >= sizeof *error) {
    strncpy(error->message, message, sizeof error->message - 1);
    error->message[sizeof error->message - 1] = '\0';
    error->file[0] = error->tensor[0] = '\0';
    error->position = HEIRLOOM_NO_POSITION;
  }
  return status;
}

static const heirloom_host_files_1 *files_of(const heirloom_host *host) {
  return (const heirloom_host_files_1 *)host->get_interface(host, HEIRLOOM_HOST_FILES_1);
}

static heirloom_status v1_probe(uint32_t format, const heirloom_host *host, uint32_t *score, heirloom_error *error) {
  (void)format;
  (void)error;
  char start[sizeof magic] = {0};
  heirloom_error ignored = {0};
  ignored.struct_size = sizeof ignored;
  const heirloom_host_files_1 *const files = files_of(host);
  const int is_ours = files != NULL && files->count(host) > 0 && files->name(host, 0) != NULL &&
                      files->read(host, files->primary(host), 0, start, sizeof start, &ignored) == HEIRLOOM_OK &&
                      memcmp(start, magic, sizeof magic) == 0;
  *score = is_ours ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  return HEIRLOOM_OK;
}

static heirloom_status v1_open(uint32_t format, const heirloom_host *host, heirloom_bytes options,
                               heirloom_reader **reader, heirloom_error *error) {
  (void)format;
  (void)options;
  char start[sizeof magic] = {0};
  uint64_t size = 0;
  const heirloom_host_files_1 *const files = files_of(host);
  if (files == NULL)
    return fail(error, HEIRLOOM_UNSUPPORTED, "the host offers no files");
  const char *const name = files->primary(host);
  heirloom_status status = files->size(host, name, &size, error);
  if (status == HEIRLOOM_OK && size < sizeof magic)
    return fail(error, HEIRLOOM_MALFORMED, "shorter than its magic");
  if (status == HEIRLOOM_OK)
    status = files->read(host, name, 0, start, sizeof start, error);
  if (status != HEIRLOOM_OK)
    return status;
  if (memcmp(start, magic, sizeof magic) != 0)
    return fail(error, HEIRLOOM_MALFORMED, "does not start with \"V1V1\"");
  heirloom_reader *const opened = (heirloom_reader *)calloc(1, sizeof *opened);
  if (opened == NULL)
    return fail(error, HEIRLOOM_INTERNAL, "no memory");
  heirloom_describe *const d = &opened->description;
  *d = heirloom_describe_begin("v1", "1");
  const uint64_t shape = size - sizeof magic;
  const heirloom_describe_extent extent = {heirloom_describe_file(d, name, size), sizeof magic, shape};
  heirloom_describe_encoding(d, "u8", 1, 1);
  heirloom_describe_tensor(d, "bytes", "u8", &shape, 1, &extent, 1, 0);
  if (heirloom_describe_finish(d, &opened->bytes) != HEIRLOOM_OK) {
    heirloom_describe_free(d);
    free(opened);
    return fail(error, HEIRLOOM_INTERNAL, "no memory");
  }
  *reader = opened;
  return HEIRLOOM_OK;
}

static heirloom_status v1_describe(heirloom_reader *reader, heirloom_bytes *checkpoint, heirloom_error *error) {
  (void)error;
  *checkpoint = reader->bytes;
  return HEIRLOOM_OK;
}

static void v1_close(heirloom_reader *reader) {
  if (reader != NULL)
    heirloom_describe_free(&reader->description);
  free(reader);
}

/* No tensor is marked `decoded`; the table is there so that its type is checked. */
static heirloom_status v1_decode(heirloom_reader *reader, uint32_t tensor, uint64_t offset, void *buffer, uint64_t size,
                                 heirloom_error *error) {
  (void)reader;
  (void)tensor;
  (void)offset;
  (void)buffer;
  (void)size;
  return fail(error, HEIRLOOM_UNSUPPORTED, "no tensor is decoded");
}

/* A writer that refuses everything; the manifest claims none. */
static heirloom_status v1_plan(uint32_t format, const heirloom_host *host, heirloom_bytes checkpoint,
                               heirloom_bytes options, heirloom_layout **layout, heirloom_error *error) {
  (void)format;
  (void)host;
  (void)checkpoint;
  (void)options;
  (void)layout;
  return fail(error, HEIRLOOM_UNSUPPORTED, "nothing is written");
}

static heirloom_bytes v1_layout_bytes(const heirloom_layout *layout) {
  (void)layout;
  const heirloom_bytes none = {NULL, 0};
  return none;
}

static void v1_destroy(heirloom_layout *layout) { (void)layout; }

static const void *get_interface(const char *id) {
  static const heirloom_reader_1 reader = {v1_probe, v1_open, v1_describe, v1_close};
  static const heirloom_decode_1 decode = {v1_decode};
  static const heirloom_writer_1 writer = {v1_plan, v1_layout_bytes, v1_destroy};
  if (strcmp(id, HEIRLOOM_READER_1) == 0)
    return &reader;
  if (strcmp(id, HEIRLOOM_DECODE_1) == 0)
    return &decode;
  return strcmp(id, HEIRLOOM_WRITER_1) == 0 ? (const void *)&writer : NULL;
}

const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_ABI_MAJOR, HEIRLOOM_ABI_MINOR, {heirloom_manifest, sizeof heirloom_manifest}, get_interface};
