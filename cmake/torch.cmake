# LibTorch out of the PyPI wheel, as the interface target turnhalle_torch.
#
# find_package(Torch) is not used: the wheel's CMake files insist on a CUDA toolkit that this
# CMake knows. Includes and the two libraries that a program needs are named here instead.
set(TURNHALLE_TORCH_ROOT "${TURNHALLE_DEPS}/torch/torch" CACHE PATH "The torch folder of the wheel")
if(NOT EXISTS "${TURNHALLE_TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch is not at ${TURNHALLE_TORCH_ROOT}: run scripts/setup, "
                      "or configure with -DTURNHALLE_WITH_TORCH=OFF")
endif()
add_library(turnhalle_torch INTERFACE)
target_include_directories(turnhalle_torch SYSTEM INTERFACE
  "${TURNHALLE_TORCH_ROOT}/include"
  "${TURNHALLE_TORCH_ROOT}/include/torch/csrc/api/include")
target_link_directories(turnhalle_torch INTERFACE "${TURNHALLE_TORCH_ROOT}/lib")
target_link_options(turnhalle_torch INTERFACE
  "-Wl,--no-as-needed" "-Wl,-rpath,${TURNHALLE_TORCH_ROOT}/lib")
target_link_libraries(turnhalle_torch INTERFACE torch_cpu c10)
