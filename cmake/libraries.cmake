# What is on this machine. Each library becomes a target of the name used in the room list and a
# variable NAME_FOUND; a room whose library is absent is left out and report_rooms() says so.

find_package(Threads REQUIRED)

# json: nlohmann 3.11, header only; ZOETROPE_JSON names a folder holding nlohmann/json.hpp.
set(ZOETROPE_JSON "" CACHE PATH "Folder that holds nlohmann/json.hpp, where it is not installed")
find_path(json_include nlohmann/json.hpp HINTS ${ZOETROPE_JSON} ${PROJECT_SOURCE_DIR}/.deps/include)
if(NOT json_include)
  message(FATAL_ERROR "nlohmann/json.hpp is missing: apt-get install nlohmann-json3-dev, "
                      "or name its folder with -DZOETROPE_JSON=…")
endif()
set(json_FOUND TRUE)
add_library(json INTERFACE)
target_include_directories(json SYSTEM INTERFACE ${json_include})

option(ZOETROPE_CORE_ONLY "Leave out what needs more than CMake, Ninja, g++, torch, JSON and nvcc" OFF)

function(find_system_library name header)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  find_path(${name}_include ${header})
  set(found ${${name}_include})
  set(paths)
  foreach(library IN LISTS ARG_LIBRARIES)
    find_library(${library}_library ${library})
    list(APPEND paths ${${library}_library})
    if(NOT ${library}_library)
      set(found FALSE)
    endif()
  endforeach()
  if(found)
    set(${name}_FOUND TRUE PARENT_SCOPE)
    add_library(${name} INTERFACE)
    target_include_directories(${name} SYSTEM INTERFACE ${${name}_include})
    target_link_libraries(${name} INTERFACE ${paths})
  endif()
endfunction()

if(NOT ZOETROPE_CORE_ONLY)
  find_system_library(ffmpeg libavformat/avformat.h LIBRARIES avformat avcodec swscale avutil)
  find_system_library(utf8proc utf8proc.h LIBRARIES utf8proc)
  find_system_library(sentencepiece sentencepiece_processor.h LIBRARIES sentencepiece)
  find_package(GTest QUIET)
endif()

include(torch)
include(cuda)
