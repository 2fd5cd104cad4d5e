# turnhalle_library(NAME SOURCES … DEPS …): one layer of the program.
# turnhalle_test(NAME SOURCES … DEPS …): one GoogleTest program.
# Our own sources are compiled with warnings as errors; libraries' headers are SYSTEM.

function(turnhalle_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Werror)
endfunction()

function(turnhalle_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  turnhalle_warnings(${name})
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
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TURNHALLE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  gtest_discover_tests(${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 600)
endfunction()
