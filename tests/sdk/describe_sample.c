/* A description made in C11, with one of everything; describe_test.cpp reads it. */
#include "heirloom/describe.h"

#include "describe_sample.h"

#include <stdio.h>

heirloom_describe sample_of_everything(void) {
  heirloom_describe d = heirloom_describe_begin("raw", "1");
  const uint32_t first = heirloom_describe_file(&d, "a.raw", 1000);
  const uint32_t second = heirloom_describe_file(&d, "b.raw", UINT64_C(1) << 40);
  heirloom_describe_encoding(&d, "f32", 1, 4);
  heirloom_describe_encoding(&d, "q4_0", 32, 18);
  const uint64_t shape[] = {2, 3, 4};
  const heirloom_describe_extent extents[] = {{first, 8, 40}, {second, 0, 56}};
  heirloom_describe_tensor(&d, "weight", "f32", shape, 3, extents, 2, HEIRLOOM_DESCRIBE_BIG_ENDIAN);
  heirloom_describe_tensor(&d, "scalar", "f32", NULL, 0, extents, 0, HEIRLOOM_DESCRIBE_DECODED);
  heirloom_describe_text(&d, "name", "caf\xC3\xA9\0bytes", 11);
  const uint8_t number[] = {0x78, 0x56, 0x34, 0x12};
  heirloom_describe_value(&d, "number", 4, 0, number, sizeof number);
  heirloom_describe_value(&d, "zero", 0, 0, "", 1);
  heirloom_describe_value(&d, "list", 2, 1, number, sizeof number);
  heirloom_describe_warning(&d, "odd but fine");
  return d;
}

heirloom_describe sample_of_many(uint32_t count) {
  heirloom_describe d = heirloom_describe_begin("raw", "1");
  heirloom_describe_encoding(&d, "u8", 1, 1);
  heirloom_describe_file(&d, "a", count);
  for (uint32_t i = 0; i < count; ++i) {
    char name[32];
    snprintf(name, sizeof name, "%u", i);
    const uint64_t shape = 1;
    const heirloom_describe_extent extent = {0, i, 1};
    heirloom_describe_tensor(&d, name, "u8", &shape, 1, &extent, 1, 0);
  }
  return d;
}
