// A plugin that breaks one rule, the one that behaviour.c names; "good" breaks none. heirloom-conform has to find each
// (tests/sdk/CMakeLists.txt lists what it must say).
#include "tiny_format.hpp"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

// In behaviour.c, one for each plugin.
extern "C" const char* const heirloom_bad_behaviour;
extern "C" const void* heirloom_bad_interface(const char* id);

namespace {

using namespace heirloom;

bool is(std::string_view name) { return name == heirloom_bad_behaviour; }

// Mutable on purpose: what a plugin must not have.
unsigned calls = 0;

[[gnu::constructor]] void at_load() {
  if (is("prints_at_load"))
    std::puts("hello");
}

void* idle(void*) { return nullptr; }

[[gnu::noinline]] void write_through(volatile int* target) { *target = 1; }

// What is wrong with a description; the file's fifth byte is its number of tensors.
void spoil(Checkpoint& checkpoint) {
  if (is("unstable"))
    checkpoint.version = std::to_string(++calls);
  if (is("wrong_format"))
    checkpoint.format = "other";
  if (is("wrong_encoding"))
    checkpoint.encodings[0].block_bytes = 2;
  if (checkpoint.tensors.empty())
    return;
  Tensor& last = checkpoint.tensors.back();
  if (is("past_the_end"))
    last.extents[0].offset += 1;
  if (is("overlap") && checkpoint.tensors.size() > 1)
    last.extents[0].offset = checkpoint.tensors.front().extents[0].offset;
  if (is("wrong_size"))
    last.shape[0] += 1;
  if (is("shifted") && last.extents[0].offset > 0)
    last.extents[0].offset -= 1;
  if (is("same_names") && checkpoint.tensors.size() > 1)
    last.name = checkpoint.tensors.front().name;
  if (is("bad_decode"))
    last.decoded = true;
}

Result<void> misbehave(const Files& files) {
  if (is("prints"))
    std::printf("reading\n");
  if (is("starts_thread")) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, idle, nullptr) == 0)
      pthread_join(thread, nullptr);
  }
  if (is("opens_file"))
    if (std::FILE* const file = std::fopen("/dev/null", "r"); file != nullptr)
      std::fclose(file);
  if (is("leaks"))
    static_cast<void>(*static_cast<volatile char*>(std::calloc(4096, 1)));
  std::uint8_t count = 0;
  if (!files.read(std::string(files.primary()), 4, {&count, 1}))
    return {};
  if (is("loops") && count == 0xFF)
    while (is("loops"))
      ++calls;
  if (is("crashes") && count == 0xFF)
    write_through(nullptr);
  if (is("allocates") && count == 0xFF)
    std::vector<std::uint8_t>(std::uint64_t{1} << 36).swap(*std::make_unique<std::vector<std::uint8_t>>());
  return {};
}

class BadReader final : public Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t, const Files& files) const override {
    std::uint8_t start[4] = {};
    if (is("sure"))
      return HEIRLOOM_PROBE_CONTENT;
    if (!files.read(std::string(files.primary()), 0, start))
      return HEIRLOOM_PROBE_NO;
    return std::memcmp(start, "TINY", 4) == 0 ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  }
  Result<Checkpoint> read(std::uint32_t, const Files& files, const Options&) const override {
    HEIRLOOM_CHECK(misbehave(files));
    HEIRLOOM_TRY(Checkpoint checkpoint, tiny::read_tiny(files));
    spoil(checkpoint);
    return checkpoint;
  }
  Result<void> decode(const Files&, const Checkpoint&, std::uint32_t, std::uint64_t,
                      std::span<std::uint8_t> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint8_t>(i);  // as if every piece were the first
    return {};
  }
};

class BadWriter final : public Writer {
 public:
  Result<Layout> plan(std::uint32_t, const Checkpoint& checkpoint, const Options& options) const override {
    if (is("refuses"))
      return fail(Code::unsupported, "not today");
    if (is("takes_any") && !checkpoint.tensors.empty() && checkpoint.tensors[0].encoding != "u8")
      return Layout{{{"model.tiny", 10}}, {}, {{0, 0, 0, 10}}};
    HEIRLOOM_TRY(Layout layout, tiny::plan_tiny(checkpoint, options));
    if (is("forgets") && !layout.placements.empty())
      layout.placements.pop_back();
    if (is("unstable_plan"))
      layout.literals.push_back({0, 0, std::vector<std::uint8_t>(++calls % 2)});
    if (is("writes_over") && !layout.placements.empty())
      layout.placements.back().offset = 0;
    if (is("odd_checksum"))
      layout.checksum = "md5";
    else if (finishes() || is("unfinished") || is("no_finish"))
      layout.checksum = "crc32";
    return layout;
  }
  // Nothing of a tiny file depends on its tensors.
  Result<std::vector<Literal>> finish(std::uint32_t, const Checkpoint&, const Options&, const Layout& layout,
                                      std::span<const std::uint64_t> checksums) const override {
    if (!finishes() || checksums.empty() || is("finishes"))
      return finishes() ? Result<std::vector<Literal>>() : fail(Code::unsupported, "not today");
    const std::uint64_t offset = is("finishes_past") ? layout.files[0].size : layout.placements[0].offset;
    return std::vector<Literal>{{0, offset, std::vector<std::uint8_t>(1 + (is("unstable_finish") ? ++calls : 0))}};
  }

 private:
  static bool finishes() {
    return is("finishes") || is("finishes_over") || is("finishes_past") || is("unstable_finish");
  }
};

const BadReader reader;
const BadWriter writer;

heirloom_status open_badly(std::uint32_t format, const heirloom_host* host, heirloom_bytes options,
                           heirloom_reader** opened, heirloom_error* error) {
  if (is("throws"))
    throw 42;
  if (is("ignores_cancel"))
    if (const auto* progress =
            static_cast<const heirloom_host_progress_1*>(host->get_interface(host, HEIRLOOM_HOST_PROGRESS_1)))
      static_cast<void>(progress->is_cancelled(host));
  if (is("writes_error_on_success"))
    error->message[0] = '\0';
  const heirloom_status status = thunk::open(format, host, options, opened, error);
  if (status != HEIRLOOM_OK && is("silent"))
    error->message[0] = '\0';
  if (status != HEIRLOOM_OK && is("endless_text"))
    std::memset(error->message, 'x', sizeof error->message);
  return status != HEIRLOOM_OK && is("odd_status") ? 4711 : status;
}

}  // namespace

const void* heirloom_bad_interface(const char* id) {
  static constexpr heirloom_reader_1 table{thunk::probe, open_badly, thunk::describe, thunk::close};
  if (is("no_finish") && std::string_view(id) == HEIRLOOM_FINISH_1)
    return nullptr;
  if (is("no_table") && std::string_view(id) == HEIRLOOM_WRITER_1)
    return nullptr;
  if (std::string_view(id) == HEIRLOOM_READER_1 || is("knows_all"))
    return &table;
  return thunk::get_interface(id);
}

const heirloom::Reader* heirloom::plugin_reader() noexcept { return &reader; }
const heirloom::Writer* heirloom::plugin_writer() noexcept { return &writer; }
