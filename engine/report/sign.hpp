// Reports of keys, signatures and trust, as text for people and as JSON for programs. Pure functions.
#pragma once

#include "engine/provenance/dsse.hpp"
#include "engine/provenance/oms.hpp"
#include "engine/provenance/trust.hpp"

#include <string>
#include <vector>

namespace heirloom::report {

std::string key_text(const std::string& path, const provenance::PublicKey& key);
std::string key_json(const std::string& path, const provenance::PublicKey& key);

// `subject` is of the certificate, "" without.
std::string signed_model_text(const std::string& signature, const provenance::OmsManifest& manifest, const std::string& hint,
                              const std::string& subject);
std::string signed_model_json(const std::string& signature, const provenance::OmsManifest& manifest, const std::string& hint,
                              const std::string& subject);

std::string signed_events_text(const std::string& log, const provenance::SignedLines& lines, const std::string& hint);
std::string signed_events_json(const std::string& log, const provenance::SignedLines& lines, const std::string& hint);

std::string model_signature_text(const provenance::OmsVerdict& verdict);
std::string model_signature_json(const provenance::OmsVerdict& verdict);

std::string event_signatures_text(const std::vector<provenance::LineCheck>& lines);
std::string event_signatures_json(const std::vector<provenance::LineCheck>& lines);

std::string trust_text(const provenance::Trust& trust);
std::string trust_json(const provenance::Trust& trust);

}  // namespace heirloom::report
