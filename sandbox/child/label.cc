// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/label.h"

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

struct Slice {
  const char* at;
  size_t size;
};

constexpr Slice kBetween = {"//&", 3};
constexpr Slice kEnforced = {" (enforce)", 10};
constexpr Slice kUnconfined = {"unconfined", 10};

bool IsSame(Slice left, Slice right) {
  if (left.size != right.size) return false;
  for (size_t i = 0; i < left.size; ++i) {
    if (left.at[i] != right.at[i]) return false;
  }
  return true;
}

// Takes `end` away from the end of `text`.
bool TakeEnd(Slice* text, Slice end) {
  if (text->size < end.size) return false;
  const size_t rest = text->size - end.size;
  if (!IsSame({text->at + rest, end.size}, end)) return false;
  text->size = rest;
  return true;
}

// The first part of a stack; `*stack` is then what is behind it.
Slice TakePart(Slice* stack) {
  size_t size = 0;
  while (size + kBetween.size <= stack->size &&
         !IsSame({stack->at + size, kBetween.size}, kBetween)) {
    ++size;
  }
  const bool last = size + kBetween.size > stack->size;
  const Slice part = {stack->at, last ? stack->size : size};
  const size_t taken = part.size + (last ? 0 : kBetween.size);
  *stack = {stack->at + taken, stack->size - taken};
  return part;
}

size_t CountOf(Slice stack, Slice part) {
  size_t count = 0;
  while (stack.size > 0) count += IsSame(TakePart(&stack), part) ? 1 : 0;
  return count;
}

}  // namespace

bool ShowsLabel(const char* text, const char* wanted) {
  Slice found = {text, Length(text)};
  const Slice asked = {wanted, Length(wanted)};
  (void)TakeEnd(&found, {"\n", 1});
  if (!TakeEnd(&found, kEnforced)) return false;
  for (Slice rest = asked; rest.size > 0;) {
    if (CountOf(found, TakePart(&rest)) != 1) return false;
  }
  bool unconfined = false;
  for (Slice rest = found; rest.size > 0;) {
    const Slice part = TakePart(&rest);
    if (CountOf(asked, part) == 1) continue;
    if (unconfined || !IsSame(part, kUnconfined)) return false;
    unconfined = true;
  }
  return asked.size > 0;
}

}  // namespace cordon::child
