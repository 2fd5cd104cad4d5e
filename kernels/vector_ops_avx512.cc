// The inner loops for AVX-512: 24 sums, 2 of B and 1 of A in 32 registers.
// NOLINTBEGIN(cppcoreguidelines-macro-usage): constants for the included code.
#define TURNHALLE_LANES 16
#define TURNHALLE_ROWS 12
// NOLINTEND(cppcoreguidelines-macro-usage)
#include "kernels/vector_ops_impl.h"

namespace turnhalle::kernels {

const VectorOps& vector_ops_avx512() { return kOps; }

}  // namespace turnhalle::kernels
