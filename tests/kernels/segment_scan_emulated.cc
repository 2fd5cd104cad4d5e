// The GPU source of the segment scan, compiled for the CPU.
#include "tests/kernels/cuda_on_cpu.h"
// The kernels come after what they are compiled against.
#include "kernels/segment_scan.cu"
