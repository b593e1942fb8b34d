#include "engine/report/identity.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

namespace heirloom::report {
namespace {

using base::to_hex;

std::string line(std::string_view label, std::string_view value) { return fmt::format("  {:20}  {}\n", label, value); }

std::string tensors_text(const record::Identity& identity) {
  Table table({"tensor", "encoding", "shape", "digest", "value"});
  for (const record::TensorIdentity& tensor : identity.tensors)
    table.add({base::quoted(tensor.name), tensor.encoding, shape_text(tensor.shape), to_hex(tensor.digest),
               tensor.value ? to_hex(*tensor.value) : "none"});
  return "\n" + table.text();
}

// Lines of gguf-hash's manifest.
std::string manifest(const IdentityView& view) {
  const std::string file = base::printable(view.source->files->primary());
  std::string out = "\n";
  for (std::size_t i = 0; i < view.identity->tensors.size(); ++i) {
    const record::TensorIdentity& tensor = view.identity->tensors[i];
    const std::string name = file + ":" + base::printable(tensor.name);
    out += fmt::format("sha1      {}  {}\n", to_hex(view.gguf_hash->tensor_sha1[i]), name);
    out += fmt::format("sha256    {}  {}\n", to_hex(tensor.raw), name);
  }
  out += fmt::format("sha1      {}  {}\n", to_hex(view.gguf_hash->sha1), file);
  out += fmt::format("sha256    {}  {}\n", to_hex(view.gguf_hash->sha256), file);
  return out + fmt::format("uuid      {}  {}\n", view.gguf_hash->uuid, file);
}

Json digest_json(const std::optional<base::Digest>& digest) { return digest ? Json(to_hex(*digest)) : Json(); }

}  // namespace

std::string identity_text(const IdentityView& view, bool shows_tensors) {
  const record::Identity& identity = *view.identity;
  std::string out = base::printable(view.source->files->display(view.source->files->primary())) + "\n";
  out += line(provenance::stored_root_name, to_hex(identity.stored_root));
  out += line(provenance::metadata_root_name, to_hex(identity.metadata_root));
  out += line(provenance::value_root_name, identity.value_root ? to_hex(*identity.value_root) : "none: " + base::printable(identity.why_no_value_root));
  out += line(provenance::value_set_root_name, identity.value_set_root ? to_hex(*identity.value_set_root) : "none");
  out += line("tensors", grouped(identity.tensors.size()));
  for (const record::Artefact& artefact : *view.artefacts)
    out += line(to_hex(artefact.sha256).substr(0, 16), base::printable(artefact.item));
  if (shows_tensors)
    out += tensors_text(identity);
  return view.gguf_hash == nullptr ? out : out + manifest(view);
}

std::string identity_json(const IdentityView& view) {
  const record::Identity& identity = *view.identity;
  Json json;
  json["path"] = view.source->files->display(view.source->files->primary());
  json["format"] = view.source->checkpoint.format;
  json[std::string(provenance::stored_root_name)] = to_hex(identity.stored_root);
  json[std::string(provenance::metadata_root_name)] = to_hex(identity.metadata_root);
  json[std::string(provenance::value_root_name)] = digest_json(identity.value_root);
  json["why_no_value_root"] = identity.value_root ? Json() : Json(identity.why_no_value_root);
  json[std::string(provenance::value_set_root_name)] = digest_json(identity.value_set_root);
  json["tensors"] = Json::array();
  for (const record::TensorIdentity& tensor : identity.tensors)
    json["tensors"].push_back({{"name", tensor.name},
                               {"encoding", tensor.encoding},
                               {"shape", tensor.shape},
                               {"raw", to_hex(tensor.raw)},
                               {"digest", to_hex(tensor.digest)},
                               {"value", digest_json(tensor.value)}});
  json["artefacts"] = Json::array();
  for (const record::Artefact& artefact : *view.artefacts)
    json["artefacts"].push_back({{"item", artefact.item}, {"sha256", to_hex(artefact.sha256)}});
  if (view.gguf_hash == nullptr)
    return dump(json);
  json["gguf_hash"] = {{"sha256", to_hex(view.gguf_hash->sha256)}, {"sha1", to_hex(view.gguf_hash->sha1)}, {"uuid", view.gguf_hash->uuid}};
  for (std::size_t i = 0; i < identity.tensors.size(); ++i)
    json["tensors"][i]["sha1"] = to_hex(view.gguf_hash->tensor_sha1[i]);
  return dump(json);
}

}  // namespace heirloom::report
