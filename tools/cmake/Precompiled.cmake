# SPDX-License-Identifier: Apache-2.0
# CORDON_PCH: the headers that nearly every file reads are parsed once. Two thirds of a build are
# spent on them. Off in the release preset, which thereby proves that each file of the libraries and
# of the command includes what it uses.
#
# cordon_define_precompiled()      once, when cordon_proto is there
# cordon_use_precompiled(T KIND)   KIND: library or test, which have flags of their own
option(CORDON_PCH "Precompile the headers that nearly every file reads" OFF)

set(CORDON_PCH_HEADERS
  <algorithm> <cstdint> <map> <memory> <optional> <string> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h>
  <absl/strings/str_join.h> <absl/strings/str_split.h> <absl/strings/string_view.h>
  <google/protobuf/message.h> <policy/proto/error.pb.h> <policy/proto/plan.pb.h>
  <policy/proto/host_facts.pb.h> <policy/proto/report.pb.h> <policy/proto/job.pb.h>)

function(cordon_define_precompiled)
  if(NOT CORDON_PCH)
    return()
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "// Generated: has no code.\n")
  foreach(kind library test)
    if(kind STREQUAL "test" AND NOT TARGET GTest::gmock)
      return()  # there are no tests to build
    endif()
    set(target cordon_precompiled_${kind})
    add_library(${target} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
    cordon_common(${target})
    target_link_libraries(${target} PRIVATE cordon_proto absl::statusor absl::strings)
    target_precompile_headers(${target} PRIVATE ${CORDON_PCH_HEADERS})
    # Without this no object that used the header can be taken from ccache.
    target_compile_options(${target} PRIVATE
      $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
    # gcc takes a header only when every definition is the same, and would warn otherwise.
    set_target_properties(${target} PROPERTIES PCH_WARN_INVALID OFF)
  endforeach()
  target_link_libraries(cordon_precompiled_test PRIVATE GTest::gmock)
  target_compile_options(cordon_precompiled_test PRIVATE ${CORDON_TEST_OPTIONS})
  target_precompile_headers(cordon_precompiled_test PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

function(cordon_use_precompiled target kind)
  if(NOT TARGET cordon_precompiled_${kind})
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM cordon_precompiled_${kind})
  # A program would be compiled with -fPIE, and clang takes a header of -fPIC for that of another.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()
