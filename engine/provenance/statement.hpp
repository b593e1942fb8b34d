// Statements (in-toto v1) and the envelopes that they travel in (DSSE). Parsing is strict: unknown members of an envelope or
// of a statement's own level, duplicate keys, and base64 that is not canonical are refused. Pure values and functions.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/json.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::string_view statement_type = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view payload_type = "application/vnd.in-toto+json";
inline constexpr std::string_view slsa_provenance = "https://slsa.dev/provenance/v1";
// Prefix of our own kinds (formats/facts/provenance.md).
inline constexpr std::string_view name_space = "https://heirloom.example/ns/";
inline constexpr std::string_view lineage_type = "https://heirloom.example/ns/lineage/v1";
inline constexpr std::string_view run_type = "https://heirloom.example/ns/run/v1";
inline constexpr std::string_view local_builder = "https://heirloom.example/ns/builder/local/v1";

inline constexpr std::uint64_t max_payload_bytes = 64u << 20;
inline constexpr std::size_t max_signatures = 16;  // of an envelope

// in-toto's ResourceDescriptor, as far as it is used here. Empty members are not written.
struct Resource {
  std::string name = {};
  std::string uri = {};
  std::vector<std::pair<std::string, std::string>> digest = {};       // algorithm, value in its own form
  std::string media_type = {};
  model::Json::Object annotations = {};

  // The value for an algorithm, or null.
  const std::string* digest_of(std::string_view algorithm) const;
  // The text of an annotation, or "".
  std::string_view annotation(std::string_view key) const;
  // annotations.role, or "".
  std::string_view role() const;
  // annotations.option, or "": by which option the user named a file.
  std::string_view option() const;
};
model::Json to_json(const Resource& resource);
Result<Resource> parse_resource(const model::Json& json);

struct Statement {
  std::vector<Resource> subject;
  std::string predicate_type;
  model::Json predicate;
};

// Canonical JSON, the payload that is digested and signed.
Result<std::string> encode(const Statement& statement);
Result<Statement> parse_statement(std::string_view payload);

struct Signature {
  std::string key_id;
  std::vector<std::uint8_t> bytes;
};

struct Envelope {
  std::string payload;
  std::string type = std::string(payload_type);
  std::vector<Signature> signatures = {};

  // The id of the event that the payload is.
  base::Digest id() const;
};

// One line of a log, without line end.
std::string encode(const Envelope& envelope);
Result<Envelope> parse_envelope(std::string_view line);
// As a member of other JSON. A key id may be missing or null, and is then "".
Result<Envelope> parse_envelope(const model::Json& json);
model::Json to_json(const Envelope& envelope);

// What a signature is over: DSSE's pre-authentication encoding.
std::string pre_authentication(const Envelope& envelope);

// RFC 4648 with padding; parsing refuses everything that encoding would not give.
std::string to_base64(std::span<const std::uint8_t> bytes);
Result<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace heirloom::provenance
