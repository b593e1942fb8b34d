#include "engine/cli/commands.hpp"

int main(int argc, char** argv) { return heirloom::cli::run_program(argc, argv); }
