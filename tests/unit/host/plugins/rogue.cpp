// A plugin that breaks the contract in the way that the file says: "ROGUE " and the name of what to do wrong. Written
// on the bare ABI, because the SDK would not let it.
#include "heirloom/files.hpp"
#include "heirloom/wire.hpp"

#include HEIRLOOM_TEST_MANIFEST

#include <cstring>
#include <stdexcept>

struct heirloom_reader {
  std::string what;
  std::vector<std::uint8_t> description;
};
struct heirloom_layout {
  std::vector<std::uint8_t> bytes;
  std::string what;
  std::vector<std::uint8_t> last;
};

namespace {

using heirloom::Checkpoint;

constexpr std::string_view prefix = "ROGUE ";

std::string content_of(const heirloom_host* host) {
  const auto files = heirloom::Files::of(host).value();
  const auto bytes = files.read_all(std::string(files.primary()), 1000).value_or(std::vector<std::uint8_t>());
  return {bytes.begin(), bytes.end()};
}

heirloom_status probe(std::uint32_t, const heirloom_host* host, std::uint32_t* score, heirloom_error* error) {
  const std::string content = content_of(host);
  if (content == "ROGUE throw in probe")
    throw std::runtime_error("probed too hard");
  if (content == "ROGUE fail in probe") {
    std::strcpy(error->message, "the probe slipped");
    return HEIRLOOM_MALFORMED;
  }
  *score = content.starts_with(prefix) ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  return HEIRLOOM_OK;
}

heirloom_status fail_in_open(const heirloom_host* host, std::string_view what, heirloom_error* error) {
  if (what == "throw in open")
    throw std::runtime_error("opened too hard");
  if (what == "throw a number")
    throw 7;
  if (what == "unknown status") {
    std::memset(error->message, 'x', sizeof error->message);  // without NUL
    return 77;
  }
  if (what == "malformed") {
    error->position = 6;
    std::strcpy(error->message, "the middle is missing");
    std::strcpy(error->file, "beside.bin");
    return HEIRLOOM_MALFORMED;
  }
  if (what == "nothing said")
    return HEIRLOOM_LIMIT;
  if (what == "escape") {
    const auto read = heirloom::Files::of(host).value().read_all("../secret", 10);
    std::strcpy(error->message, read.error().message.substr(0, 500).c_str());
    return static_cast<heirloom_status>(read.error().code);
  }
  return HEIRLOOM_OK;
}

Checkpoint lie(std::string_view what, const heirloom_host* host) {
  const auto files = heirloom::Files::of(host).value();
  const std::string name(files.primary());
  Checkpoint checkpoint{
      "rogue", "1", {{name, files.size(name).value()}}, {{"u8", 1, 1}}, {{"t", "u8", {4}, {{0, 0, 4}}}}};
  if (what == "lie about the extent")
    checkpoint.tensors[0].extents[0].offset = 1u << 20;
  if (what == "lie about the shape")
    checkpoint.tensors[0].shape = {5};
  if (what == "lie about the file size")
    checkpoint.files[0].size += 1;
  if (what == "lie about the file")
    checkpoint.files[0].name = "../../etc/passwd";
  if (what == "lie about the format")
    checkpoint.format = "toy";
  checkpoint.tensors[0].decoded = what == "throw in decode";
  return checkpoint;
}

heirloom_status open(std::uint32_t, const heirloom_host* host, heirloom_bytes, heirloom_reader** reader,
                     heirloom_error* error) {
  const std::string what = content_of(host).substr(prefix.size());
  if (const heirloom_status status = fail_in_open(host, what, error); status != HEIRLOOM_OK)
    return status;
  if (what == "talk") {
    const auto* log = static_cast<const heirloom_host_log_1*>(host->get_interface(host, HEIRLOOM_HOST_LOG_1));
    log->line(host, HEIRLOOM_LOG_WARNING, "red \x1b[31m alert");
    const auto* progress =
        static_cast<const heirloom_host_progress_1*>(host->get_interface(host, HEIRLOOM_HOST_PROGRESS_1));
    progress->report(host, 3, 4);
    if (progress->is_cancelled(host) != 0 || host->get_interface(host, "heirloom.host.coffee/1") != nullptr)
      return HEIRLOOM_CANCELLED;
  }
  if (what != "no reader")
    *reader = new heirloom_reader{what, heirloom::encode(lie(what, host))};
  return HEIRLOOM_OK;
}

heirloom_status describe(heirloom_reader* reader, heirloom_bytes* checkpoint, heirloom_error*) {
  if (reader->what == "garbage")
    for (std::uint8_t& byte : reader->description) byte = static_cast<std::uint8_t>(byte * 31 + 7);
  if (reader->what == "cut")
    reader->description.resize(reader->description.size() / 2);
  if (reader->what != "no description")
    *checkpoint = {reader->description.data(), reader->description.size()};
  return HEIRLOOM_OK;
}

void close(heirloom_reader* reader) {
  const bool throws = reader->what == "throw in close";
  delete reader;
  if (throws)
    throw std::runtime_error("closed too hard");
}

heirloom_status decode(heirloom_reader*, std::uint32_t, std::uint64_t, void*, std::uint64_t, heirloom_error*) {
  throw std::runtime_error("decoded too hard");
}

heirloom_status plan(std::uint32_t, const heirloom_host*, heirloom_bytes, heirloom_bytes options,
                     heirloom_layout** layout, heirloom_error*) {
  const auto items = heirloom::decode_options({options.data, options.size}).value();
  const std::string what = items.at(0).strings.at(0);
  if (what == "throw")
    throw std::runtime_error("planned too hard");
  heirloom::Layout planned;
  planned.files = {{"a.rogue", 16}};
  planned.placements = {{0, 0, 0, 4}, {1, 0, what == "overlap" ? 3u : 4u, 4}};
  static unsigned calls = 0;
  if (what.starts_with("finish"))
    planned.checksum = what == "finish by md5" ? "md5" : "crc32";
  if (what == "finish another")
    planned.files[0].size += ++calls;
  auto bytes = heirloom::encode(planned);
  if (what == "garbage")
    bytes.assign(100, 0x5a);
  if (what == "empty")
    bytes.clear();
  if (what != "no layout")
    *layout = new heirloom_layout{std::move(bytes), what, {}};
  return HEIRLOOM_OK;
}

heirloom_bytes layout_bytes(const heirloom_layout* layout) { return {layout->bytes.data(), layout->bytes.size()}; }
void destroy(heirloom_layout* layout) { delete layout; }

// The checksums one after another, from byte 8 on.
heirloom_status finish(heirloom_layout* layout, const std::uint64_t* checksums, std::uint64_t count,
                       heirloom_bytes* literals, heirloom_error* error) {
  if (layout->what == "finish by throwing")
    throw std::runtime_error("finished too hard");
  if (layout->what == "finish never") {
    std::strcpy(error->message, "there is no end");
    return HEIRLOOM_LIMIT;
  }
  heirloom::Layout last;
  last.literals = {{0, layout->what == "finish over" ? 7u : 8u, {}}};
  for (std::uint64_t i = 0; i < count; ++i)
    for (int byte = 0; byte < 4; ++byte)
      last.literals[0].bytes.push_back(static_cast<std::uint8_t>(checksums[i] >> 8 * byte));
  layout->last = heirloom::encode(last);
  if (layout->what == "finish in garbage")
    layout->last.assign(100, 0x5a);
  *literals = {layout->last.data(), layout->last.size()};
  return HEIRLOOM_OK;
}

const void* get_interface(const char* id) {
  static constexpr heirloom_reader_1 reader{probe, open, describe, close};
  static constexpr heirloom_decode_1 decoder{decode};
  static constexpr heirloom_writer_1 writer{plan, layout_bytes, destroy};
  static constexpr heirloom_finish_1 last{finish};
  const std::string_view wanted = id;
  if (wanted == HEIRLOOM_READER_1)
    return &reader;
  if (wanted == HEIRLOOM_DECODE_1)
    return &decoder;
  if (wanted == HEIRLOOM_FINISH_1)
    return &last;
  return wanted == HEIRLOOM_WRITER_1 ? &writer : nullptr;
}

}  // namespace

const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_ABI_MAJOR, HEIRLOOM_ABI_MINOR, {heirloom_manifest, sizeof heirloom_manifest}, get_interface};
