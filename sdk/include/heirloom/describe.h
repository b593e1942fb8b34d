/* Builds the description of a checkpoint in plain C11: what heirloom_reader_1.describe hands over, a Checkpoint buffer
 * (formats/schema/checkpoint.fbs). C++ plugins use plugin.hpp instead.
 *
 *   heirloom_describe d = heirloom_describe_begin("raw", "1");
 *   const uint32_t file = heirloom_describe_file(&d, "a.raw", 24);
 *   heirloom_describe_encoding(&d, "f32", 1, 4);
 *   const uint64_t shape[] = {2, 3};
 *   const heirloom_describe_extent where = {file, 0, 24};
 *   heirloom_describe_tensor(&d, "a", "f32", shape, 2, &where, 1, 0);
 *   status = heirloom_describe_finish(&d, &bytes);    (bytes are valid until heirloom_describe_free)
 *
 * Texts and arrays are copied. Order is kept. A call that fails (no memory, too large) makes all later ones do nothing,
 * and finish returns HEIRLOOM_LIMIT. One thread per object.
 */
#ifndef HEIRLOOM_DESCRIBE_H
#define HEIRLOOM_DESCRIBE_H

#include "heirloom/abi.h"

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HEIRLOOM_DESCRIBE_BIG_ENDIAN = 1, HEIRLOOM_DESCRIBE_DECODED = 2 }; /* flags of a tensor */

typedef struct heirloom_describe_extent {
  uint32_t file; /* number that heirloom_describe_file gave */
  uint64_t offset;
  uint64_t size;
} heirloom_describe_extent;

/* Where things lie that a vector will point to, in bytes before the buffer's end. */
typedef struct heirloom_describe_list {
  uint32_t *items;
  uint32_t count;
  uint32_t capacity;
} heirloom_describe_list;

/* The buffer is built from its end towards its start, as FlatBuffers are: what is pointed to is written first. */
typedef struct heirloom_describe {
  uint8_t *data; /* `capacity` bytes, of which the last `size` are written */
  uint32_t size;
  uint32_t capacity;
  int32_t has_failed;
  uint32_t format;
  uint32_t version;
  heirloom_describe_list files, encodings, tensors, attrs, warnings;
} heirloom_describe;

/* ---- the writing of FlatBuffers; not for plugins ------------------------------------------------------------- */

#define HEIRLOOM_DESCRIBE_MAX_BYTES 0x7ffffff0u

static inline int heirloom_describe_reserve_(heirloom_describe *d, uint64_t more) {
  if (d->has_failed != 0 || more > HEIRLOOM_DESCRIBE_MAX_BYTES - d->size) {
    d->has_failed = 1;
    return 0;
  }
  if (more > d->capacity - d->size) {
    const uint64_t needed = d->size + more;
    uint64_t capacity = d->capacity < 1024 ? 1024 : d->capacity;
    while (capacity < needed)
      capacity *= 2;
    uint8_t *const data = (uint8_t *)malloc((size_t)capacity);
    if (data == NULL) {
      d->has_failed = 1;
      return 0;
    }
    if (d->size != 0)
      memcpy(data + (capacity - d->size), d->data + (d->capacity - d->size), d->size);
    free(d->data);
    d->data = data;
    d->capacity = (uint32_t)capacity;
  }
  return 1;
}

static inline void heirloom_describe_push_(heirloom_describe *d, const void *bytes, uint64_t count) {
  if (count == 0 || !heirloom_describe_reserve_(d, count) || bytes == NULL)
    return;
  d->size += (uint32_t)count;
  memcpy(d->data + (d->capacity - d->size), bytes, (size_t)count);
}

/* `width` bytes of a number, little endian. */
static inline void heirloom_describe_number_(heirloom_describe *d, uint64_t value, uint32_t width) {
  uint8_t bytes[8];
  for (uint32_t i = 0; i < width; ++i)
    bytes[i] = (uint8_t)(value >> (8 * i));
  heirloom_describe_push_(d, bytes, width);
}

/* Zeros, so that after `count` more bytes the place is a multiple of `alignment` before the end. */
static inline void heirloom_describe_align_(heirloom_describe *d, uint64_t count, uint32_t alignment) {
  static const uint8_t zeros[8] = {0};
  const uint32_t rest = (uint32_t)((d->size + count) % alignment);
  heirloom_describe_push_(d, zeros, rest == 0 ? 0 : alignment - rest);
}

static inline uint32_t heirloom_describe_text_(heirloom_describe *d, const char *text, uint64_t count) {
  heirloom_describe_align_(d, count + 1, 4);
  heirloom_describe_push_(d, "", 1);
  heirloom_describe_push_(d, text, count);
  heirloom_describe_number_(d, count, 4);
  return d->size;
}

static inline uint32_t heirloom_describe_vector_(heirloom_describe *d, const void *bytes, uint64_t count) {
  heirloom_describe_align_(d, count, 4);
  heirloom_describe_push_(d, bytes, count);
  heirloom_describe_number_(d, count, 4);
  return d->size;
}

/* A vector of pointers to what the list holds, 0 when it holds nothing. */
static inline uint32_t heirloom_describe_pointers_(heirloom_describe *d, const heirloom_describe_list *list) {
  if (list->count == 0)
    return 0;
  heirloom_describe_align_(d, 0, 4);
  for (uint32_t i = list->count; i-- > 0;)
    heirloom_describe_number_(d, d->size + 4 - list->items[i], 4);
  heirloom_describe_number_(d, list->count, 4);
  return d->size;
}

static inline void heirloom_describe_remember_(heirloom_describe *d, heirloom_describe_list *list, uint32_t item) {
  if (list->count == list->capacity && d->has_failed == 0) {
    const uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    uint32_t *const items = (uint32_t *)realloc(list->items, capacity * sizeof *items);
    if (items == NULL) {
      d->has_failed = 1;
      return;
    }
    list->items = items;
    list->capacity = capacity;
  }
  if (d->has_failed == 0)
    list->items[list->count++] = item;
}

/* One field of a table: a number of `width` bytes, or what a pointer points to (`width` is 0). */
typedef struct heirloom_describe_field_ {
  uint64_t value;
  uint32_t width;
} heirloom_describe_field_;

/* A table; field number i of the schema is fields[i]. Fields of value 0 are left out, as their default is 0.
 *   | vtable: u16 its bytes, u16 table bytes, u16 place of each field | table: i32 back to the vtable, fields | */
static inline uint32_t heirloom_describe_table_(heirloom_describe *d, const heirloom_describe_field_ *fields,
                                                uint32_t count) {
  uint32_t places[8] = {0};
  const uint32_t before = d->size;
  for (uint32_t width = 8; width != 0; width /= 2) /* the widest lie last, where they are aligned */
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t bytes = fields[i].width == 0 ? 4 : fields[i].width;
      if (bytes != width || fields[i].value == 0)
        continue;
      heirloom_describe_align_(d, 0, bytes);
      heirloom_describe_number_(d, fields[i].width == 0 ? d->size + 4 - fields[i].value : fields[i].value, bytes);
      places[i] = d->size;
    }
  heirloom_describe_align_(d, 4, 4);
  const uint32_t vtable_bytes = 4 + 2 * count;
  heirloom_describe_number_(d, vtable_bytes, 4); /* the vtable follows at once */
  const uint32_t table = d->size;
  for (uint32_t i = count; i-- > 0;)
    heirloom_describe_number_(d, places[i] == 0 ? 0 : table - places[i], 2);
  heirloom_describe_number_(d, table - before, 2);
  heirloom_describe_number_(d, vtable_bytes, 2);
  return table;
}

/* ---- for plugins ---------------------------------------------------------------------------------------------- */

static inline heirloom_describe heirloom_describe_begin(const char *format, const char *version) {
  heirloom_describe d;
  memset(&d, 0, sizeof d);
  d.format = heirloom_describe_text_(&d, format, strlen(format));
  d.version = heirloom_describe_text_(&d, version, strlen(version));
  return d;
}

/* Number of the file, for extents. */
static inline uint32_t heirloom_describe_file(heirloom_describe *d, const char *name, uint64_t size) {
  const heirloom_describe_field_ fields[] = {{heirloom_describe_text_(d, name, strlen(name)), 0}, {size, 8}};
  const uint32_t number = d->files.count;
  heirloom_describe_remember_(d, &d->files, heirloom_describe_table_(d, fields, 2));
  return number;
}

/* Every encoding that a tensor names is given once. */
static inline void heirloom_describe_encoding(heirloom_describe *d, const char *id, uint32_t block_elements,
                                              uint32_t block_bytes) {
  const heirloom_describe_field_ fields[] = {
      {heirloom_describe_text_(d, id, strlen(id)), 0}, {block_elements, 4}, {block_bytes, 4}};
  heirloom_describe_remember_(d, &d->encodings, heirloom_describe_table_(d, fields, 3));
}

/* `shape` has the slowest dimension first; `flags` are HEIRLOOM_DESCRIBE_... */
static inline void heirloom_describe_tensor(heirloom_describe *d, const char *name, const char *encoding,
                                            const uint64_t *shape, uint32_t dimensions,
                                            const heirloom_describe_extent *extents, uint32_t extent_count,
                                            uint32_t flags) {
  const uint32_t name_at = heirloom_describe_text_(d, name, strlen(name));
  const uint32_t encoding_at = heirloom_describe_text_(d, encoding, strlen(encoding));
  heirloom_describe_align_(d, 0, 8);
  for (uint32_t i = dimensions; i-- > 0;)
    heirloom_describe_number_(d, shape[i], 8);
  heirloom_describe_number_(d, dimensions, 4);
  const uint32_t shape_at = d->size;
  heirloom_describe_align_(d, 0, 8);
  for (uint32_t i = extent_count; i-- > 0;) {
    heirloom_describe_number_(d, extents[i].size, 8);
    heirloom_describe_number_(d, extents[i].offset, 8);
    heirloom_describe_number_(d, extents[i].file, 8); /* four bytes and four of padding */
  }
  heirloom_describe_number_(d, extent_count, 4);
  const heirloom_describe_field_ fields[] = {{name_at, 0},
                                             {encoding_at, 0},
                                             {shape_at, 0},
                                             {d->size, 0},
                                             {(flags & HEIRLOOM_DESCRIBE_BIG_ENDIAN) != 0, 1},
                                             {(flags & HEIRLOOM_DESCRIBE_DECODED) != 0, 1}};
  heirloom_describe_remember_(d, &d->tensors, heirloom_describe_table_(d, fields, 6));
}

/* Metadata as text; `size` bytes that need not be UTF-8. */
static inline void heirloom_describe_text(heirloom_describe *d, const char *key, const char *value, uint64_t size) {
  enum { type_string = 8 };
  heirloom_describe_list one = {NULL, 0, 0};
  uint32_t at = heirloom_describe_text_(d, value, size);
  one.items = &at;
  one.count = 1;
  const heirloom_describe_field_ fields[] = {{heirloom_describe_text_(d, key, strlen(key)), 0},
                                             {type_string, 1},
                                             {0, 1},
                                             {0, 0},
                                             {heirloom_describe_pointers_(d, &one), 0}};
  heirloom_describe_remember_(d, &d->attrs, heirloom_describe_table_(d, fields, 5));
}

/* Metadata that is a number or boolean: `type` is an AttrType of formats/schema/types.fbs, `bytes` its value in little
 * endian. With `is_array` the value is a list of such, back to back. */
static inline void heirloom_describe_value(heirloom_describe *d, const char *key, uint8_t type, int32_t is_array,
                                           const void *bytes, uint64_t size) {
  enum { type_array = 9 };
  const heirloom_describe_field_ fields[] = {{heirloom_describe_text_(d, key, strlen(key)), 0},
                                             {is_array != 0 ? (uint64_t)type_array : type, 1},
                                             {is_array != 0 ? type : 0u, 1},
                                             {heirloom_describe_vector_(d, bytes, size), 0},
                                             {0, 0}};
  heirloom_describe_remember_(d, &d->attrs, heirloom_describe_table_(d, fields, 5));
}

/* What the reader noticed and went on. */
static inline void heirloom_describe_warning(heirloom_describe *d, const char *text) {
  heirloom_describe_remember_(d, &d->warnings, heirloom_describe_text_(d, text, strlen(text)));
}

/* Ends the buffer; nothing can be added after it. */
static inline heirloom_status heirloom_describe_finish(heirloom_describe *d, heirloom_bytes *bytes) {
  heirloom_describe_field_ fields[7] = {{0, 0}};
  const heirloom_describe_list *const lists[] = {&d->files, &d->encodings, &d->tensors, &d->attrs, &d->warnings};
  fields[0].value = d->format;
  fields[1].value = d->version;
  for (uint32_t i = 0; i < 5; ++i)
    fields[2 + i].value = heirloom_describe_pointers_(d, lists[i]);
  const uint32_t root = heirloom_describe_table_(d, fields, 7);
  heirloom_describe_align_(d, 8, 8); /* the whole is a multiple of 8, so all in it is aligned */
  heirloom_describe_push_(d, "HLCK", 4);
  heirloom_describe_number_(d, d->size + 4 - root, 4);
  if (d->has_failed != 0)
    return HEIRLOOM_LIMIT;
  bytes->data = d->data + (d->capacity - d->size);
  bytes->size = d->size;
  return HEIRLOOM_OK;
}

static inline void heirloom_describe_free(heirloom_describe *d) {
  heirloom_describe_list *const lists[] = {&d->files, &d->encodings, &d->tensors, &d->attrs, &d->warnings};
  for (uint32_t i = 0; i < 5; ++i)
    free(lists[i]->items);
  free(d->data);
  memset(d, 0, sizeof *d);
}

#ifdef __cplusplus
}
#endif

#endif
