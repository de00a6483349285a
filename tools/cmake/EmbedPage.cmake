# SPDX-License-Identifier: Apache-2.0
# cordon_embed_page(OUT FOLDER): OUT names a C++ file that holds the scripts and the style sheet of
# a page, joined in the order of their names. Declared in policy/batch/html_page.h.
function(cordon_embed_page out folder)
  file(GLOB scripts CONFIGURE_DEPENDS ${folder}/*.js)
  file(GLOB styles CONFIGURE_DEPENDS ${folder}/*.css)
  set(script ${CMAKE_SOURCE_DIR}/tools/cmake/embed_page_script.cmake)
  set(file ${CMAKE_BINARY_DIR}/policy/batch/html_page.cc)
  add_custom_command(
    OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -DOUT=${file} "-DSCRIPTS=${scripts}" "-DSTYLES=${styles}" -P ${script}
    DEPENDS ${scripts} ${styles} ${script}
    VERBATIM)
  set(${out} ${file} PARENT_SCOPE)
endfunction()
