// Token ids and log-probabilities as one blob (store_rows.h).
//
//   blob   u8 codec (0 plain, 1 zstd) │ plain bytes, or a zstd frame of them
//   plain  u64 count │ i64 differences of observed ids
//          u64 count │ i64 differences of sampled ids
//          u64 count │ u32 bits of log-probabilities
//          i64 weight version
#include <zstd.h>

#include <bit>
#include <memory>

#include "core/check.h"
#include "core/store_rows.h"

namespace turnhalle {
namespace {

enum class Codec : std::uint8_t { plain = 0, zstd = 1 };

constexpr std::size_t kCompressBytesMin = 128;  // shorter ones do not shrink
constexpr std::size_t kPlainBytesMax = std::size_t{64} << 20;
constexpr int kLevel = 1;

void write_differences(ByteWriter& out, const std::vector<std::int32_t>& ids) {
  out.u64(ids.size());
  std::int64_t before = 0;
  for (const std::int32_t id : ids) {
    out.i64(id - before);
    before = id;
  }
}

bool read_differences(ByteReader& in, std::vector<std::int32_t>& ids) {
  const std::size_t count = in.count();
  ids.reserve(count);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t change = in.i64();
    if (change < -(std::int64_t{1} << 33) || change > (std::int64_t{1} << 33)) {
      return false;
    }
    before += change;
    if (before != static_cast<std::int32_t>(before)) {
      return false;
    }
    ids.push_back(static_cast<std::int32_t>(before));
  }
  return in.ok();
}

std::optional<ReplyTokens> read_plain(std::string_view plain) {
  ReplyTokens tokens;
  ByteReader in(plain);
  if (!read_differences(in, tokens.observed) || !read_differences(in, tokens.sampled)) {
    return std::nullopt;
  }
  const std::size_t count = in.count(4);
  tokens.logprobs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens.logprobs.push_back(std::bit_cast<float>(in.u32()));
  }
  tokens.weight_version = in.i64();
  if (!in.finished()) {
    return std::nullopt;
  }
  return tokens;
}

}  // namespace

std::string pack_tokens(const ReplyTokens& tokens) {
  std::string plain;
  ByteWriter out(plain);
  write_differences(out, tokens.observed);
  write_differences(out, tokens.sampled);
  out.u64(tokens.logprobs.size());
  for (const float value : tokens.logprobs) {
    out.u32(std::bit_cast<std::uint32_t>(value));
  }
  out.i64(tokens.weight_version);
  check(plain.size() <= kPlainBytesMax, "the tokens of a turn fit 64 MiB", plain.size());
  if (plain.size() >= kCompressBytesMin) {
    // Its tables are much larger than a turn; each thread makes them once.
    thread_local const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(
        ZSTD_createCCtx(), ZSTD_freeCCtx);
    std::string packed(1 + ZSTD_compressBound(plain.size()), '\0');
    packed[0] = static_cast<char>(Codec::zstd);
    const std::size_t size = ZSTD_compressCCtx(context.get(), packed.data() + 1,
                                               packed.size() - 1, plain.data(), plain.size(),
                                               kLevel);
    check(ZSTD_isError(size) == 0, "zstd compresses what fits its bound");
    if (size < plain.size()) {
      packed.resize(1 + size);
      return packed;
    }
  }
  return std::string(1, static_cast<char>(Codec::plain)) + plain;
}

std::optional<ReplyTokens> unpack_tokens(std::string_view data) {
  if (data.empty()) {
    return std::nullopt;
  }
  const auto codec = static_cast<Codec>(data.front());
  data.remove_prefix(1);
  if (codec == Codec::plain) {
    return read_plain(data);
  }
  if (codec != Codec::zstd) {
    return std::nullopt;
  }
  const unsigned long long size = ZSTD_getFrameContentSize(data.data(), data.size());
  if (size > kPlainBytesMax) {  // also the values for "unknown" and "not a frame"
    return std::nullopt;
  }
  std::string plain(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompress(plain.data(), plain.size(), data.data(), data.size());
  if (ZSTD_isError(got) != 0 || got != plain.size()) {
    return std::nullopt;
  }
  return read_plain(plain);
}

}  // namespace turnhalle
