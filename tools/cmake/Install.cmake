# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the commands, the library as archives with its public headers
# and package files for CMake and pkg-config, the pages, the completions, the schemas.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(CORDON_ARCHIVES cordon_sandbox cordon_policy cordon_profiles cordon_proto cordon_child)
foreach(target ${CORDON_ARCHIVES})
  string(REPLACE "cordon_" "" name ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
endforeach()
# What the headers want of a user's compiler; the tree itself is of a later standard.
target_compile_features(cordon_policy PUBLIC cxx_std_17)
install(TARGETS cordon cordon-scope cordon-setup RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${CORDON_ARCHIVES} EXPORT cordonTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Public headers: these and all that they include. The script refuses what is not for everybody.
set(CORDON_PUBLIC_HEADERS
  sandbox/api/batch.h sandbox/api/cordon.h policy/compare.h policy/explain.h policy/explain_text.h
  policy/ideal_host.h)
install(CODE "set(SOURCE_TREE \"${CMAKE_SOURCE_DIR}\")
set(BUILD_TREE \"${CMAKE_BINARY_DIR}\")
set(HEADERS \"${CORDON_PUBLIC_HEADERS}\")
set(DESTINATION \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/cordon\")")
install(SCRIPT ${CMAKE_SOURCE_DIR}/tools/cmake/install_headers.cmake)

set(cordon_package ${CMAKE_INSTALL_LIBDIR}/cmake/cordon)
install(EXPORT cordonTargets NAMESPACE cordon:: DESTINATION ${cordon_package})
configure_package_config_file(${CMAKE_SOURCE_DIR}/tools/cmake/cordonConfig.cmake.in
  ${CMAKE_BINARY_DIR}/cordonConfig.cmake INSTALL_DESTINATION ${cordon_package}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cordonConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cordonConfig.cmake ${CMAKE_BINARY_DIR}/cordonConfigVersion.cmake
  DESTINATION ${cordon_package})

set(CORDON_NEEDED protobuf absl_status absl_statusor absl_strings absl_time absl_span
  absl_flat_hash_map absl_optional libseccomp)
# Relative to the file itself, so that the tree can be moved.
file(RELATIVE_PATH CORDON_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
list(JOIN CORDON_NEEDED " " CORDON_PC_REQUIRES)
configure_file(${CMAKE_SOURCE_DIR}/tools/cmake/cordon.pc.in ${CMAKE_BINARY_DIR}/cordon.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cordon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The commands have the profiles inside: these are for reading, and for other languages.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/profiles/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/profiles
  FILES_MATCHING PATTERN "*.textproto")
install(FILES README.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/policy/proto
  DESTINATION ${CMAKE_INSTALL_DATADIR}/cordon/schema/policy FILES_MATCHING PATTERN "*.proto")
