# Build type, compiler cache, linker and warnings.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_program(CCACHE ccache)
if(CCACHE)
  # ccache may reuse a precompiled header only when told that its timestamps do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  add_compile_options(-fpch-preprocess)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
  # Designated initialisers name the fields that matter and leave the rest to their defaults.
  -Wno-missing-field-initializers)
option(WARNINGS_ARE_ERRORS "Stop at the first warning (continuous integration)" OFF)
if(WARNINGS_ARE_ERRORS)
  target_compile_options(warnings INTERFACE -Werror)
endif()
