// View: a checkpoint as the planner sees it: tensors under the names and in the shapes of the Hugging Face layout (or under
// their own, where no layout is known), each with the arrangement that makes it from the tensors that the source really
// has, and the files beside them. A checkpoint of another layout gets a view through a layout's map; every plan is made
// from a view, so that two maps work one after the other without a file between.
#pragma once

#include "engine/arch/arrangement.hpp"
#include "engine/arch/tensors.hpp"
#include "engine/plan/package.hpp"
#include "engine/plan/plan.hpp"

#include <string>
#include <vector>

namespace heirloom::plan {

struct View {
  // Files, encodings, attrs are the source's, tensors the view's. A tensor's encoding is its source_encoding(); one that
  // is not a whole source has no extents.
  Checkpoint checkpoint;
  std::vector<arch::Arrangement> arrangements;  // parallel to checkpoint.tensors, over the source's tensors
  Package package;
  std::string layout = {};                      // id of the layout's map; "" for the source as it is
  std::vector<Disposition> dispositions = {};   // what making the view made of the source's items
  std::vector<Dropped> dropped = {};            // the source's tensors that it leaves out
  std::string tokenizer_hint = {};              // what to do where the package has no tokenizer

  arch::Tensors tensors() const { return {&checkpoint, arrangements}; }
};

struct ViewOptions {
  model::Json::Object config = {};              // keys of config.json that the user says (--config)
};

// The view that a known layout gives, else the source as it is.
Result<View> make_view(const model::Source& source, Package package, const ViewOptions& options = {});
View identity_view(const model::Source& source, Package package);

// The source's tensors that an arrangement is made of, as left out.
void drop_sources(const Checkpoint& source, const arch::Arrangement& arrangement, const std::string& reason, std::vector<Dropped>& dropped);

// What the bytes of an arrangement are once they are gathered: the encoding that all its sources share, or "f32" where
// they differ, values change or blocks would be cut. Unsupported where that cannot be; errors name the encodings.
Result<std::string> source_encoding(const Checkpoint& source, const arch::Arrangement& arrangement);

}  // namespace heirloom::plan
