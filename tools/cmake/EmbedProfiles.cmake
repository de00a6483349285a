# SPDX-License-Identifier: Apache-2.0
# cordon_embed_profiles(TARGET): a library with every profiles/*/*.textproto as a string, so that
# the command needs no file at run time. Declared in profiles/embedded.h.
function(cordon_embed_profiles target)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/profiles/*/*.textproto)
  set(out ${CMAKE_BINARY_DIR}/profiles/embedded.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${CMAKE_SOURCE_DIR}/profiles "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/embed_profiles_script.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/tools/cmake/embed_profiles_script.cmake
    VERBATIM)
  cordon_library(${target} SOURCES ${out} DEPS absl::strings)
endfunction()
