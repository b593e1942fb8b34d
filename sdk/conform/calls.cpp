#include "calls.hpp"

#include <algorithm>
#include <cstring>

namespace heirloom::conform {
namespace {

constexpr unsigned char untouched = 0xAB;

heirloom_bytes borrowed(std::span<const std::uint8_t> bytes) { return {bytes.data(), bytes.size()}; }

bool ends_in_nul(const char* field, std::size_t size) { return std::memchr(field, '\0', size) != nullptr; }

template <class Table>
Result<const Table*> table_of(const heirloom_plugin& plugin, const char* id) {
  const void* const table = plugin.get_interface(id);
  if (table == nullptr)
    return broken("the plugin has no table " + quoted(id));
  return static_cast<const Table*>(table);
}

}  // namespace

WatchedError::WatchedError() {
  std::memset(&error_, untouched, sizeof error_);
  error_.struct_size = sizeof error_;
  error_.reserved = 0;
}

Result<Answer> WatchedError::check(std::string_view call, heirloom_status status) const {
  const std::string name(call);
  if (error_.struct_size != sizeof error_)
    return broken(name + " changed the error's struct_size");
  if (status == HEIRLOOM_OK) {
    const WatchedError fresh;
    if (std::memcmp(&fresh.error_, &error_, sizeof error_) != 0)
      return broken(name + " succeeded but wrote into the error");
    return Answer{};
  }
  if (status < HEIRLOOM_OK || status > HEIRLOOM_INTERNAL)
    return broken(name + " returned the unknown status " + std::to_string(status));
  if (static_cast<unsigned char>(error_.message[0]) == untouched)
    return broken(name + " returned status " + std::to_string(status) + " but did not fill in the error");
  if (!ends_in_nul(error_.message, sizeof error_.message) || !ends_in_nul(error_.file, sizeof error_.file) ||
      !ends_in_nul(error_.tensor, sizeof error_.tensor))
    return broken(name + " left a text of the error without its NUL");
  if (error_.message[0] == '\0')
    return broken(name + " returned status " + std::to_string(status) + " with an empty message");
  if (status == HEIRLOOM_INTERNAL)
    return broken(name + " reports a bug of the plugin: " + error_.message);
  return Answer{status, error_.message};
}

Result<const heirloom_reader_1*> reader_table(const heirloom_plugin& plugin) {
  HEIRLOOM_TRY(const auto* table, table_of<heirloom_reader_1>(plugin, HEIRLOOM_READER_1));
  if (table->probe == nullptr || table->open == nullptr || table->describe == nullptr || table->close == nullptr)
    return broken("a function of " HEIRLOOM_READER_1 " is missing");
  return table;
}

Result<const heirloom_decode_1*> decode_table(const heirloom_plugin& plugin) {
  HEIRLOOM_TRY(const auto* table, table_of<heirloom_decode_1>(plugin, HEIRLOOM_DECODE_1));
  if (table->read == nullptr)
    return broken("a function of " HEIRLOOM_DECODE_1 " is missing");
  return table;
}

Result<const heirloom_writer_1*> writer_table(const heirloom_plugin& plugin) {
  HEIRLOOM_TRY(const auto* table, table_of<heirloom_writer_1>(plugin, HEIRLOOM_WRITER_1));
  if (table->plan == nullptr || table->bytes == nullptr || table->destroy == nullptr)
    return broken("a function of " HEIRLOOM_WRITER_1 " is missing");
  return table;
}

Result<const heirloom_finish_1*> finish_table(const heirloom_plugin& plugin) {
  HEIRLOOM_TRY(const auto* table, table_of<heirloom_finish_1>(plugin, HEIRLOOM_FINISH_1));
  if (table->finish == nullptr)
    return broken("the function of " HEIRLOOM_FINISH_1 " is missing");
  return table;
}

Result<Probed> probe(const heirloom_reader_1& table, std::uint32_t format, const ViewHost& host) {
  WatchedError error;
  Probed probed;
  const heirloom_status status = table.probe(format, host.get(), &probed.score, error.get());
  HEIRLOOM_TRY(probed.answer, error.check("probe", status));
  if (probed.answer.is_ok() && probed.score > HEIRLOOM_PROBE_CONTENT)
    return broken("probe scored " + std::to_string(probed.score) + ", above " +
                  std::to_string(HEIRLOOM_PROBE_CONTENT));
  return probed;
}

Result<Opened> open(const heirloom_reader_1& table, std::uint32_t format, const ViewHost& host,
                    std::span<const std::uint8_t> options) {
  WatchedError error;
  heirloom_reader* reader = nullptr;
  const heirloom_status status = table.open(format, host.get(), borrowed(options), &reader, error.get());
  HEIRLOOM_TRY(Answer answer, error.check("open", status));
  if (!answer.is_ok())
    return Opened{std::move(answer), {}};
  if (reader == nullptr)
    return broken("open succeeded without a reader");
  return Opened{{}, ReaderHandle(reader, CloseReader{&table})};
}

Result<std::span<const std::uint8_t>> describe(const heirloom_reader_1& table, heirloom_reader* reader) {
  heirloom_bytes seen[2] = {};
  for (heirloom_bytes& bytes : seen) {
    WatchedError error;
    const heirloom_status status = table.describe(reader, &bytes, error.get());
    HEIRLOOM_TRY(const Answer answer, error.check("describe", status));
    if (!answer.is_ok())
      return broken("describe refused what open accepted: " + answer.message);
  }
  if (seen[0].data != seen[1].data || seen[0].size != seen[1].size)
    return broken("describe gave another buffer when it was called again");
  return std::span<const std::uint8_t>(seen[0].data, seen[0].size);
}

Result<Answer> decode(const heirloom_decode_1& table, heirloom_reader* reader, std::uint32_t tensor,
                      std::uint64_t offset, std::span<std::uint8_t> out) {
  WatchedError error;
  const heirloom_status status = table.read(reader, tensor, offset, out.data(), out.size(), error.get());
  return error.check("decode", status);
}

Result<Planned> plan(const heirloom_writer_1& table, std::uint32_t format, std::span<const std::uint8_t> checkpoint,
                     std::span<const std::uint8_t> options) {
  const FileMap no_files;
  const ViewHost host(no_files, "");
  WatchedError error;
  heirloom_layout* layout = nullptr;
  const heirloom_status status =
      table.plan(format, host.get(), borrowed(checkpoint), borrowed(options), &layout, error.get());
  HEIRLOOM_TRY(Answer answer, error.check("plan", status));
  if (!answer.is_ok())
    return Planned{std::move(answer), {}, {}};
  if (layout == nullptr)
    return broken("plan succeeded without a layout");
  Planned planned{{}, {layout, DestroyLayout{&table}}, {}};
  const heirloom_bytes bytes = table.bytes(layout);
  planned.bytes = {bytes.data, bytes.size};
  return planned;
}

}  // namespace heirloom::conform
