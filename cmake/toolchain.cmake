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

# Before 2.4 mold could place the thread-local segment in the page before the one that is mapped, and
# the loader then refused the program (rui314/mold issue 1151), depending on the length of a path.
find_program(MOLD mold)
if(MOLD)
  execute_process(COMMAND ${MOLD} --version OUTPUT_VARIABLE mold_version)
  string(REGEX MATCH "[0-9]+\\.[0-9]+(\\.[0-9]+)?" mold_version "${mold_version}")
  if(mold_version VERSION_GREATER_EQUAL 2.4)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
  # Designated initialisers name the fields that matter and leave the rest to their defaults.
  -Wno-missing-field-initializers)
option(WARNINGS_ARE_ERRORS "Stop at the first warning (continuous integration)" OFF)
if(WARNINGS_ARE_ERRORS)
  target_compile_options(warnings INTERFACE -Werror)
endif()
