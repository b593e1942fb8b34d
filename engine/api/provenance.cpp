#include "engine/api/provenance.hpp"

#include "engine/api/sign.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/claims.hpp"
#include "engine/record/digests.hpp"
#include "engine/record/found.hpp"

#include <charconv>
#include <cstdlib>
#include <ctime>

namespace heirloom {
namespace {

// "" when SOURCE_DATE_EPOCH is not set, or no second between the years 1970 and 9999.
std::string time_of_environment() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  const std::string_view digits = text == nullptr ? "" : text;
  std::int64_t seconds = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || seconds < 0 || seconds > 253402300799)
    return "";
  const auto moment = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&moment, &parts) == nullptr)
    return "";
  char time[32];
  return std::string(time, std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

std::string name_of(const model::Source& source, const std::filesystem::path& path) {
  if (!source.files->primary().empty())
    return source.files->primary();
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace

Result<Provenance> provenance_of(const Session& session, const ProvenanceOptions& options) {
  HEIRLOOM_TRY(const auto source, session.open(options.path, {options.from, {}, options.source_options}));
  HEIRLOOM_TRY(const record::Found found, record::find_record(*source));
  provenance::Present present{name_of(*source, options.path), source->checkpoint.format};
  HEIRLOOM_TRY(present.claims, record::declared_claims(*source));
  if (const arch::Map* map = session.map_of(*source))
    present.architecture = map->id;
  present.metadata_root = provenance::metadata_root(source->checkpoint.attrs);
  present.head = found.head;
  for (const File& file : source->checkpoint.files) {
    present.files.push_back(file.name);
    if (options.hashes_files) {
      HEIRLOOM_TRY(const base::Digest digest, record::digest_of_file(*source->files, file.name));
      present.read_files.push_back({file.name, file.size, digest});
    }
  }
  Provenance result{provenance::build_graph(found.log, present), ""};
  if (!options.trust.empty()) {
    HEIRLOOM_TRY(const provenance::Trust trust, read_trust(options.trust, false));
    provenance::check_signatures(found.log, trust, result.graph);
  }
  result.graph.problems.insert(result.graph.problems.begin(), found.problems.begin(), found.problems.end());
  for (const std::string& id : found.only_embedded)
    result.graph.problems.push_back("event " + id.substr(0, 12) + " is in the weight file, but not in the log beside it");
  if (found.has_log_file)
    result.log_name = provenance::file_name(provenance::Part::log, record::record_base(*source));
  return result;
}

Result<std::string> export_provenance(const Provenance& provenance, const std::string& format, const std::string& program_version) {
  std::string names;
  for (const provenance::ExportFormat& known : provenance::export_formats()) {
    if (known.name == format)
      return known.write(provenance.graph, {program_version, time_of_environment(), provenance.log_name});
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return fail(Code::misuse, "format " + base::quoted(format) + " is none of " + names);
}

}  // namespace heirloom
