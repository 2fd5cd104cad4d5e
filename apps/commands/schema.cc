// turnhalle schema: the JSON Schema of a kind of file, or the SQL of the store.
#include <iostream>
#include <memory>

#include "agents/users/persona.h"
#include "apps/commands/commands.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "core/scenario.h"
#include "core/store_reader.h"
#include "envs/all.h"
#include "trainers/algo/recipe.h"
#include "trainers/experiment.h"

namespace turnhalle::app {
namespace {

struct SchemaOptions {
  std::string what;
  OutputOptions output;
};

void print_schema(const SchemaOptions& options, const Json& schema) {
  if (options.output.json) {
    print_json(schema);
  } else {
    std::cout << schema.dump(2) << "\n" << std::flush;
  }
}

CommandResult print_schema(const SchemaOptions& options) {
  if (options.what == "scenario") {
    print_schema(options, scenario_schema(all_environments()));
  } else if (options.what == "recipe") {
    print_schema(options, algo::recipe_schema());
  } else if (options.what == "experiment") {
    print_schema(options, experiment_schema());
  } else if (options.what == "user") {
    print_schema(options, users::persona_schema());
  } else if (options.output.json) {
    print_json({{"sql", store_schema_sql()}});
  } else {
    std::cout << store_schema_sql() << std::flush;
  }
  return 0;
}

}  // namespace

void add_schema(CommandLine& line) {
  const auto options = std::make_shared<SchemaOptions>();
  Arguments schema = line.command("schema", "Prints the schema of files and of the store");
  schema.choice("WHAT", options->what, {"scenario", "recipe", "experiment", "user", "store"},
                "JSON Schema (2020-12), or SQL, of");
  add_output_options(schema, options->output);
  schema.action([options] { return print_schema(*options); });
}

}  // namespace turnhalle::app
