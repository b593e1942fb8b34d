#include "engine/host/library.hpp"

#include "engine/base/text.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>
#include <set>

namespace heirloom::host {

namespace {

tl::unexpected<Error> refuse(std::string verdict) { return fail(Code::unsupported, std::move(verdict)); }

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

Result<void> check_format(const Format& format) {
  if (!is_id(format.id))
    return refuse("manifest: format id " + base::quoted(format.id) +
                  " is not of lower-case letters, digits, '.', '_', '-'");
  if (!format.reads && !format.writes)
    return refuse("manifest: format " + base::quoted(format.id) + " is neither read nor written");
  for (const std::string& suffix : format.suffixes)
    if (suffix.size() < 2 || suffix[0] != '.')
      return refuse("manifest: suffix " + base::quoted(suffix) + " does not begin with a dot");
  for (const Magic& magic : format.magic)
    if (magic.bytes.empty())
      return refuse("manifest: format " + base::quoted(format.id) + " has an empty magic");
  return {};
}

Result<void> check_manifest(const Manifest& manifest) {
  if (!is_id(manifest.id))
    return refuse("manifest: plugin id " + base::quoted(manifest.id) +
                  " is not of lower-case letters, digits, '.', '_', '-'");
  if (manifest.formats.empty())
    return refuse("manifest: it offers no format");
  std::set<std::string_view> ids;
  for (const Format& format : manifest.formats) {
    HEIRLOOM_CHECK(check_format(format));
    if (!ids.insert(format.id).second)
      return refuse("manifest: format " + base::quoted(format.id) + " is listed twice");
  }
  return {};
}

// An Options buffer, empty when there are none.
std::vector<std::uint8_t> pack(const Options& options) {
  return options.empty() ? std::vector<std::uint8_t>() : encode(options);
}

heirloom_bytes borrow(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

Result<std::span<const std::uint8_t>> span_of(const heirloom_bytes& bytes, const char* what) {
  if (bytes.data == nullptr || bytes.size == 0)
    return fail(Code::internal, std::string("the plugin hands back no ") + what);
  return std::span(bytes.data, bytes.size);
}

}  // namespace

Result<Plugin> accept(const heirloom_plugin* symbol, bool allow_unsafe) {
  if (symbol->abi_major != HEIRLOOM_ABI_MAJOR)
    return refuse("built for plugin ABI " + std::to_string(symbol->abi_major) + ", this program has ABI " +
                  std::to_string(HEIRLOOM_ABI_MAJOR));
  if (symbol->manifest.data == nullptr || symbol->get_interface == nullptr)
    return refuse("the plugin symbol has no manifest or no interfaces");
  auto manifest = decode_manifest({symbol->manifest.data, symbol->manifest.size});
  if (!manifest)
    return refuse("manifest: " + manifest.error().message);
  HEIRLOOM_CHECK(check_manifest(*manifest));
  if (manifest->may_execute && !allow_unsafe)
    return refuse("it may run code from files; --allow-unsafe loads it all the same");

  Plugin plugin{std::move(*manifest)};
  HEIRLOOM_CHECK(call(plugin, [&](heirloom_error*) {
    plugin.reader = static_cast<const heirloom_reader_1*>(symbol->get_interface(HEIRLOOM_READER_1));
    plugin.decode = static_cast<const heirloom_decode_1*>(symbol->get_interface(HEIRLOOM_DECODE_1));
    plugin.writer = static_cast<const heirloom_writer_1*>(symbol->get_interface(HEIRLOOM_WRITER_1));
    plugin.finish = static_cast<const heirloom_finish_1*>(symbol->get_interface(HEIRLOOM_FINISH_1));
    return heirloom_status{HEIRLOOM_OK};
  }));
  for (const Format& format : plugin.manifest.formats) {
    if (format.reads && plugin.reader == nullptr)
      return refuse("manifest: format " + base::quoted(format.id) +
                    " is read, but the plugin has no " HEIRLOOM_READER_1);
    if (format.writes && plugin.writer == nullptr)
      return refuse("manifest: format " + base::quoted(format.id) +
                    " is written, but the plugin has no " HEIRLOOM_WRITER_1);
  }
  return plugin;
}

Error blame(const Plugin& plugin, Error error) {
  if (error.message.empty())
    error.message = "it gives no reason";
  error.message += " (plugin " + plugin.manifest.id + ")";
  return error;
}

OpenReader::OpenReader(const Plugin& plugin, const base::FileSet& files, const base::Log& log)
    : plugin_(plugin), services_(&files, log, plugin.manifest.id) {}

OpenReader::~OpenReader() {
  if (reader_ != nullptr)
    (void)call(plugin_, [&](heirloom_error*) {
      plugin_.reader->close(reader_);
      return heirloom_status{HEIRLOOM_OK};
    });
}

Result<std::unique_ptr<OpenReader>> OpenReader::open(const Plugin& plugin, std::uint32_t format,
                                                     const base::FileSet& files, const Options& options,
                                                     const base::Log& log) {
  std::unique_ptr<OpenReader> opened(new OpenReader(plugin, files, log));
  const std::vector<std::uint8_t> packed = pack(options);
  HEIRLOOM_CHECK(call(plugin, [&](heirloom_error* error) {
    return plugin.reader->open(format, opened->services_.get(), borrow(packed), &opened->reader_, error);
  }));
  if (opened->reader_ == nullptr)
    return fail(blame(plugin, {Code::internal, "the plugin hands back no reader"}));
  return opened;
}

Result<Checkpoint> OpenReader::describe() const {
  heirloom_bytes bytes{};
  HEIRLOOM_CHECK(
      call(plugin_, [&](heirloom_error* error) { return plugin_.reader->describe(reader_, &bytes, error); }));
  auto checkpoint = span_of(bytes, "description").and_then([](auto span) { return decode_checkpoint(span); });
  if (!checkpoint)
    return fail(blame(plugin_, std::move(checkpoint).error()));
  return checkpoint;
}

Result<void> OpenReader::decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (plugin_.decode == nullptr)
    return fail(blame(plugin_, {Code::internal, "the plugin has no " HEIRLOOM_DECODE_1}));
  return call(plugin_, [&](heirloom_error* error) {
    return plugin_.decode->read(reader_, tensor, offset, out.data(), out.size(), error);
  });
}

Result<std::uint32_t> probe(const Plugin& plugin, std::uint32_t format, const base::FileSet& files,
                            const base::Log& log) {
  const HostServices services(&files, log, plugin.manifest.id);
  std::uint32_t score = HEIRLOOM_PROBE_NO;
  HEIRLOOM_CHECK(
      call(plugin, [&](heirloom_error* error) { return plugin.reader->probe(format, services.get(), &score, error); }));
  return score;
}

PlannedLayout::PlannedLayout(const Plugin& plugin, const base::Log& log)
    : plugin_(plugin), services_(nullptr, log, plugin.manifest.id) {}

PlannedLayout::~PlannedLayout() {
  if (layout_ != nullptr)
    (void)call(plugin_, [&](heirloom_error*) {
      plugin_.writer->destroy(layout_);
      return heirloom_status{HEIRLOOM_OK};
    });
}

Result<std::unique_ptr<PlannedLayout>> PlannedLayout::plan(const Plugin& plugin, std::uint32_t format,
                                                           const Checkpoint& checkpoint, const Options& options,
                                                           const base::Log& log) {
  std::unique_ptr<PlannedLayout> planned(new PlannedLayout(plugin, log));
  const std::vector<std::uint8_t> description = encode(checkpoint);
  const std::vector<std::uint8_t> packed = pack(options);
  HEIRLOOM_CHECK(call(plugin, [&](heirloom_error* error) {
    return plugin.writer->plan(format, planned->services_.get(), borrow(description), borrow(packed), &planned->layout_,
                               error);
  }));
  if (planned->layout_ == nullptr)
    return fail(blame(plugin, {Code::internal, "the plugin hands back no layout"}));
  return planned;
}

Result<Layout> PlannedLayout::layout() const {
  heirloom_bytes bytes{};
  Result<Layout> layout = call(plugin_, [&](heirloom_error*) {
                            bytes = plugin_.writer->bytes(layout_);
                            return heirloom_status{HEIRLOOM_OK};
                          }).and_then([&] {
                              return span_of(bytes, "layout");
                            }).and_then([](auto span) { return decode_layout(span); });
  if (!layout)
    return fail(blame(plugin_, std::move(layout).error()));
  return layout;
}

Result<std::vector<Literal>> PlannedLayout::finish(std::span<const std::uint64_t> checksums) const {
  if (plugin_.finish == nullptr)
    return fail(blame(plugin_, {Code::internal, "the plugin has no " HEIRLOOM_FINISH_1}));
  heirloom_bytes bytes{};
  HEIRLOOM_CHECK(call(plugin_, [&](heirloom_error* error) {
    return plugin_.finish->finish(layout_, checksums.data(), checksums.size(), &bytes, error);
  }));
  auto last = span_of(bytes, "literals").and_then([](auto span) { return decode_layout(span); });
  if (!last)
    return fail(blame(plugin_, std::move(last).error()));
  return std::move(last->literals);
}

}  // namespace heirloom::host
