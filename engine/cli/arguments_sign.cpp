// The commands about keys and signatures.
#include "engine/cli/arguments.hpp"
#include "engine/cli/sign.hpp"

namespace heirloom::cli {
namespace {

using Paths = std::vector<std::filesystem::path>;

CLI::Option* add_files(CLI::App& command, const std::string& name, Paths& files, const std::string& help) {
  return command.add_option(name, files, help + " (repeatable)")->type_name("FILE")->allow_extra_args(false);
}

void add_password(CLI::App& command, std::filesystem::path& file) {
  command.add_option("--password-file", file, std::string("File whose first line is the private key's password; default: the environment's ") + password_variable)
      ->type_name("FILE");
}

void add_threads(CLI::App& command, std::size_t& threads) {
  command.add_option("--threads", threads, "Threads; default: all cores")->check(CLI::Range(1, 1024).description(""))->type_name("N");
}

void add_keygen(Program& program) {
  CLI::App& command = add_command(program, "keygen", "Make a key pair to sign with", "heirloom keygen release.key");
  KeygenArguments& arguments = run_with(program, command, run_keygen);
  command.add_option("KEY", arguments.key, "File for the private key; the public key goes to KEY.pub")->required();
  Choices<provenance::Curve> curves;
  for (const provenance::Curve curve : provenance::curves)
    curves.emplace_back(provenance::name_of(curve), curve);
  add_choice(command, "--curve", arguments.curve, curves, "P-256 (default, read everywhere), P-384 or P-521", "CURVE");
  add_password(command, arguments.password_file);
}

void add_sign(Program& program) {
  CLI::App& command = add_command(program, "sign", "Sign all files of a directory (OpenSSF Model Signing), or the events of its record",
                                  "heirloom sign OLMo-2-1B --key release.key");
  SignArguments& arguments = run_with(program, command, run_sign);
  command.add_option("PATH", arguments.path, "Directory; a checkpoint with --events")->required();
  command.add_option("--key", arguments.options.key.key, "Private key (heirloom keygen)")->type_name("FILE")->required();
  add_password(command, arguments.password_file);
  auto* events = command.add_flag("--events", arguments.is_events, "Sign the lines of the event log instead that nobody has signed");
  command.add_flag("--countersign", arguments.countersigns, "Also the lines that others have signed")->needs(events);
  auto* certificate = add_files(command, "--certificate", arguments.certificate, "Certificate of the key")->expected(1)->excludes(events);
  add_files(command, "--chain", arguments.chain, "Certificate that issued the one before")->needs(certificate);
  command.add_option("--signature", arguments.options.signature, "Where the signature goes; default: PATH/model.sig")
      ->type_name("FILE")
      ->excludes(events);
  add_repeatable(command, "--ignore-paths", arguments.options.ignored, "File or directory in PATH that stays out of the signature", "NAME")
      ->excludes(events);
  add_threads(command, arguments.options.threads);
  command.add_flag("--force", arguments.options.force, "Replace a signature")->excludes(events);
}

void add_verify_signature(Program& program) {
  CLI::App& command = add_command(program, "verify-signature", "Check a signature, and that every file is as it was signed; exit 1 if not",
                                  "heirloom verify-signature OLMo-2-1B --key release.key.pub");
  VerifySignatureArguments& arguments = run_with(program, command, run_verify_signature);
  command.add_option("PATH", arguments.options.path, "Directory; a checkpoint with --events")->required();
  auto* signature =
      command.add_option("--signature", arguments.options.signature, "The signature; default: model.sig in PATH")->type_name("FILE");
  add_files(command, "--key", arguments.trust.keys, "Trust this public key");
  add_files(command, "--ca", arguments.trust.authorities, "Trust these certificate authorities");
  command.add_option("--trust", arguments.trust.file, "Trust the keys and authorities in this file (heirloom trust)")->type_name("FILE");
  command.add_option("--at", arguments.at, "Time at which certificates have to be valid; default: now")->type_name("TIME");
  command.add_flag("--events", arguments.is_events, "The signatures of the event log instead")->excludes(signature);
  add_threads(command, arguments.options.threads);
}

void add_trust(Program& program) {
  CLI::App& command = add_command(program, "trust", "Show a trust file, or add a key or an authority to it",
                                  "heirloom trust trust.json --key release.key.pub --name \"AI2 releases\"");
  TrustArguments& arguments = run_with(program, command, run_trust);
  command.add_option("FILE", arguments.file, "Trust file; made when it is not there and something is added")->required();
  auto* key = command.add_option("--key", arguments.entry.key, "Add this public key")->type_name("FILE");
  command.add_option("--ca", arguments.entry.authority, "Add these certificate authorities")->type_name("FILE")->excludes(key);
  command.add_option("--name", arguments.entry.name, "Your word for it; default: the file's name")->type_name("NAME");
  add_repeatable(command, "--builder", arguments.entry.builders, "Builder that it may vouch for; default: the local one", "ID");
}

}  // namespace

void add_signing_commands(Program& program) {
  add_keygen(program);
  add_sign(program);
  add_verify_signature(program);
  add_trust(program);
}

}  // namespace heirloom::cli
