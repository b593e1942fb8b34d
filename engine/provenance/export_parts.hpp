// What all exports say in the same way. Internal to engine/provenance.
#pragma once

#include "engine/provenance/export.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

using OrderedJson = nlohmann::ordered_json;

// The text, with a final line end. What is no UTF-8 becomes U+FFFD.
std::string text_of(const OrderedJson& json);

// "2026-01-31T23:59:59Z" and a day that exists.
bool is_plain_time(std::string_view text);
inline constexpr std::string_view unknown_time = "1970-01-01T00:00:00Z";
// Of the document; unknown_time when nobody said one.
std::string document_time(const Graph& graph, const ExportOptions& options);
// urn:uuid:... of the document: the same for the same chain, checkpoint and time.
std::string document_id(const Graph& graph, const ExportOptions& options, std::string_view format);

// A licence as an SPDX expression, with the relation that it comes from.
struct LicenceHere {
  std::string expression;
  std::size_t relation = 0;       // the first one
};
// Of these weights, or of the nearest ancestor that has one. What one place lists together holds together (AND).
std::optional<LicenceHere> licence_of(const Graph& graph, std::size_t weights);

// The package URL of weights or a base model, where they are of the hub; "" otherwise.
std::string package_url(const Graph& graph, std::size_t entity);
// Places of the data sets that these weights and their ancestors name.
std::vector<std::size_t> datasets_of(const Graph& graph, std::size_t weights);
// Places of base models that are named on the way, with the relation.
std::vector<std::size_t> base_model_relations(const Graph& graph, std::size_t weights);
// The first claim of this field on the way back, or null.
const Claim* claim_of(const Graph& graph, std::size_t weights, std::string_view field);
// The task that the hub knows, or "".
std::string task_of(const Graph& graph, std::size_t weights);
// Weight files with digests: of the result, or of earlier weights as their run noted them.
std::vector<RunFile> files_of(const Graph& graph, std::size_t weights);
// A name as a relative reference: percent-encoded.
std::string relative_reference(std::string_view name);

}  // namespace heirloom::provenance
