/* Prints sizes, offsets and constants of an ABI header. Compiled against the frozen header and against today's; the two
 * must print the same. */
#include HEIRLOOM_ABI_HEADER

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf("sizeof " #type " %zu\n", sizeof(type))
#define FIELD(type, field) \
  printf("%s.%s %zu %zu\n", #type, #field, offsetof(type, field), sizeof(((type *)0)->field))
#define NUMBER(name) printf("%s %lld\n", #name, (long long)(name))
#define TEXT(name) printf("%s %s\n", #name, name)

static void print_constants(void) {
  NUMBER(HEIRLOOM_ABI_MAJOR);
  NUMBER(HEIRLOOM_OK);
  NUMBER(HEIRLOOM_MALFORMED);
  NUMBER(HEIRLOOM_UNSUPPORTED);
  NUMBER(HEIRLOOM_IO);
  NUMBER(HEIRLOOM_LIMIT);
  NUMBER(HEIRLOOM_MISUSE);
  NUMBER(HEIRLOOM_CANCELLED);
  NUMBER(HEIRLOOM_INTERNAL);
  NUMBER(HEIRLOOM_NO_POSITION);
  NUMBER(HEIRLOOM_LOG_INFO);
  NUMBER(HEIRLOOM_LOG_WARNING);
  NUMBER(HEIRLOOM_PROBE_NO);
  NUMBER(HEIRLOOM_PROBE_MAYBE);
  NUMBER(HEIRLOOM_PROBE_CONTENT);
  TEXT(HEIRLOOM_HOST_FILES_1);
  TEXT(HEIRLOOM_HOST_LOG_1);
  TEXT(HEIRLOOM_HOST_PROGRESS_1);
  TEXT(HEIRLOOM_READER_1);
  TEXT(HEIRLOOM_DECODE_1);
  TEXT(HEIRLOOM_WRITER_1);
}

static void print_what_the_host_has(void) {
  SIZE(heirloom_status);
  SIZE(heirloom_error);
  FIELD(heirloom_error, struct_size);
  FIELD(heirloom_error, reserved);
  FIELD(heirloom_error, position);
  FIELD(heirloom_error, message);
  FIELD(heirloom_error, file);
  FIELD(heirloom_error, tensor);
  SIZE(heirloom_bytes);
  FIELD(heirloom_bytes, data);
  FIELD(heirloom_bytes, size);
  SIZE(heirloom_host);
  FIELD(heirloom_host, abi_major);
  FIELD(heirloom_host, abi_minor);
  FIELD(heirloom_host, context);
  FIELD(heirloom_host, get_interface);
  SIZE(heirloom_host_files_1);
  FIELD(heirloom_host_files_1, primary);
  FIELD(heirloom_host_files_1, count);
  FIELD(heirloom_host_files_1, name);
  FIELD(heirloom_host_files_1, size);
  FIELD(heirloom_host_files_1, read);
  SIZE(heirloom_host_log_1);
  FIELD(heirloom_host_log_1, line);
  SIZE(heirloom_host_progress_1);
  FIELD(heirloom_host_progress_1, report);
  FIELD(heirloom_host_progress_1, is_cancelled);
}

static void print_what_a_plugin_has(void) {
  SIZE(heirloom_reader_1);
  FIELD(heirloom_reader_1, probe);
  FIELD(heirloom_reader_1, open);
  FIELD(heirloom_reader_1, describe);
  FIELD(heirloom_reader_1, close);
  SIZE(heirloom_decode_1);
  FIELD(heirloom_decode_1, read);
  SIZE(heirloom_writer_1);
  FIELD(heirloom_writer_1, plan);
  FIELD(heirloom_writer_1, bytes);
  FIELD(heirloom_writer_1, destroy);
  SIZE(heirloom_plugin);
  FIELD(heirloom_plugin, abi_major);
  FIELD(heirloom_plugin, abi_minor);
  FIELD(heirloom_plugin, manifest);
  FIELD(heirloom_plugin, get_interface);
}

int main(void) {
  print_constants();
  print_what_the_host_has();
  print_what_a_plugin_has();
  return 0;
}
