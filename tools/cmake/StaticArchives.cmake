# SPDX-License-Identifier: Apache-2.0
# cordon_use_static_archives(): imported libraries that Debian ships as archives too are linked from
# those. A command that runs for milliseconds must not spend three of them in the dynamic linker.
function(cordon_use_static_archives)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  # pkg-config's targets name the library in their interface.
  get_target_property(libraries PkgConfig::SECCOMP INTERFACE_LINK_LIBRARIES)
  string(REGEX REPLACE "libseccomp\\.so$" "libseccomp.a" libraries "${libraries}")
  set_target_properties(PkgConfig::SECCOMP PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
  foreach(target ${targets})
    if(NOT target MATCHES "^(absl::|protobuf::libprotobuf$)")
      continue()
    endif()
    foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE
            IMPORTED_LOCATION_DEBUG)
      get_target_property(location ${target} ${property})
      if(NOT location)
        continue()
      endif()
      string(REGEX REPLACE "\\.so(\\.[0-9.]+)?$" ".a" archive "${location}")
      if(EXISTS "${archive}")
        set_target_properties(${target} PROPERTIES ${property} "${archive}")
      endif()
    endforeach()
  endforeach()
endfunction()
