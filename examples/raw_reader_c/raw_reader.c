/* Reads raw numbers in C11. NAME.raw holds little-endian numbers and nothing else; NAME.raw.shape beside it is one line
 * of text that says what they are: the encoding, then the dimensions, slowest first, with single spaces between.
 *
 *   f32 2 3
 */
#include "heirloom/abi.h"
#include "heirloom/describe.h"

#include "raw_manifest.h"

#include <stdarg.h>
#include <stdio.h>

enum { max_name_bytes = 255, max_shape_bytes = 1024, max_dimensions = 16 };

struct heirloom_reader {
  heirloom_describe description;
  heirloom_bytes bytes;
};

typedef struct element {
  const char *id;
  uint32_t bytes;
} element;

static const element elements[] = {{"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i64", 8}, {"i32", 4},
                                   {"i16", 2}, {"i8", 1},  {"u64", 8}, {"u32", 4},  {"u16", 2}, {"u8", 1}};

typedef struct shape_line {
  const element *type;
  uint64_t shape[max_dimensions];
  uint32_t dimensions;
  uint64_t bytes; /* shape x type */
} shape_line;

__attribute__((format(printf, 4, 5))) static heirloom_status fail(heirloom_error *error, heirloom_status status,
                                                                  const char *file, const char *format, ...) {
  if (error != NULL && error->struct_size >= sizeof *error) {
    va_list values;
    va_start(values, format);
    vsnprintf(error->message, sizeof error->message, format, values);
    va_end(values);
    snprintf(error->file, sizeof error->file, "%s", file);
    error->tensor[0] = '\0';
    error->position = HEIRLOOM_NO_POSITION;
  }
  return status;
}

static const heirloom_host_files_1 *files_of(const heirloom_host *host) {
  return (const heirloom_host_files_1 *)host->get_interface(host, HEIRLOOM_HOST_FILES_1);
}

/* The next word, up to a space or the end; NULL when there is none. Cuts `*text` behind it. */
static char *next_word(char **text) {
  char *const word = *text;
  if (word == NULL || *word == '\0' || *word == ' ')
    return NULL;
  char *const end = strchr(word, ' ');
  if (end != NULL)
    *end = '\0';
  *text = end == NULL ? NULL : end + 1;
  return word;
}

/* 0 unless the word is a decimal number that fits. */
static int parse_number(const char *word, uint64_t *value) {
  *value = 0;
  for (const char *at = word; *at != '\0'; ++at) {
    const uint64_t digit = (uint64_t)(unsigned char)*at - '0';
    if (digit > 9 || *value > (UINT64_MAX - digit) / 10)
      return 0;
    *value = *value * 10 + digit;
  }
  return 1;
}

static heirloom_status parse_shape(char *text, const char *file, shape_line *line, heirloom_error *error) {
  const char *word = next_word(&text);
  for (size_t i = 0; word != NULL && i < sizeof elements / sizeof elements[0]; ++i)
    if (strcmp(word, elements[i].id) == 0)
      line->type = &elements[i];
  if (line->type == NULL)
    return fail(error, HEIRLOOM_UNSUPPORTED, file, "the line does not start with an encoding such as \"f32\"");
  line->bytes = line->type->bytes;
  while (text != NULL) {
    uint64_t dimension = 0;
    word = next_word(&text);
    if (word == NULL || line->dimensions == max_dimensions || !parse_number(word, &dimension))
      return fail(error, HEIRLOOM_MALFORMED, file, "the encoding is not followed by at most %d dimensions",
                  max_dimensions);
    if (dimension != 0 && line->bytes > UINT64_MAX / dimension)
      return fail(error, HEIRLOOM_MALFORMED, file, "the dimensions' product does not fit 64 bits");
    line->bytes *= dimension;
    line->shape[line->dimensions++] = dimension;
  }
  return HEIRLOOM_OK;
}

/* Reads the .shape file. */
static heirloom_status read_shape(const heirloom_host *host, const char *file, shape_line *line,
                                  heirloom_error *error) {
  char text[max_shape_bytes + 1] = {0};
  uint64_t size = 0;
  const heirloom_host_files_1 *const files = files_of(host);
  heirloom_status status = files->size(host, file, &size, error);
  if (status != HEIRLOOM_OK)
    return status;
  if (size > max_shape_bytes)
    return fail(error, HEIRLOOM_LIMIT, file, "a line of %llu bytes", (unsigned long long)size);
  status = files->read(host, file, 0, text, size, error);
  if (status != HEIRLOOM_OK)
    return status;
  if (memchr(text, '\0', (size_t)size) != NULL)
    return fail(error, HEIRLOOM_MALFORMED, file, "a zero byte in the line");
  text[size != 0 && text[size - 1] == '\n' ? size - 1 : size] = '\0';
  return parse_shape(text, file, line, error);
}

static heirloom_status describe_array(const char *name, uint64_t size, const shape_line *line,
                                      heirloom_reader *reader, heirloom_error *error) {
  char tensor[max_name_bytes + 1];
  snprintf(tensor, sizeof tensor, "%s", name);
  char *const dot = strrchr(tensor, '.');
  if (dot != NULL)
    *dot = '\0';
  heirloom_describe *const d = &reader->description;
  *d = heirloom_describe_begin("raw", "1");
  const heirloom_describe_extent whole = {heirloom_describe_file(d, name, size), 0, size};
  heirloom_describe_encoding(d, line->type->id, 1, line->type->bytes);
  heirloom_describe_tensor(d, tensor, line->type->id, line->shape, line->dimensions, &whole, 1, 0);
  if (heirloom_describe_finish(d, &reader->bytes) != HEIRLOOM_OK)
    return fail(error, HEIRLOOM_LIMIT, name, "no memory for the description");
  return HEIRLOOM_OK;
}

static heirloom_status raw_probe(uint32_t format, const heirloom_host *host, uint32_t *score, heirloom_error *error) {
  (void)format;
  (void)error;
  *score = HEIRLOOM_PROBE_NO;
  char shape_file[max_name_bytes + 1];
  uint64_t size = 0;
  heirloom_error ignored = {.struct_size = sizeof ignored};
  const heirloom_host_files_1 *const files = files_of(host);
  if (files == NULL || files->primary(host)[0] == '\0')
    return HEIRLOOM_OK;
  const int length = snprintf(shape_file, sizeof shape_file, "%s.shape", files->primary(host));
  if (length <= max_name_bytes && files->size(host, shape_file, &size, &ignored) == HEIRLOOM_OK)
    *score = HEIRLOOM_PROBE_MAYBE;
  return HEIRLOOM_OK;
}

static heirloom_status raw_open(uint32_t format, const heirloom_host *host, heirloom_bytes options,
                                heirloom_reader **reader, heirloom_error *error) {
  (void)format;
  (void)options; /* the manifest declares none */
  const heirloom_host_files_1 *const files = files_of(host);
  if (files == NULL)
    return fail(error, HEIRLOOM_UNSUPPORTED, "", "the host offers no files");
  const char *const name = files->primary(host);
  char shape_file[max_name_bytes + 1];
  if (name[0] == '\0' || snprintf(shape_file, sizeof shape_file, "%s.shape", name) > max_name_bytes)
    return fail(error, HEIRLOOM_MISUSE, name, "a .raw file with a name of at most %d bytes is needed",
                max_name_bytes - (int)strlen(".shape"));
  uint64_t size = 0;
  heirloom_status status = files->size(host, name, &size, error);
  if (status != HEIRLOOM_OK)
    return status;
  shape_line line = {0};
  status = read_shape(host, shape_file, &line, error);
  if (status != HEIRLOOM_OK)
    return status;
  if (line.bytes != size)
    return fail(error, HEIRLOOM_MALFORMED, name, "the shape needs %llu bytes, the file has %llu",
                (unsigned long long)line.bytes, (unsigned long long)size);
  heirloom_reader *const opened = (heirloom_reader *)calloc(1, sizeof *opened);
  if (opened == NULL)
    return fail(error, HEIRLOOM_LIMIT, name, "no memory for the reader");
  status = describe_array(name, size, &line, opened, error);
  if (status != HEIRLOOM_OK) {
    heirloom_describe_free(&opened->description);
    free(opened);
    return status;
  }
  *reader = opened;
  return HEIRLOOM_OK;
}

static heirloom_status raw_describe(heirloom_reader *reader, heirloom_bytes *checkpoint, heirloom_error *error) {
  (void)error;
  *checkpoint = reader->bytes;
  return HEIRLOOM_OK;
}

static void raw_close(heirloom_reader *reader) {
  if (reader == NULL)
    return;
  heirloom_describe_free(&reader->description);
  free(reader);
}

static const void *get_interface(const char *id) {
  static const heirloom_reader_1 table = {raw_probe, raw_open, raw_describe, raw_close};
  return strcmp(id, HEIRLOOM_READER_1) == 0 ? &table : NULL;
}

const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_ABI_MAJOR, HEIRLOOM_ABI_MINOR, {heirloom_manifest, sizeof heirloom_manifest}, get_interface};
