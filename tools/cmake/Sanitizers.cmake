# SPDX-License-Identifier: Apache-2.0
# CORDON_SANITIZE=address,undefined or thread. The child archive never links this: its code runs
# after clone3, where a sanitizer's runtime has no place.
add_library(cordon_sanitizers INTERFACE)
if(CORDON_SANITIZE)
  target_compile_options(cordon_sanitizers INTERFACE
    -fsanitize=${CORDON_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cordon_sanitizers INTERFACE -fsanitize=${CORDON_SANITIZE})
endif()
if(CORDON_COVERAGE)
  target_compile_options(cordon_sanitizers INTERFACE --coverage)
  target_link_options(cordon_sanitizers INTERFACE --coverage)
endif()
if(CORDON_FUZZERS)
  target_compile_options(cordon_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
