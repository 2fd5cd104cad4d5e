// The inner loops for any x86-64 processor, and any other.
// NOLINTBEGIN(cppcoreguidelines-macro-usage): constants for the included code.
#define TURNHALLE_LANES 4
#define TURNHALLE_ROWS 4
// NOLINTEND(cppcoreguidelines-macro-usage)
#include "kernels/vector_ops_impl.h"

namespace turnhalle::kernels {

const VectorOps& vector_ops_baseline() { return kOps; }

}  // namespace turnhalle::kernels
