#include "core/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace turnhalle {
namespace {

// Vectors of FIPS 180-4 and NIST's example values.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  Sha256 digest;
  digest.update("a").update("").update("bc");
  EXPECT_EQ(digest.hexdigest(), sha256_hex("abc"));
}

TEST(Sha256, AskingDoesNotEndAndCopiesGoTheirOwnWay) {
  Sha256 digest;
  digest.update("ab");
  EXPECT_EQ(digest.hexdigest(), sha256_hex("ab"));
  Sha256 copy = digest;
  copy.update("x");
  digest.update("c");
  EXPECT_EQ(digest.hexdigest(), sha256_hex("abc"));
  EXPECT_EQ(copy.hexdigest(), sha256_hex("abx"));
  EXPECT_EQ(digest.finish()[0], 0xBA);
  copy = digest;
  EXPECT_EQ(copy.finish(), digest.finish());
}

}  // namespace
}  // namespace turnhalle
