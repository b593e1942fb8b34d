#include "engine/record/chain.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::record;

namespace {

std::string payload(const std::string& name, const std::vector<std::string>& prior) {
  std::string dependencies;
  for (const std::string& id : prior)
    dependencies += (dependencies.empty() ? "" : ",") + ("{\"annotations\":{\"role\":\"prior-event\"},\"digest\":{\"sha256\":\"" + id + "\"}}");
  return "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"buildDefinition\":{\"buildType\":\"https://heirloom.example/ns/convert/v1\","
         "\"externalParameters\":{},\"resolvedDependencies\":[" + dependencies + "]},\"runDetails\":{\"builder\":{\"id\":\"b\"}}},"
         "\"predicateType\":\"https://slsa.dev/provenance/v1\",\"subject\":[{\"digest\":{\"weightStoredRootV1\":\"" + name + "\"},\"name\":\"" + name + "\"}]}";
}

std::string id_of(const std::string& text) { return base::to_hex(provenance::Envelope{text}.id()); }

}  // namespace

TEST_CASE("a chain is in the order of what follows what, whatever the order of the lines") {
  const std::string first = payload("1", {}), second = payload("2", {id_of(first)}), third = payload("3", {id_of(second)});
  const provenance::Log log = provenance::log_of_payloads({third, payload("other", {}), first, second, third});
  const Links links = read_links(log);
  CHECK(links.all.size() == 4);
  const Link* last = links.find(id_of(third));
  REQUIRE(last != nullptr);
  std::string names;
  for (const Link* link : chain_to(links, *last))
    names += link->root("weightStoredRootV1");
  CHECK(names == "123");
}

TEST_CASE("an event of several sources has them all before it, and what is missing is left out") {
  const std::string a = payload("a", {}), b = payload("b", {std::string(64, '0')});
  const std::string merged = payload("m", {id_of(a), id_of(b)});
  const provenance::Log log = provenance::log_of_payloads({merged, b, a});
  const Links links = read_links(log);
  const auto chain = chain_to(links, *links.find(id_of(merged)));
  REQUIRE(chain.size() == 3);
  CHECK(chain.back()->root("weightStoredRootV1") == "m");
}

TEST_CASE("lines that are no events are passed over") {
  const auto log = provenance::parse_log("{}\nnot json\n");
  REQUIRE(log);
  CHECK(read_links(*log).all.empty());
}
