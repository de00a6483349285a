// SPDX-License-Identifier: Apache-2.0
// Bytes of a fuzzer as decisions. When they run out, every decision is 0.
#ifndef CORDON_FUZZ_BYTE_SOURCE_H_
#define CORDON_FUZZ_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>

namespace cordon::fuzz {

class ByteSource {
 public:
  ByteSource(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint32_t Below(uint32_t limit) { return Byte() % limit; }
  // Values at which comparisons change their mind, or any other.
  uint64_t Value() {
    static constexpr uint64_t kPool[] = {
        0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, UINT64_MAX, uint64_t{1} << 63};
    const uint32_t which = Below(12);
    if (which < 10) return kPool[which];
    uint64_t value = 0;
    for (uint32_t i = which == 10 ? 2 : 8; i > 0; --i) value = value << 8 | Byte();
    return value;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace cordon::fuzz

#endif  // CORDON_FUZZ_BYTE_SOURCE_H_
