#include "engine/record/adopt.hpp"

#include "engine/base/bytes.hpp"
#include "engine/plan/package.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/chain.hpp"
#include "engine/record/digests.hpp"
#include "engine/record/event.hpp"

#include <algorithm>
#include <map>

namespace heirloom::record {
namespace {

using model::Json;
using provenance::Resource;

struct Match {
  const Link* link = nullptr;
  std::string_view digest;  // its name
};

// The latest event with this digest.
const Link* made(const Links& links, std::string_view name, const base::Digest& digest) {
  const Link* found = nullptr;
  for (const Link& link : links.all)
    if (link.root(name) == base::to_hex(digest))
      found = &link;
  return found;
}

Match match(const Links& links, const Identity& identity) {
  if (const Link* link = made(links, provenance::stored_root_name, identity.stored_root))
    return {link, provenance::stored_root_name};
  if (identity.value_root)
    if (const Link* link = made(links, provenance::value_root_name, *identity.value_root))
      return {link, provenance::value_root_name};
  if (identity.value_set_root)
    if (const Link* link = made(links, provenance::value_set_root_name, *identity.value_set_root))
      return {link, provenance::value_set_root_name};
  return {};
}

std::string id_of(std::string_view text) {
  return base::to_hex(base::sha256(base::bytes_of(text)));
}

Json text(std::string_view value) { return Json(std::string(value)); }

// Files of a directory that are neither weights nor a record.
Result<std::vector<Resource>> side_files(const model::Source& source) {
  std::vector<Resource> files;
  if (!source.files->primary().empty())
    return files;
  HEIRLOOM_TRY(const plan::Package package, plan::read_package(source, false));
  for (const std::string& name : package.side_files) {
    if (provenance::is_record_name(name))
      continue;
    HEIRLOOM_TRY(const base::Digest digest, digest_of_file(*source.files, name));
    files.push_back({name, "", {{"sha256", base::to_hex(digest)}}});
  }
  return files;
}

// The weights that the event made, by all that it says of them: with fewer digests nobody could tell that they are the same.
Resource weights_before(const Link& link) {
  Resource weights{"weights", "", {}, "", {{"role", text("weights")}}};
  for (const std::string_view name : {provenance::stored_root_name, provenance::metadata_root_name, provenance::value_root_name})
    if (std::string digest = link.root(name); !digest.empty())
      weights.digest.emplace_back(name, std::move(digest));
  return weights;
}

Result<std::string> event_of(const Identity& identity, const Match& match, std::vector<Resource> files, const std::string& ledger) {
  provenance::Statement event;
  event.predicate_type = provenance::slsa_provenance;
  event.subject.push_back(weights_resource(std::string(weights_name), identity.stored_root, identity.value_root, identity.metadata_root));
  std::move(files.begin(), files.end(), std::back_inserter(event.subject));
  const Resource read = weights_before(*match.link);
  const Resource prior{"", "", {{"sha256", match.link->id}}, "", {{"role", text("prior-event")}}};
  Json::Array byproducts;
  byproducts.push_back(to_json(Resource{"metadata-ledger.json", "", {{"sha256", ledger}}}));
  const Json version(Json::Object{{"heirloom", text(HEIRLOOM_VERSION)}});
  const Json builder(Json::Object{{"id", text(provenance::local_builder)}, {"version", version}});
  event.predicate = Json(Json::Object{
      {"buildDefinition", Json(Json::Object{{"buildType", Json(std::string(provenance::name_space) + "adopt/v1")},
                                            {"externalParameters", Json(Json::Object{{"matchedBy", text(match.digest)}})},
                                            {"resolvedDependencies", Json(Json::Array{to_json(read), to_json(prior)})}})},
      {"runDetails", Json(Json::Object{{"builder", builder}, {"byproducts", Json(std::move(byproducts))}})}});
  return encode(event);
}

// What became of the keys that the event wrote.
provenance::Ledger ledger_of(const Checkpoint& checkpoint, const std::optional<provenance::Ledger>& before, std::size_t& lost) {
  provenance::Ledger ledger;
  std::map<std::string_view, base::Digest> now;
  for (const Attr& attr : checkpoint.attrs) {
    if (!provenance::is_part_of_root(attr.key))
      continue;
    ledger.outputs.push_back({attr.key, provenance::attr_digest(attr)});
    now.emplace(attr.key, ledger.outputs.back().digest);
  }
  if (!before)
    return ledger;
  for (const provenance::NamedDigest& key : before->outputs) {
    const auto found = now.find(key.name);
    if (found == now.end()) {
      ledger.items.push_back({"key:" + key.name, "dropped", "", "another program left it out", "all of it", key.digest});
      ++lost;
    } else if (found->second != key.digest) {
      ledger.items.push_back({"key:" + key.name, "mapped", key.name, "", "another program changed it", key.digest});
    } else {
      ledger.items.push_back({"key:" + key.name, "carried", key.name, "", "none", key.digest});
    }
  }
  return ledger;
}

}  // namespace

Result<std::optional<Adoption>> adopt(const model::Source& source, const Identity& identity, const provenance::Log& log,
                                      const std::optional<provenance::Ledger>& ledger, RunFacts run) {
  const Links links = read_links(log);
  const Match found = match(links, identity);
  if (found.link == nullptr)
    return std::nullopt;
  Adoption adoption{found.link->words(), std::string(found.digest)};
  adoption.has_same_tensors = found.digest == provenance::stored_root_name;
  provenance::Log whole = log;
  const bool is_as_it_was = adoption.has_same_tensors && found.link->root(provenance::metadata_root_name) == base::to_hex(identity.metadata_root);
  if (!is_as_it_was) {
    HEIRLOOM_TRY(std::string made, encode(ledger_of(source.checkpoint, ledger, adoption.lost_keys)));
    HEIRLOOM_TRY(std::vector<Resource> files, side_files(source));
    HEIRLOOM_TRY(const std::string payload, event_of(identity, found, std::move(files), id_of(made)));
    whole.append({payload});
    HEIRLOOM_TRY(run.finished, now());
    HEIRLOOM_TRY(const provenance::Statement statement, run_statement_of(id_of(payload), run));
    HEIRLOOM_TRY(std::string told, encode(statement));
    whole.append({std::move(told)});
    adoption.ledger = std::move(made);
  }
  adoption.log = whole.text();
  return adoption;
}

}  // namespace heirloom::record
