# SPDX-License-Identifier: Apache-2.0
# One list of warnings for every target that is ours.
add_library(cordon_warnings INTERFACE)
# g++ 12 takes `text = "2"` for a copy of a string over itself (GCC bug 105651).
set(gcc12 $<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>)
target_compile_options(cordon_warnings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<${gcc12}:-Wno-restrict>
  $<$<BOOL:${CORDON_WERROR}>:-Werror>)
# Hardening that costs nothing that matters here; -O is the build type's business.
add_library(cordon_hardening INTERFACE)
target_compile_options(cordon_hardening INTERFACE -fstack-protector-strong -fno-exceptions)
target_compile_definitions(cordon_hardening INTERFACE
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_link_options(cordon_hardening INTERFACE -Wl,-z,relro,-z,now)
