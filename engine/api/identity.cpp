#include "engine/api/identity.hpp"

#include "engine/model/remarks.hpp"

namespace heirloom {

Result<IdentityAnswer> identify(const Session& session, const std::filesystem::path& path, const IdentityOptions& options) {
  IdentityAnswer answer;
  HEIRLOOM_TRY(answer.source, session.open(path, {options.from, {}, options.source_options}));
  const model::Source& source = *answer.source;
  if (!source.checkpoint.findings.empty())
    session.log().warn(base::printable(path.string()) + ": asks for " + model::describe(source.checkpoint.findings.front()) +
                       "; nothing of it was run (heirloom inspect lists all findings)");
  if (options.with_gguf_hash) {
    HEIRLOOM_TRY(answer.gguf_hash, record::gguf_hash(source, options.work.threads, session.log()));
  }
  auto identity = record::identify(source, session.maps(), options.work, session.log());
  if (!identity)
    return fail(std::move(identity).error().in_file(path.string()));
  answer.identity = std::move(*identity);
  HEIRLOOM_TRY(answer.artefacts, record::artefacts_of(source));
  return answer;
}

}  // namespace heirloom
