// The inner loops for AVX2 and FMA: 12 sums, 2 of B and 1 of A in 16 registers.
// NOLINTBEGIN(cppcoreguidelines-macro-usage): constants for the included code.
#define TURNHALLE_LANES 8
#define TURNHALLE_ROWS 6
// NOLINTEND(cppcoreguidelines-macro-usage)
#include "kernels/vector_ops_impl.h"

namespace turnhalle::kernels {

const VectorOps& vector_ops_avx2() { return kOps; }

}  // namespace turnhalle::kernels
