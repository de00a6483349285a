# SPDX-License-Identifier: Apache-2.0
# cordon_library(NAME SOURCES... DEPS targets...)   a static library with the house's flags
# cordon_binary(NAME SOURCES... DEPS targets...)
# cordon_test(NAME SOURCES... DEPS targets... LABEL unit|kernel|escape)
function(cordon_common target)
  # Of the build alone: what is installed has other folders and its user's own flags.
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_include_directories(${target} SYSTEM PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:cordon_warnings>
    $<BUILD_INTERFACE:cordon_hardening> $<BUILD_INTERFACE:cordon_sanitizers>)
endfunction()

function(cordon_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  cordon_common(${name})
  cordon_use_precompiled(${name} library)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

function(cordon_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  cordon_common(${name})
  cordon_use_precompiled(${name} library)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()

# Test code runs once, and says its own lines where it fails; what it tests keeps the flags of its
# library. With lines for debuggers and watched for its own overflows, it is half of a build with
# sanitizers. AddressSanitizer stays.
set(CORDON_TEST_OPTIONS -O0 -g0)
if(CORDON_SANITIZE MATCHES undefined)
  list(APPEND CORDON_TEST_OPTIONS -fno-sanitize=undefined)
endif()

function(cordon_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(CORDON_SANITIZE)  # random rule sets took 78 s on a quiet machine
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  cordon_common(${name})
  target_compile_options(${name} PRIVATE ${CORDON_TEST_OPTIONS})
  cordon_use_precompiled(${name} test)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
