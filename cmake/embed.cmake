# turnhalle_embed(TARGET FUNCTION FILE): the text of FILE becomes part of TARGET, as
# `std::string_view turnhalle::embedded::FUNCTION()`. Declare the function where it is used.
# Configuring again is automatic when the file changes.

function(turnhalle_embed target name file)
  file(READ "${file}" text)
  string(FIND "${text}" ")embedded\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${file} holds the mark that ends an embedded text")
  endif()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#include <string_view>

namespace turnhalle::embedded {

std::string_view @name@() {
  return R"embedded(@text@)embedded";
}

}  // namespace turnhalle::embedded
]])
  target_sources(${target} PRIVATE "${source}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
endfunction()
