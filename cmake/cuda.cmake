# The CUDA kernels. nvcc is called directly, so that the compiler out of the PyPI wheel
# nvidia-cuda-nvcc does as well as a full toolkit: no GPU, no driver, no linking test.
#
# With a CUDA torch they become part of their rooms. Without, they are left out of the programs; the
# target `cuda_kernels` compiles them and their callers all the same, as `make test` does.

set(ZOETROPE_CUDA_ARCHITECTURES "" CACHE STRING
    "Compute capabilities to build kernels for, as in 89;90a. Empty: this machine's GPUs, else 90a")

set(nvidia_wheels)
if(torch_FOUND)
  file(GLOB nvidia_wheels ${ZOETROPE_TORCH}/../nvidia/cu1*)
endif()
find_program(NVCC nvcc HINTS ${nvidia_wheels} /usr/local/cuda PATH_SUFFIXES bin
             DOC "CUDA compiler" NO_CMAKE_FIND_ROOT_PATH)
# The compiler's own headers: torch brings those of the runtime, but not crt/.
if(NVCC)
  get_filename_component(nvcc_folder ${NVCC} REALPATH)
  get_filename_component(nvcc_folder ${nvcc_folder} DIRECTORY)
endif()
find_path(CUDA_INCLUDE crt/host_config.h HINTS ${nvcc_folder}/../include ${nvidia_wheels}
          /usr/local/cuda PATH_SUFFIXES include targets/x86_64-linux/include DOC "Headers of the CUDA runtime")
# The wheel names its library by version only.
find_library(CUDA_RUNTIME NAMES libcudart.so.13 cudart HINTS ${nvidia_wheels} /usr/local/cuda
             PATH_SUFFIXES lib lib64 DOC "Library of the CUDA runtime, the one that torch loads")

# The compute capabilities of the GPUs here: 8.9 is 89; that of Hopper is 90a, which has its matrix
# instructions.
function(find_architectures result)
  execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
                  OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
                  RESULT_VARIABLE status)
  if(NOT status EQUAL 0 OR NOT found MATCHES "^[0-9.\n]+$")
    set(found "9.0")
  endif()
  string(REPLACE "\n" ";" found "${found}")
  list(REMOVE_DUPLICATES found)
  list(TRANSFORM found REPLACE "[.]" "")
  list(TRANSFORM found REPLACE "^90$" "90a")
  set(${result} ${found} PARENT_SCOPE)
endfunction()

set(cuda_architectures ${ZOETROPE_CUDA_ARCHITECTURES})
if(NOT cuda_architectures)
  find_architectures(cuda_architectures)
endif()

if(NOT NVCC OR NOT CUDA_INCLUDE)
  set(cuda_report "left out, nvcc is missing; plain operations take their place")
elseif(NOT torch_has_cuda OR NOT CUDA_RUNTIME)
  set(cuda_report "left out, torch is without CUDA here; `ninja cuda_kernels` compiles them")
else()
  set(cuda_report "for ${cuda_architectures}, by ${NVCC}")
  add_library(cuda INTERFACE)
  target_include_directories(cuda SYSTEM INTERFACE ${CUDA_INCLUDE})
  target_link_libraries(cuda INTERFACE ${CUDA_RUNTIME})
endif()

# Sets objects_variable to one object file per .cu file of the room.
function(compile_cuda room objects_variable)
  file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.cu)
  set(targets)
  foreach(architecture IN LISTS cuda_architectures)
    list(APPEND targets -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  set(strict)
  if(WARNINGS_ARE_ERRORS)
    set(strict -Werror all-warnings)
  endif()
  set(objects)
  foreach(kernel IN LISTS kernels)
    get_filename_component(stem ${kernel} NAME)
    set(object ${CMAKE_BINARY_DIR}/cuda/${room}/${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${NVCC} -c ${kernel} -o ${object} -MD -MF ${object}.d
              -std=c++20 -O3 ${targets} -ccbin ${CMAKE_CXX_COMPILER}
              -Xcompiler -Wall,-Wextra,-fPIC ${strict}
              -I${PROJECT_SOURCE_DIR}/src
      DEPENDS ${kernel} DEPFILE ${object}.d
      COMMENT "Compiling the CUDA kernels of ${stem}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(${objects_variable} ${objects} PARENT_SCOPE)
endfunction()

# Adds the objects to the room's sources where they are linked. Elsewhere they and the sources called
# x_with_cuda.cpp are compiled by the target cuda_kernels and thrown away.
function(add_cuda_kernels room sources_variable)
  if(NOT NVCC OR NOT CUDA_INCLUDE)
    return()
  endif()
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/cuda/${room})
  compile_cuda(${room} objects)
  if(TARGET cuda)
    set(${sources_variable} ${${sources_variable}} ${objects} PARENT_SCOPE)
    add_custom_target(cuda_kernels DEPENDS ${objects})
    return()
  endif()
  file(GLOB callers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*_with_cuda.cpp)
  add_library(cuda_callers OBJECT EXCLUDE_FROM_ALL ${callers})
  target_include_directories(cuda_callers SYSTEM PRIVATE ${CUDA_INCLUDE})
  furnish(cuda_callers NEEDS base torch)
  add_custom_target(cuda_kernels DEPENDS ${objects} cuda_callers)
endfunction()
