// The GPU source of the log-probabilities, compiled for the CPU.
#include "tests/kernels/cuda_on_cpu.h"
// The kernels come after what they are compiled against.
#include "kernels/log_prob.cu"
