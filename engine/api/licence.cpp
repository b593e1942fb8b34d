#include "engine/api/licence.hpp"

namespace heirloom {

Result<record::LicenceReport> licences_of(const Session& session, const std::filesystem::path& path, const std::string& from) {
  HEIRLOOM_TRY(const auto source, session.open(path, {from, {}, {}}));
  return record::licences_of(*source);
}

}  // namespace heirloom
