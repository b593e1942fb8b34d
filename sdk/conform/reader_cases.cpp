#include "reader_cases.hpp"

#include "calls.hpp"
#include "check_description.hpp"

#include <algorithm>
#include <iterator>
#include <cstring>

namespace heirloom::conform {
namespace {

constexpr std::uint64_t junk_seed = 20240501;

struct Junk {
  std::string what;
  Bytes bytes;
};

Bytes magic_of(const Format& format) {
  Bytes bytes;
  if (format.magic.empty())
    return bytes;
  const Magic& magic = format.magic.front();
  const std::uint64_t offset = std::min<std::uint64_t>(magic.offset, 1u << 16);
  bytes.resize(offset + magic.bytes.size());
  std::copy(magic.bytes.begin(), magic.bytes.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  return bytes;
}

bool has_magic(const Format& format, const Bytes& bytes) {
  return std::any_of(format.magic.begin(), format.magic.end(), [&](const Magic& magic) {
    return magic.offset <= bytes.size() && magic.bytes.size() <= bytes.size() - magic.offset &&
           std::equal(magic.bytes.begin(), magic.bytes.end(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(magic.offset));
  });
}

// Content that is of no format at all.
std::vector<Junk> plain_junk() {
  Dice dice(junk_seed);
  std::vector<Junk> all = {{"an empty file", {}}, {"one byte", {0x42}}};
  for (const std::uint64_t size : {2u, 3u, 7u, 8u, 9u, 15u, 16u, 63u, 64u, 100u, 511u, 4096u, 70'000u}) {
    all.push_back({std::to_string(size) + " random bytes", dice.bytes(size)});
    all.push_back({std::to_string(size) + " zeros", Bytes(size, 0x00)});
    all.push_back({std::to_string(size) + " bytes of 255", Bytes(size, 0xFF)});
  }
  return all;
}

// Junk behind a true magic.
std::vector<Junk> magic_junk(const Format& format) {
  const Bytes magic = magic_of(format);
  std::vector<Junk> all = plain_junk();
  if (magic.empty())
    return all;
  for (Junk& junk : all) {
    junk.what = "the magic and " + junk.what;
    junk.bytes.insert(junk.bytes.begin(), magic.begin(), magic.end());
  }
  return all;
}

std::string junk_name(const Format& format) {
  return "junk" + (format.suffixes.empty() ? std::string(".bin") : format.suffixes.front());
}

Result<Note> probe_junk(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  const std::string name = junk_name(format.format);
  for (const Junk& junk : plain_junk()) {
    const FileMap files = {{name, junk.bytes}};
    for (const std::string& primary : {name, std::string()}) {
      const ViewHost host(files, primary);
      HEIRLOOM_TRY(const Probed probed, probe(*table, format.index, host));
      if (!probed.answer.is_ok())
        return broken("probe of " + junk.what + " is an error (" + probed.answer.message + ") instead of a low score");
      if (probed.score >= HEIRLOOM_PROBE_CONTENT && !has_magic(format.format, junk.bytes))
        return broken("probe of " + junk.what + " is sure of the content");
    }
  }
  const FileMap nothing;
  const ViewHost empty_directory(nothing, "");
  HEIRLOOM_TRY(const Probed probed, probe(*table, format.index, empty_directory));
  if (probed.score >= HEIRLOOM_PROBE_CONTENT)
    return broken("probe of an empty directory is sure of the content");
  return Note{};
}

Result<Note> open_junk(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  const std::string name = junk_name(format.format);
  std::vector<Junk> all = plain_junk();
  for (Junk& junk : magic_junk(format.format))
    all.push_back(std::move(junk));
  std::uint64_t refused = 0;
  for (const Junk& junk : all) {
    const FileMap files = {{name, junk.bytes}};
    const ViewHost host(files, name);
    const auto opened = open_any(plugin, format, host);
    if (!opened)
      return broken("with " + junk.what + ": " + opened.error().message);
    refused += opened->empty() ? 0u : 1u;
  }
  return Note(std::to_string(refused) + " of " + std::to_string(all.size()) + " refused");
}

Result<Note> open_missing(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  const FileMap nothing;
  const ViewHost host(nothing, junk_name(format.format));
  HEIRLOOM_TRY(const Opened opened, open(*table, format.index, host));
  if (opened.answer.is_ok())
    return broken("open accepts a file that is not there");
  const ViewHost empty_directory(nothing, "");
  HEIRLOOM_CHECK(open_any(plugin, format, empty_directory));
  return Note{};
}

Result<Note> open_without_files(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  const FileMap nothing;
  ViewHost host(nothing, junk_name(format.format));
  host.withhold_files();
  HEIRLOOM_TRY(const Opened opened, open(*table, format.index, host));
  if (opened.answer.is_ok())
    return broken("open succeeds although the host offers no files");
  HEIRLOOM_CHECK(probe(*table, format.index, host));
  return Note{};
}

Result<Note> close_nothing(const heirloom_plugin& plugin, const FormatUnderTest&) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  table->close(nullptr);
  return Note{};
}

// A caller built against a smaller heirloom_error: what lies behind its end must stay.
Result<Note> keep_small_errors(const heirloom_plugin& plugin, const FormatUnderTest& format) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  const FileMap nothing;
  const ViewHost host(nothing, junk_name(format.format));
  heirloom_error error;
  std::memset(&error, 0xAB, sizeof error);
  const heirloom_error before = error;
  error.struct_size = offsetof(heirloom_error, message);
  heirloom_reader* reader = nullptr;
  if (table->open(format.index, host.get(), {nullptr, 0}, &reader, &error) == HEIRLOOM_OK)
    return broken("open accepts a file that is not there");
  if (std::memcmp(error.message, before.message, sizeof error - offsetof(heirloom_error, message)) != 0)
    return broken("open wrote behind the end that struct_size tells");
  return Note{};
}

}  // namespace

std::uint64_t Dice::next() {
  // splitmix64
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Bytes Dice::bytes(std::uint64_t count) {
  Bytes all(count);
  for (std::uint8_t& byte : all)
    byte = static_cast<std::uint8_t>(next() >> 56);
  return all;
}

Result<Note> open_any(const heirloom_plugin& plugin, const FormatUnderTest& format, const ViewHost& host) {
  HEIRLOOM_TRY(const auto* table, reader_table(plugin));
  HEIRLOOM_TRY(const Opened opened, open(*table, format.index, host));
  if (!opened.answer.is_ok())
    return Note(opened.answer.message);
  HEIRLOOM_TRY(const auto buffer, describe(*table, opened.reader.get()));
  HEIRLOOM_CHECK(checked_description(format.format, buffer, host).map([](auto&&) {}));
  return Note{};
}

std::vector<Case> reader_cases(const FormatUnderTest& format) {
  using Body = Result<Note> (*)(const heirloom_plugin&, const FormatUnderTest&);
  const std::pair<const char*, Body> bodies[] = {
      {"probe-of-junk", probe_junk},           {"open-of-junk", open_junk},
      {"open-of-nothing", open_missing},       {"open-without-files", open_without_files},
      {"close-of-nothing", close_nothing},     {"small-error-struct", keep_small_errors},
  };
  std::vector<Case> cases;
  for (const auto& [name, body] : bodies)
    cases.push_back({format.format.id + "/read/" + name,
                     [format, run = body](const heirloom_plugin& plugin) { return run(plugin, format); }});
  return cases;
}

}  // namespace heirloom::conform
