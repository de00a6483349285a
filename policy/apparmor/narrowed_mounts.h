// SPDX-License-Identifier: Apache-2.0
// The rules of landlock.file as mounts: a path that is allowed less than its mount (or, below such
// a path, as much again) becomes an entry of its own. What makes rules of a mount plan then makes
// them of file rules too.
#ifndef CORDON_POLICY_APPARMOR_NARROWED_MOUNTS_H_
#define CORDON_POLICY_APPARMOR_NARROWED_MOUNTS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include "policy/proto/plan.pb.h"

namespace cordon {

// `files` are sorted by path. One that lies in no bind and no tmpfs of the plan, or in one that is
// sealed, changes nothing: the compiler of layer landlock refuses it.
v1::MountPlan NarrowedMounts(const v1::MountPlan& plan,
                             const google::protobuf::RepeatedPtrField<v1::FileRule>& files);

}  // namespace cordon

#endif  // CORDON_POLICY_APPARMOR_NARROWED_MOUNTS_H_
