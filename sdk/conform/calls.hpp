// Calls into the plugin that hold it to the ABI's error contract: an error names a known status and says why in text that
// ends in NUL; a success leaves the error alone. A broken contract is an Error here; a refusal that keeps it is an Answer.
#pragma once

#include "case.hpp"
#include "view_host.hpp"

#include <memory>
#include <span>
#include <string>

namespace heirloom::conform {

struct Answer {
  heirloom_status status = HEIRLOOM_OK;
  std::string message;
  bool is_ok() const { return status == HEIRLOOM_OK; }
};

// A heirloom_error whose every byte says "untouched", and the check of what became of it.
class WatchedError {
 public:
  WatchedError();
  heirloom_error* get() { return &error_; }
  Result<Answer> check(std::string_view call, heirloom_status status) const;

 private:
  heirloom_error error_;
};

// The tables; an Error when the plugin claims what it does not have.
Result<const heirloom_reader_1*> reader_table(const heirloom_plugin& plugin);
Result<const heirloom_decode_1*> decode_table(const heirloom_plugin& plugin);
Result<const heirloom_writer_1*> writer_table(const heirloom_plugin& plugin);
Result<const heirloom_finish_1*> finish_table(const heirloom_plugin& plugin);

struct CloseReader {
  const heirloom_reader_1* table = nullptr;
  void operator()(heirloom_reader* reader) const { table->close(reader); }
};
using ReaderHandle = std::unique_ptr<heirloom_reader, CloseReader>;

struct Probed {
  Answer answer;
  std::uint32_t score = HEIRLOOM_PROBE_NO;
};
struct Opened {
  Answer answer;
  ReaderHandle reader;  // set when the answer is ok
};

Result<Probed> probe(const heirloom_reader_1& table, std::uint32_t format, const ViewHost& host);
Result<Opened> open(const heirloom_reader_1& table, std::uint32_t format, const ViewHost& host,
                    std::span<const std::uint8_t> options = {});
// The description's bytes; describing an open reader cannot fail, and gives the same bytes at the same place again.
Result<std::span<const std::uint8_t>> describe(const heirloom_reader_1& table, heirloom_reader* reader);
Result<Answer> decode(const heirloom_decode_1& table, heirloom_reader* reader, std::uint32_t tensor,
                      std::uint64_t offset, std::span<std::uint8_t> out);

struct DestroyLayout {
  const heirloom_writer_1* table = nullptr;
  void operator()(heirloom_layout* layout) const { table->destroy(layout); }
};
struct Planned {
  Answer answer;
  std::unique_ptr<heirloom_layout, DestroyLayout> layout;  // set when the answer is ok
  std::span<const std::uint8_t> bytes;                     // valid as long as `layout`
};
Result<Planned> plan(const heirloom_writer_1& table, std::uint32_t format, std::span<const std::uint8_t> checkpoint,
                     std::span<const std::uint8_t> options);

}  // namespace heirloom::conform
