#include "engine/arch/tensors.hpp"

#include "engine/arch/config.hpp"
#include "engine/arch/rules.hpp"
#include "engine/arch/shape.hpp"
#include "engine/arch/spelling.hpp"
#include "engine/arch/verbs.hpp"
#include "engine/base/text.hpp"
#include "engine/model/model.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace heirloom::arch {
namespace {

using model::Json;
using Rule = fb::TensorRuleT;

// One rule in one layer (or once, where it has none): the tensors that it is made from.
struct Instance {
  std::map<std::uint64_t, std::uint32_t> inputs;  // as verbs see them: by part, then by expert
  std::size_t position = 0;                       // of the last that has come, in the order of the sources
};

// A rule, read for one way.
struct Reading {
  const Rule* rule = nullptr;
  std::vector<std::string> from, to;
  bool holds = true;                                 // its condition
  std::uint64_t experts = 1;
  std::vector<std::uint64_t> layers = {};            // that have it, ascending; no_layer alone where it has none
  std::map<std::uint64_t, Instance> instances = {};  // by layer

  bool is_in(std::uint64_t layer) const { return std::binary_search(layers.begin(), layers.end(), layer); }
  std::uint64_t per_part(const std::vector<std::string>& patterns) const {
    return !patterns.empty() && has_expert(patterns.front()) ? experts : 1;
  }
};

struct Way {
  Side from = Side::hugging_face, to = Side::gguf;
  bool is_forward() const { return from == Side::hugging_face; }
};

Result<std::vector<Reading>> read_rules(const Map& map, Way way, const Layers& layers, const Json& config) {
  std::vector<Reading> readings;
  for (const auto& rule : map.tensors) {
    Reading reading{rule.get(), patterns_of(*rule, way.from), patterns_of(*rule, way.to), holds(rule->when.get(), config)};
    for (auto* patterns : {&reading.from, &reading.to})
      for (std::string& pattern : *patterns)
        pattern = expand_count(pattern, layers.count());
    if (!reading.from.empty())
      reading.layers = layers_of(*rule, reading.from.front(), layers);
    // Experts that a model does not have are not asked for: only their tensors bring the rule to use.
    if (!rule->experts.empty() && reading.holds) {
      const auto experts = experts_of(*rule, config);
      if (!experts && !rule->optional)
        return fail(experts.error());
      reading.experts = experts.value_or(0);
    }
    readings.push_back(std::move(reading));
  }
  return readings;
}

struct Place {
  Reading* reading = nullptr;
  std::size_t part = 0;
  Numbers numbers;
};

// The first rule that the name fits in a layer that has it, and those behind it that share their sources. Where there is none
// whose condition holds, one whose does not, and then one that the name alone fits.
std::vector<Place> places_of(std::vector<Reading>& readings, std::string_view name) {
  std::vector<Place> places, unmet, elsewhere;
  for (Reading& reading : readings) {
    if (!places.empty() && !reading.rule->shares)
      continue;
    for (std::size_t part = 0; part < reading.from.size(); ++part)
      if (const auto numbers = match_numbers(reading.from[part], name)) {
        (!reading.is_in(numbers->layer) ? elsewhere : reading.holds ? places : unmet).push_back({&reading, part, *numbers});
        break;
      }
  }
  if (!places.empty())
    return places;
  return unmet.empty() ? elsewhere : unmet;
}

Error wrong_layer(std::uint64_t layer, const Layers& layers, const std::string& name) {
  const std::string number = "layer " + std::to_string(layer);
  return {Code::malformed,
          layer >= layers.end() ? number + " is beyond the " + std::to_string(layers.end()) + " that the configuration names"
                                : "the configuration says that " + number + " has no such tensor",
          no_position, "", name};
}

Result<void> put_in(const Place& place, const Layers& layers, std::uint32_t index, std::size_t position, const std::string& name) {
  Reading& reading = *place.reading;
  const auto [layer, expert] = place.numbers;
  if (!reading.is_in(layer))
    return fail(wrong_layer(layer, layers, name));
  if (expert != no_layer && expert >= reading.experts)
    return fail(Error{Code::malformed, "expert " + std::to_string(expert) + " is beyond the " + std::to_string(reading.experts) +
                                           " that the configuration names", no_position, "", name});
  Instance& instance = reading.instances[layer];
  instance.position = position;
  if (reading.to.empty()) {
    instance.inputs.emplace(instance.inputs.size(), index);
    return {};
  }
  const std::uint64_t per_part = reading.per_part(reading.from);
  instance.inputs[place.part * per_part + (expert == no_layer ? 0 : expert)] = index;
  return {};
}

// The first of an instance's tensors that is missing, or "".
std::string missing_of(const Reading& reading, std::uint64_t layer, const Instance& instance) {
  const std::uint64_t per_part = reading.per_part(reading.from);
  std::uint64_t k = 0;
  while (instance.inputs.contains(k))
    ++k;
  return k == reading.from.size() * per_part ? "" : expand(reading.from[k / per_part], Numbers{layer, k % per_part});
}

Error lacks(const std::string& name, const std::string& why) {
  return {Code::malformed, "the checkpoint lacks this tensor" + why, no_position, "", name};
}

// Every rule that is not optional has found its tensors in every layer that has them, an optional one in all or in none.
Result<void> check_complete(const Map& map, const Reading& reading) {
  const Rule& rule = *reading.rule;
  if (reading.from.empty() || reading.to.empty())
    return {};
  const bool is_optional = rule.optional || !reading.holds;
  if (is_optional && reading.instances.empty())
    return {};
  for (const std::uint64_t layer : reading.layers) {
    const auto found = reading.instances.find(layer);
    if (found != reading.instances.end()) {
      if (const std::string missing = missing_of(reading, layer, found->second); !missing.empty())
        return fail(lacks(missing, ", which belongs to others that it has"));
      continue;
    }
    const std::string why = is_optional ? ", which it has for other layers"
                            : rule.when == nullptr
                                ? ", which every " + map.title + " model has"
                                : ", which a " + map.title + " model with this " + base::quoted(rule.when->key) + " has";
    return fail(lacks(expand(reading.from.front(), Numbers{layer, 0}), why));
  }
  return {};
}

Error unknown_tensor(const Map& map, const Tensor& tensor) {
  return {Code::unsupported, "the map \"" + map.id + "\" has no place for this tensor; --as-is keeps every tensor under its "
                                                     "own name, --arch-map brings another map", no_position, "", tensor.name};
}

// The same for a name of another spelling: that of the names before it, or the first that a rule has.
std::vector<Place> spelled_places(const Map& map, std::uint32_t source, const std::string& name, std::vector<Reading>& readings,
                                  Mapping& mapping) {
  for (const auto& spelling : map.spellings) {
    if (!mapping.spelling.empty() && mapping.spelling != spelling->from)
      continue;
    auto read = read_spelling(*spelling, name);
    auto places = read ? places_of(readings, *read) : std::vector<Place>();
    if (places.empty())
      continue;
    mapping.spelling = spelling->from;
    mapping.respelled.push_back({source, std::move(*read)});
    return places;
  }
  return {};
}

struct Context {
  const Map& map;
  const Tensors& tensors;
  const Json& config;
  Way way;

  const Tensor& tensor(std::uint32_t index) const { return tensors.checkpoint->tensors[index]; }
  Arrangement arrangement(std::uint32_t index) const {
    return tensors.arrangements.empty() ? whole(index, tensor(index).shape) : tensors.arrangements[index];
  }
};

using Shapes = std::vector<std::vector<std::uint64_t>>;

// Shapes of the Hugging Face side, by part, then by expert; none when one of them is not said.
Result<Shapes> hugging_face_shapes(const Reading& reading, const Context& context, std::uint64_t layer) {
  const auto& patterns = context.way.is_forward() ? reading.from : reading.to;
  const std::uint64_t per_part = reading.per_part(patterns);
  Shapes shapes;
  for (std::size_t part = 0; part < patterns.size(); ++part) {
    const auto& dimensions = dimensions_of(*reading.rule, part);
    if (dimensions.empty())
      return Shapes();
    HEIRLOOM_TRY(auto shape, shape_of(dimensions, context.config, layer));
    shapes.insert(shapes.end(), per_part, shape);
  }
  return shapes;
}

// The shapes that the sources must have; none when they are not said.
Result<Shapes> source_shapes(const Reading& reading, const Context& context, const Shapes& hugging_face, const VerbFacts& facts) {
  if (context.way.is_forward() || hugging_face.empty())
    return hugging_face;
  std::vector<Arrangement> tensors;
  for (const auto& shape : hugging_face)
    tensors.push_back(whole(0, shape));
  HEIRLOOM_TRY(const auto made, do_verbs(*reading.rule, context.config, facts, std::move(tensors)));
  Shapes shapes;
  for (const Arrangement& arrangement : made)
    shapes.push_back(arrangement.shape);
  return shapes;
}

Result<void> check_sources(const Reading& reading, const Context& context, const Instance& instance, const Shapes& wanted) {
  if (!wanted.empty() && wanted.size() != instance.inputs.size())
    return fail(Code::misuse, "the map's verbs make " + std::to_string(wanted.size()) + " tensors of a rule with " +
                                  std::to_string(instance.inputs.size()));
  for (const auto& [k, index] : instance.inputs) {
    const Tensor& tensor = context.tensor(index);
    HEIRLOOM_CHECK(check_not_empty(tensor));
    if (wanted.empty())
      continue;
    const bool is_as_written = context.way.is_forward() || reading.rule->verbs.empty();
    HEIRLOOM_CHECK(check_shape(tensor, wanted[k],
                               is_as_written ? shape_text(dimensions_of(*reading.rule, k / reading.per_part(reading.from))) : ""));
  }
  return {};
}

bool is_whole_source(const Arrangement& made, const Context& context) {
  if (made.sources.size() != 1 || !context.tensors.arrangements.empty())
    return false;
  return made.is_whole(model::tensor_elements(context.tensor(made.sources.front())));
}

Result<void> add_instance(const Reading& reading, const Context& context, std::uint64_t layer, const Instance& instance, Mapping& mapping) {
  const Rule& rule = *reading.rule;
  VerbFacts facts{reading.experts, reading.from.size(), reading.to.size()};
  if (!context.way.is_forward())
    std::swap(facts.parts, facts.targets);
  HEIRLOOM_TRY(const Shapes shapes, hugging_face_shapes(reading, context, layer));
  HEIRLOOM_TRY(const Shapes wanted, source_shapes(reading, context, shapes, facts));
  HEIRLOOM_CHECK(check_sources(reading, context, instance, wanted));
  std::vector<Arrangement> inputs;
  for (const auto& [k, index] : instance.inputs)
    inputs.push_back(context.arrangement(index));
  auto made = context.way.is_forward() ? do_verbs(rule, context.config, facts, std::move(inputs))
                                       : undo_verbs(rule, context.config, facts, shapes, std::move(inputs));
  if (!made)
    return fail(std::move(made).error().at_tensor(context.tensor(instance.inputs.begin()->second).name));
  const std::uint64_t per_part = reading.per_part(reading.to);
  if (made->size() != reading.to.size() * per_part)
    return fail(Error{Code::misuse, "the map's verbs make " + std::to_string(made->size()) + " tensors of a rule with " +
                                        std::to_string(reading.to.size() * per_part), no_position, "", reading.to.front()});
  const std::string loss = loss_of(rule);
  for (std::size_t k = 0; k < made->size(); ++k) {
    Arrangement& arrangement = (*made)[k];
    if (is_whole_source(arrangement, context))
      arrangement.words.clear();
    MappedTensor tensor{expand(reading.to[k / per_part], Numbers{layer, k % per_part}), arrangement.shape, std::move(arrangement)};
    if (!context.way.is_forward())
      tensor.packed = rule.packed;
    if (!loss.empty())
      mapping.lossy.push_back({tensor.name, loss});
    mapping.tensors.push_back(std::move(tensor));
  }
  return {};
}

Result<void> drop_instance(const Reading& reading, const Context& context, const Instance& instance, Mapping& mapping) {
  const std::string& reason = reading.rule->reason;
  for (const auto& [k, index] : instance.inputs) {
    const Tensor& tensor = context.tensor(index);
    HEIRLOOM_CHECK(check_not_empty(tensor));
    if (const auto& dimensions = dimensions_of(*reading.rule, k / reading.per_part(reading.from)); !dimensions.empty()) {
      HEIRLOOM_TRY(const auto wanted, shape_of(dimensions, context.config));
      HEIRLOOM_CHECK(check_shape(tensor, wanted, shape_text(dimensions)));
    }
    const bool is_repeated = std::none_of(reading.from.begin(), reading.from.end(), [](const auto& from) { return from.ends_with("{*}"); });
    mapping.dropped.push_back({index, reason.empty() ? "computed from the configuration" : reason, is_repeated});
  }
  return {};
}

// What is made, in order: where the last source of each has come, of a group where the last of all its rules' has.
struct Turn {
  bool is_late = true;
  std::size_t position = 0;
  std::size_t rule = 0;
  std::uint64_t layer = no_layer;
  bool operator<(const Turn& other) const {
    return std::tie(is_late, position, rule, layer) < std::tie(other.is_late, other.position, other.rule, other.layer);
  }
};

std::vector<Turn> turns_of(const std::vector<Reading>& readings) {
  std::map<std::pair<std::string_view, std::uint64_t>, std::size_t> last;
  for (const Reading& reading : readings)
    for (const auto& [layer, instance] : reading.instances) {
      auto& position = last[{reading.rule->group, layer}];
      position = std::max(position, instance.position);
    }
  std::vector<Turn> turns;
  for (std::size_t rule = 0; rule < readings.size(); ++rule)
    for (const auto& [layer, instance] : readings[rule].instances) {
      const std::string& group = readings[rule].rule->group;
      turns.push_back({!readings[rule].rule->is_early, group.empty() ? instance.position : last[{group, layer}], rule, layer});
    }
  std::sort(turns.begin(), turns.end());
  return turns;
}

Result<Mapping> map_tensors(const Context& context, const std::vector<std::uint32_t>& order) {
  HEIRLOOM_TRY(const Layers layers, Layers::read(context.map, context.config));
  HEIRLOOM_CHECK(check_rope_scaling(context.config));
  HEIRLOOM_TRY(auto readings, read_rules(context.map, context.way, layers, context.config));
  Mapping mapping;
  for (std::size_t position = 0; position < order.size(); ++position) {
    const Tensor& tensor = context.tensor(order[position]);
    auto places = places_of(readings, tensor.name);
    if (places.empty() && context.way.from == Side::hugging_face)
      places = spelled_places(context.map, order[position], tensor.name, readings, mapping);
    if (places.empty())
      return fail(unknown_tensor(context.map, tensor));
    for (const Place& place : places)
      HEIRLOOM_CHECK(put_in(place, layers, order[position], position, tensor.name));
  }
  for (const Reading& reading : readings)
    HEIRLOOM_CHECK(check_complete(context.map, reading));
  for (const Turn& turn : turns_of(readings)) {
    const Reading& reading = readings[turn.rule];
    const Instance& instance = reading.instances.at(turn.layer);
    if (!reading.to.empty()) {
      HEIRLOOM_CHECK(add_instance(reading, context, turn.layer, instance, mapping));
      continue;
    }
    HEIRLOOM_CHECK(drop_instance(reading, context, instance, mapping));
  }
  return mapping;
}

std::vector<std::uint32_t> as_they_are(const Checkpoint& checkpoint) {
  std::vector<std::uint32_t> order(checkpoint.tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

}  // namespace

Result<Mapping> map_to_gguf(const Map& map, const Tensors& tensors, const std::vector<std::uint32_t>& order, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  HEIRLOOM_CHECK(check_allowed(map, config));
  HEIRLOOM_TRY(Mapping mapping, map_tensors({map, tensors, config, {Side::hugging_face, Side::gguf}}, order));
  std::vector<MappedTensor> synthesized;
  for (const auto& rule : map.tensors) {
    if (rule->synthesize.empty() || !holds(rule->when.get(), config))
      continue;
    HEIRLOOM_TRY(auto values, synthesize(*rule, config));
    const std::uint64_t count = values.size();
    synthesized.push_back({rule->gguf, {count}, {}, std::move(values)});
  }
  mapping.tensors.insert(mapping.tensors.begin(), std::make_move_iterator(synthesized.begin()),
                         std::make_move_iterator(synthesized.end()));
  return mapping;
}

Result<Mapping> map_to_hugging_face(const Map& map, const Tensors& tensors, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  return map_tensors({map, tensors, config, {Side::gguf, Side::hugging_face}}, as_they_are(*tensors.checkpoint));
}

Result<Mapping> map_from_native(const Map& map, const Tensors& tensors, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  return map_tensors({map, tensors, config, {Side::native, Side::hugging_face}}, as_they_are(*tensors.checkpoint));
}

Result<Mapping> map_to_native(const Map& map, const Tensors& tensors, const Json& said) {
  HEIRLOOM_TRY(const Json config, complete(map, said));
  return map_tensors({map, tensors, config, {Side::hugging_face, Side::native}}, as_they_are(*tensors.checkpoint));
}

}  // namespace heirloom::arch
