#include "engine/api/verify.hpp"

#include "engine/plan/importance.hpp"
#include "engine/plan/package.hpp"
#include "engine/plan/packed.hpp"

namespace heirloom {
namespace {

namespace fs = std::filesystem;

// With weights that are stored in two tensors seen as one.
Result<std::unique_ptr<model::Source>> open_whole(const Session& session, const fs::path& path, const VerifyOptions& options) {
  HEIRLOOM_TRY(auto source, session.open(path, {"", {}, options.source_options, true}));
  if (const auto package = plan::read_package(*source))
    if (auto seen = plan::see_packed(*source, package->config); !seen)
      return fail(std::move(seen).error().in_file(path.string()));
  return source;
}

}  // namespace

Result<report::Verified> verify(const Session& session, const VerifyOptions& options, const base::Log& log) {
  report::Verified verified{options.path.string(), options.source.string()};
  HEIRLOOM_TRY(const auto checked, session.open(options.path, {"", {}, options.source_options, true}));
  HEIRLOOM_TRY(const auto source, open_whole(session, options.source, options));
  std::optional<plan::ImportanceMatrix> importance;
  if (!options.importance.empty()) {
    HEIRLOOM_TRY(importance, plan::read_importance(session.host(), options.importance, log));
  }
  HEIRLOOM_TRY(verified.foreign, record::compare_foreign(*checked, *source, session.maps(),
                                                         {importance ? &*importance : nullptr, options.threads, options.memory_bytes}, log));
  return verified;
}

}  // namespace heirloom
