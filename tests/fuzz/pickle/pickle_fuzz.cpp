// Feeds the unpickler hostile bytes. What is accepted must be a sound graph whose every node can be looked at, and no larger than
// its bytes allow; the same bytes in a file must give the same.
#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "tests/support/memory_host.hpp"

#include <cstdlib>

namespace {

using namespace heirloom::pickle;

void require(bool holds) {
  if (!holds)
    std::abort();
}

void look_at(const Tree& tree, Id id, std::uint64_t size) {
  const auto is_node = [&](Id other) { require(other < tree.size()); };
  require(tree.position(id) < size);
  require(!name_of(tree.kind(id)).empty());
  require(tree.depth(id) <= Limits{}.depth);
  for (const Id item : tree.items(id))
    is_node(item);
  for (const Id item : tree.set_items(id))
    is_node(item);
  if (tree.kind(id) == Kind::dict)
    require(tree.items(id).size() % 2 == 0);
  require(tree.set_items(id).size() % 2 == 0);
  if (const Call* call = tree.call(id)) {
    is_node(call->callee);
    require(tree.kind(call->arguments) == Kind::tuple);
    if (call->state != no_id)
      is_node(call->state);
  }
  if (tree.kind(id) == Kind::persistent)
    is_node(tree.persistent_id(id));
  static_cast<void>(tree.attribute(id, "x"));
  static_cast<void>(tree.class_of(id));
  if (const auto text = tree.text(id))
    require(text->size() <= size);
  if (const auto bytes = tree.bytes(id))
    require(bytes->size() <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse({data, size});
  const heirloom::test::MemoryHost host({{"a", {data, data + size}}});
  const auto again = parse_file(host.files(), "a", 0, size);
  require(parsed.has_value() == again.has_value());
  if (!parsed) {
    require(parsed.error().position <= size && parsed.error().position == again.error().position);
    return 0;
  }
  const Tree& tree = parsed->tree;
  require(parsed->consumed > 0 && parsed->consumed <= size && parsed->consumed == again->consumed);
  require(tree.root() < tree.size() && tree.size() == again->tree.size());
  require(tree.text_bytes() <= size * 2 && tree.references() <= size * 4 + 64);
  for (Id id = 0; id < tree.size(); ++id)
    look_at(tree, id, size);
  const auto found = find_suspects(tree, "a");
  require(found.size() <= max_findings);
  return 0;
}
