// Logs made by hand for the tests of graphs and exports.
#pragma once

#include "engine/provenance/graph.hpp"

#include <string>
#include <utility>
#include <vector>

namespace heirloom::test {

inline std::string digits(char c) { return std::string(64, c); }

// {"name":..., "digest":{...}} of weights.
inline std::string weights(const std::string& name, char stored, char metadata, const std::string& annotations = "") {
  return R"({"digest":{"metadataRootV1":")" + digits(metadata) + R"(","weightStoredRootV1":")" + digits(stored) + R"("},"name":")" +
         name + "\"" + (annotations.empty() ? "" : ",\"annotations\":" + annotations) + "}";
}

inline std::string statement(const std::string& subject, std::string_view type, const std::string& predicate) {
  return R"({"_type":"https://in-toto.io/Statement/v1","subject":[)" + subject + R"(],"predicateType":")" + std::string(type) +
         R"(","predicate":)" + predicate + "}";
}

inline std::string id_of(const std::string& payload) { return base::to_hex(provenance::Envelope{payload}.id()); }

// An event from one checkpoint to another; `more` are further dependencies, each with a comma before it.
inline std::string event(const std::string& kind, const std::string& made, const std::string& source, const std::vector<std::string>& prior = {},
                         const std::string& more = "") {
  std::string used = source.substr(0, source.size() - 1) + R"(,"annotations":{"role":"weights","format":"gguf"}})" + more;
  for (const std::string& id : prior)
    used += R"(,{"name":"event","digest":{"sha256":")" + id + R"("},"annotations":{"role":"prior-event"}})";
  return statement(made, provenance::slsa_provenance,
                   R"({"buildDefinition":{"buildType":"https://heirloom.example/ns/)" + kind +
                       R"(/v1","externalParameters":{"recipe":"Q4_K_M","options":{"a":"b"}},"resolvedDependencies":[)" + used +
                       R"(]},"runDetails":{"builder":{"id":"https://heirloom.example/ns/builder/local/v1","version":{"heirloom":"0.1.0"}}}})");
}

inline std::string lineage(const std::string& source, const std::string& claims) {
  return statement(source, provenance::lineage_type, "{\"claims\":[" + claims + "]}");
}
inline std::string claim(const std::string& field, const std::string& value, const std::string& from) {
  return R"({"field":")" + field + R"(","value":")" + value + R"(","status":"declared","from":")" + from + "\"}";
}

inline std::string run(const std::string& event_id, const std::string& files = "") {
  return statement(R"({"name":"event","digest":{"sha256":")" + event_id + "\"}}", provenance::run_type,
                   R"({"event":")" + event_id + R"(","invocationId":"urn:uuid:x","startedOn":"2026-01-01T00:00:00Z","finishedOn":"2026-01-01T00:01:00Z","builderDependencies":[{"name":"heirloom","digest":{"sha256":")" +
                       digits('9') + R"("}}],"internalParameters":{"threads":"2"},"files":[)" + files + "]}");
}

inline base::Digest digest_of(char c) {
  base::Digest digest{};
  const auto nibble = static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  digest.fill(static_cast<std::uint8_t>(nibble * 17));
  return digest;
}

// Source (weights 1) -> middle (weights 2) -> made (weights 3, metadata c).
struct TwoSteps {
  std::string source = weights("source", '1', 'a'), middle = weights("middle.gguf", '2', 'b'), made = weights("made.gguf", '3', 'c');
  std::string told = lineage(source, claim("license", "apache-2.0", "README.md#/license") + "," + claim("dataset", "org/data", "README.md#/datasets/0") + "," +
                                         claim("repository", "https://huggingface.co/org/Source", ".git/config") + "," +
                                         claim("revision", std::string(40, 'f'), ".git/HEAD"));
  std::string first = event("convert", middle, source,
                            {id_of(told)}, R"(,{"name":"LICENSE","digest":{"sha256":")" + digits('7') + R"("},"annotations":{"role":"license"}})");
  std::string second = event("quantize", made, middle, {id_of(first)});
  provenance::Present here() const {
    provenance::Present present{"made.gguf", "gguf", "olmo2", {"made.gguf"}};
    present.metadata_root = digest_of('c');
    return present;
  }
};

}  // namespace heirloom::test
