#include "engine/run/check_written.hpp"

#include "engine/run/source_digests.hpp"

#include <map>

namespace heirloom::run {

Result<void> check_written(const host::Host& host, const plan::Plan& plan, const Outcome& outcome,
                           const std::filesystem::path& path, const base::Log& log) {
  host::OpenOptions options;
  options.format = plan.target_format;
  HEIRLOOM_TRY(const model::Source written, host.open(path, options, log));
  std::map<std::string_view, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < written.checkpoint.tensors.size(); ++i)
    by_name.emplace(written.checkpoint.tensors[i].name, i);
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const std::string& name = plan.tensors[i].name;
    const auto found = by_name.find(name);
    if (found == by_name.end())
      return fail(Error{Code::io, "the tensor is missing from the written output", no_position, path.string(), name});
    HEIRLOOM_TRY(const base::Digest digest, digest_of(written, found->second));
    if (digest != outcome.digests[i])
      return fail(Error{Code::io, "the written bytes are not those that were computed", no_position, path.string(), name});
  }
  return {};
}

}  // namespace heirloom::run
