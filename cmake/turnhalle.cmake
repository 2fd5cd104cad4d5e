# turnhalle_library(NAME SOURCES … DEPS …): one layer of the program.
# turnhalle_test(NAME SOURCES … DEPS …): one GoogleTest program.
# Our own sources are compiled with warnings as errors; libraries' headers are SYSTEM.

function(turnhalle_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Werror)
endfunction()

# Sources that are compiled together parse the headers once: a cold build takes a third of the
# time. What unnamed namespaces define must therefore be unique within a target and namespace.
# Sources with compile options of their own stay alone.
function(turnhalle_unity target)
  if(TURNHALLE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # It takes what is local to an included source for something that others include as well.
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

function(turnhalle_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  turnhalle_warnings(${name})
  turnhalle_unity(${name})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_include_directories(${name} SYSTEM PUBLIC "${BOOST_INCLUDE}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

function(turnhalle_test name)
  if(NOT TURNHALLE_WITH_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  turnhalle_warnings(${name})
  turnhalle_unity(${name})
  # What is tested stands in the libraries and is optimised; this halves the compiling of tests.
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TURNHALLE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  gtest_discover_tests(${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 600)
endfunction()
