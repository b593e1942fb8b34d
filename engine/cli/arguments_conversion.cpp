// The commands that read checkpoints and write others.
#include "engine/cli/arguments.hpp"

namespace heirloom::cli {
namespace {

void add_recipe(CLI::App& command, ConvertOptions& options) {
  command.add_option("--quantize", options.recipe, "Recipe (heirloom recipes), a recipe file, or an encoding; default: keep each tensor's")
      ->type_name("RECIPE")
      ->check([](const std::string& text) { return std::string(text.empty() ? "the name is empty" : ""); });
  plan::RecipeOptions& changes = options.recipe_options;
  add_repeatable(command, "--tensor-type", changes.tensor_types, "Encoding of the tensors that match; the first match counts", "REGEX=ENCODING");
  command.add_option("--output-tensor-type", changes.output_tensor_type, "Encoding of the output tensor")->type_name("ENCODING");
  command.add_option("--token-embedding-type", changes.token_embedding_type, "Encoding of the token embeddings")->type_name("ENCODING");
  command.add_flag("--pure", changes.is_pure, "The recipe's encoding for every matrix, without its rules");
  command.add_flag("--leave-output-tensor", changes.leaves_output, "Do not quantize the output tensor");
  command.add_flag("--allow-requantize", changes.allow_requantize, "Quantize what is quantized already, though it loses more");
}

void add_source_options(CLI::App& command, std::vector<std::string>& texts) {
  add_repeatable(command, "--source-option", texts, "Option of the source's reader; heirloom formats lists them", "NAME=VALUE");
}

void add_convert(Program& program) {
  CLI::App& command = add_command(program, "convert", "Convert a checkpoint, and quantize it on the way",
                                  "heirloom convert OLMo-2-1B olmo-2-1b-q4_k_m.gguf --quantize Q4_K_M");
  ConvertArguments& arguments = run_with(program, command, run_convert);
  command.add_option("SRC", arguments.options.source, "Checkpoint: a file or a directory")->required();
  command.add_option("DST", arguments.options.target, "Output: x.gguf, x.safetensors, or a directory")->required();
  command.add_option("--to", arguments.options.to, "Format of the output (heirloom formats)")->type_name("FORMAT");
  command.add_option("--from", arguments.options.from, "Format of the source, where it is not plain")->type_name("FORMAT");
  add_source_options(command, arguments.options.source_options);
  add_repeatable(command, "--target-option", arguments.options.target_options, "Option of the output's writer", "NAME=VALUE");
  add_recipe(command, arguments.options);
  command.add_option("--imatrix", arguments.options.importance, "Importance matrix, as llama-imatrix writes it (GGUF or .dat)")
      ->type_name("FILE");
  add_repeatable(command, "--include-weights", arguments.options.included_importance, "Use the importance matrix for tensors whose name contains this alone", "NAME");
  add_repeatable(command, "--exclude-weights", arguments.options.excluded_importance, "Do not use it for tensors whose name contains this", "NAME");
  add_size(command, "--max-shard-size", arguments.options.max_shard_size, "Split the output into files of at most this size");
  add_work(command, arguments.threads, arguments.memory_bytes);
  command.add_flag("--verify", arguments.verify, "Read the output back and compare every tensor's SHA-256");
  command.add_flag("--stats", arguments.measures_errors, "Report what each tensor lost where its encoding changed");
  command.add_flag("--dry-run", arguments.is_dry_run, "Print the plan, write nothing");
  command.add_option("--layout", arguments.options.native_layout, "Write a lab's own layout (heirloom architectures lists them)")
      ->type_name("LAYOUT");
  command.add_option("--tokenizer", arguments.options.tokenizer, "Directory with the tokenizer's files, where the source has none")
      ->type_name("DIR");
  add_repeatable(command, "--config", arguments.options.config, "What a lab's own layout leaves unsaid in config.json's words", "KEY=VALUE");
  command.add_flag("--as-is", arguments.options.is_as_is, "Keep names and layout; use no architecture map");
  command.add_option("--pre-tokenizer", arguments.options.pre_tokenizer, "Name of the pre-tokenizer, where it is not recognised")
      ->type_name("NAME");
  command.add_flag("--allow-findings", arguments.options.allows_findings,
                   "Convert even if the source asks for code to be run; its weights alone are read");
  command.add_flag("--allow-loss", arguments.allow_loss, "Convert even if metadata is lost");
  const Choices<record::Place> places = {{"full", record::Place::full}, {"embed", record::Place::embed},
                                        {"beside", record::Place::beside}, {"none", record::Place::none}};
  add_choice(command, "--provenance", arguments.options.provenance, places,
             "Record of what was made from what: in the file and beside it (full), embed, beside or none", "WHERE");
  command.add_option("--source-repository", arguments.options.source_repository, "Where the source was taken from, for the record")->type_name("URL");
  command.add_option("--source-revision", arguments.options.source_revision, "Its revision: a commit")->type_name("COMMIT");
  command.add_flag("--value-root", arguments.options.has_value_root,
                   "Add the root of the numbers to the record: the same whatever container and width hold them; digests them once more");
  command.add_flag("--hash-files", arguments.options.hashes_files, "Add each output file's SHA-256 to the record, which reads it again");
  command.add_flag("--force", arguments.force, "Replace an existing output");
}

void add_inspect(Program& program) {
  CLI::App& command = add_command(program, "inspect", "Show what a checkpoint holds; exit 1 if it asks for code to be run",
                                  "heirloom inspect model.gguf --metadata");
  InspectArguments& arguments = run_with(program, command, run_inspect);
  command.add_option("PATH", arguments.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--from", arguments.from, "Format, where it is not plain")->type_name("FORMAT");
  add_source_options(command, arguments.source_options);
  command.add_flag("--tensors", arguments.view.has_tensors, "List every tensor");
  command.add_flag("--metadata", arguments.view.has_metadata, "List every metadata item");
  command.add_option("--html", arguments.html, "Also write the report as a page")->type_name("FILE");
}

void add_diff(Program& program) {
  CLI::App& command = add_command(program, "diff", "Compare two checkpoints, across containers and ecosystems; exit 1 if they differ",
                                  "heirloom diff OLMo-2-1B olmo-2-1b-bf16.gguf");
  DiffArguments& arguments = run_with(program, command, run_diff);
  command.add_option("A", arguments.first, "Checkpoint")->required();
  command.add_option("B", arguments.second, "Checkpoint")->required();
  add_source_options(command, arguments.source_options);
  command.add_flag("--all", arguments.shows_all, "List tensors that are the same, too");
  add_work(command, arguments.threads, arguments.memory_bytes);
}

}  // namespace

void add_conversion_commands(Program& program) {
  add_convert(program);
  add_inspect(program);
  add_diff(program);
}

}  // namespace heirloom::cli
