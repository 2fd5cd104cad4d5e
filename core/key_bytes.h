// Keys inside snapshots: 16 bytes each.
#pragma once

#include "core/bytes.h"
#include "core/rng.h"

namespace turnhalle {

inline void write_key(ByteWriter& out, RandomKey key) {
  out.u64(key.high);
  out.u64(key.low);
}

inline RandomKey read_key(ByteReader& in) {
  RandomKey key;
  key.high = in.u64();
  key.low = in.u64();
  return key;
}

}  // namespace turnhalle
