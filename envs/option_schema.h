// Pieces of the JSON Schema of an environment's options; the ranges are those of its reader.
#pragma once

#include <cstdint>

#include "core/json.h"

namespace turnhalle {

Json integer_schema(std::int64_t low, std::int64_t high);
Json number_schema(double low, double high);
Json boolean_schema(bool fallback);
Json with_default(Json schema, const Json& fallback);
/// One value or [low, high], as JsonObject::integer_pair and number_pair read.
Json pair_schema(const Json& item, const Json& fallback);
/// An object of these properties, all optional, and no others.
Json options_object(Json properties);

}  // namespace turnhalle
