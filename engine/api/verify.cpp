#include "engine/api/verify.hpp"

#include "engine/api/document.hpp"
#include "engine/base/file_set.hpp"
#include "engine/plan/importance.hpp"
#include "engine/plan/package.hpp"
#include "engine/plan/packed.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <random>

namespace heirloom {
namespace {

namespace fs = std::filesystem;
using record::Level;

struct OpenSource {
  std::unique_ptr<model::Source> stored, whole;
};

Result<OpenSource> open_source(const Session& session, const fs::path& path, const VerifyOptions& options) {
  OpenSource source;
  HEIRLOOM_TRY(source.stored, session.open(path, {"", {}, options.source_options, true}));
  HEIRLOOM_TRY(source.whole, session.open(path, {"", {}, options.source_options, true}));
  if (const auto package = plan::read_package(*source.whole))
    if (auto seen = plan::see_packed(*source.whole, package->config); !seen)
      return fail(std::move(seen).error().in_file(path.string()));
  return source;
}

std::string last_part(const fs::path& path) {
  const fs::path whole = path.has_filename() ? path : path.parent_path();
  return whole.filename().string();
}

// SOURCE_DATE_EPOCH, or now.
std::time_t present() {
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"))
    if (const auto time = parse_time(epoch))
      return *time;
  return std::time(nullptr);
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

struct TrustFile {
  std::string text;
  std::optional<provenance::Trust> trust;
};

Result<TrustFile> read_trust_file(const fs::path& path) {
  TrustFile file;
  if (path.empty())
    return file;
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  HEIRLOOM_TRY(const auto bytes, files->read_all(files->primary(), provenance::max_trust_bytes));
  file.text.assign(bytes.begin(), bytes.end());
  auto trust = provenance::parse_trust(file.text);
  if (!trust)
    return fail(std::move(trust).error().in_file(path.string()));
  file.trust = std::move(*trust);
  return file;
}

Result<void> check_together(const VerifyOptions& options) {
  if (options.sources.empty() && (options.reproduces || !options.importance.empty()))
    return fail(Code::misuse, "--reproduce and --imatrix make the tensors again from their source: give it with --source");
  if (options.sample != 0 && !options.reproduces)
    return fail(Code::misuse, "--sample chooses what --reproduce makes again: give both");
  return {};
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Level::reproduced); ++i) {
    const auto level = static_cast<Level>(i);
    const std::string_view name = name_of(level);
    if (text == name || text == name.substr(1) || (text.size() == 2 && text[0] == 'p' && text[1] == name[1]) || text == word_of(level))
      return level;
  }
  return fail(Code::misuse, base::quoted(text) + " is no level; known are P0 none, P1 declared, P2 intact, P3 signed, P4 linked, P5 reproduced");
}

Result<std::time_t> parse_time(const std::string& text) {
  std::time_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds >= 0)
    return seconds;
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* rest = ::strptime(text.c_str(), form, &parts);
    if (rest != nullptr && *rest == '\0')
      return ::timegm(&parts);
  }
  return fail(Code::misuse, base::quoted(text) + " is no time; wanted is 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970");
}

Result<report::Verified> verify(const Session& session, const VerifyOptions& options, const base::Log& log) {
  HEIRLOOM_CHECK(check_together(options));
  report::Verified verified{options.path.string(), last_part(options.path)};
  verified.required = options.required;
  HEIRLOOM_TRY(const auto checked, session.open(options.path, {"", {}, options.source_options, true}));
  std::vector<OpenSource> sources;
  record::VerifyOptions how;
  for (const fs::path& path : options.sources) {
    HEIRLOOM_TRY(OpenSource source, open_source(session, path, options));
    how.sources.push_back({source.stored.get(), source.whole.get(), path.string()});
    sources.push_back(std::move(source));
    verified.sources.push_back(path.string());
  }
  std::optional<plan::ImportanceMatrix> importance;
  if (!options.importance.empty()) {
    HEIRLOOM_TRY(importance, plan::read_importance(session.host(), options.importance, log));
  }
  HEIRLOOM_TRY(const TrustFile trust, read_trust_file(options.trust));
  how.trust = trust.trust ? &*trust.trust : nullptr;
  how.directory = checked->files->primary().empty() ? options.path.string() : "";
  how.importance = importance ? &*importance : nullptr;
  how.at = options.at.value_or(present());
  how.reproduces = options.reproduces;
  how.sample = options.sample;
  if (options.sample != 0)
    verified.sample_seed = how.seed = std::random_device{}();
  how.threads = options.threads;
  how.memory_bytes = options.memory_bytes;
  HEIRLOOM_TRY(verified.record, record::verify(*checked, session.maps(), how, log));
  const bool is_told = verified.record.tells_making && !verified.record.is_last_step_unrecorded;
  if (!is_told && verified.record.mismatches.empty() && !sources.empty()) {
    HEIRLOOM_TRY(verified.foreign, record::compare_foreign(*checked, *sources.front().whole, session.maps(),
                                                           {how.importance, options.threads, options.memory_bytes}, log));
  }
  if (!options.summary.empty())
    HEIRLOOM_CHECK(write_document(options.summary, report::verification_summary(verified, time_text(present()), trust.text), true));
  return verified;
}

}  // namespace heirloom
