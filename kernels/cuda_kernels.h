// The kernels of kernels.h on a GPU: same formulas, same contracts, pointers to device memory.
//
// Every function queues its work on `stream` (a cudaStream_t, null for the default stream) and
// returns at once with a cudaError_t, 0 for success. Nothing is allocated: scratch memory comes
// from the caller. Indices and offsets are on the device and are not checked here. Results are
// the same in every run: sums have a fixed order and no atomics are used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace turnhalle::kernels::cuda {

/// Bytes of scratch memory that linear_log_prob_forward and _backward need for a shape: a few
/// numbers per row, and one chunk of logits (at most 16 MiB) whatever the batch.
std::int64_t linear_log_prob_workspace_bytes(std::int64_t rows, std::int64_t vocab);

int linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output,
                            void* workspace, void* stream);
int linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                             const LinearLogProbInputGradient& result, void* workspace,
                             void* stream);

int log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                 const LogProbOutput& output, void* stream);
int log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                  float* logits_to_gradient, void* stream);

/// scan.offsets and scan.mask are on the device.
int segment_scan_forward(const SegmentScan& scan, const float* x, float* y, void* stream);
int segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x, void* stream);

/// Memory that host and device reach at the same address, or null where there is no GPU. For
/// tests; programs have an allocator of their own.
void* allocate_managed(std::size_t bytes);
void free_managed(void* memory);
/// Waits for everything that was queued on any stream.
int synchronize();

}  // namespace turnhalle::kernels::cuda
