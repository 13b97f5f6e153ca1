# LibTorch out of the PyPI wheel. find_package(Torch) leaks flags and wants a CUDA toolkit, so the
# wheel's include/ and lib/ are named directly.
#
# ZOETROPE_TORCH names the `torch` package folder. Without it the project's own .venv is tried, then
# the torch of the python3 on PATH.

set(ZOETROPE_TORCH "" CACHE PATH "Folder of the installed torch package (site-packages/torch)")
if(NOT ZOETROPE_TORCH)
  file(GLOB torch_in_venv ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  if(torch_in_venv)
    list(GET torch_in_venv 0 ZOETROPE_TORCH)
  else()
    execute_process(
      COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
      OUTPUT_VARIABLE ZOETROPE_TORCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

if(EXISTS ${ZOETROPE_TORCH}/lib/libtorch_cpu.so)
  set(torch_FOUND TRUE)
  add_library(torch INTERFACE)
  target_include_directories(torch SYSTEM INTERFACE
    ${ZOETROPE_TORCH}/include ${ZOETROPE_TORCH}/include/torch/csrc/api/include)
  target_compile_definitions(torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  file(GLOB nvidia_libraries ${ZOETROPE_TORCH}/../nvidia/*/lib)
  # libtorch_cuda registers its kernels when it is loaded, so it must be linked although no symbol
  # of it is used. A CPU-only set-up lacks its dependencies (cuDNN, cuBLAS) and leaves it out.
  set(torch_libraries torch_cpu c10)
  file(GLOB cudnn ${ZOETROPE_TORCH}/../nvidia/*/lib/libcudnn.so*)
  if(cudnn AND EXISTS ${ZOETROPE_TORCH}/lib/libtorch_cuda.so)
    set(torch_has_cuda TRUE)
    # cuDNN compiles its attention when it is first used, by NVRTC, which opens its own parts by bare
    # name. They are found through the program's path only if that is of the old kind, which holds
    # for the libraries of its libraries too.
    target_link_options(torch INTERFACE -Wl,--disable-new-dtags)
    list(APPEND torch_libraries torch_cuda c10_cuda)
    target_compile_definitions(torch INTERFACE ZOETROPE_WITH_CUDA)
  endif()
  list(TRANSFORM torch_libraries PREPEND -l)
  target_link_options(torch INTERFACE
    -L${ZOETROPE_TORCH}/lib -Wl,--no-as-needed ${torch_libraries} -Wl,--as-needed
    -Wl,-rpath,${ZOETROPE_TORCH}/lib)
  foreach(folder IN LISTS nvidia_libraries)
    target_link_options(torch INTERFACE -Wl,-rpath,${folder} -Wl,-rpath-link,${folder})
  endforeach()
endif()

# One precompiled header for every room that sees torch.
if(torch_FOUND)
  add_library(torch_pch STATIC ${PROJECT_SOURCE_DIR}/src/torch_pch.cpp)
  target_include_directories(torch_pch PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(torch_pch PUBLIC torch warnings)
  target_precompile_headers(torch_pch PRIVATE ${PROJECT_SOURCE_DIR}/src/torch_pch.h)
endif()
