// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/message_facts.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Fact Text(std::string name, std::string text) {
  return {std::move(name), "text", std::nullopt, std::move(text)};
}

std::string UnitOf(const std::string& name) {
  if (absl::EndsWith(name, "_ns")) return "ns";
  return absl::EndsWith(name, "_bytes") ? "bytes" : "count";
}

Fact Signed(std::string name, int64_t value) {
  if (value < 0) return Text(std::move(name), absl::StrCat(value));
  std::string unit = UnitOf(name);
  return {std::move(name), std::move(unit), static_cast<uint64_t>(value), ""};
}

class Collector {
 public:
  Collector(const std::set<std::string>& without, size_t most) : without_(without), most_(most) {}

  void Fields(const Message& message, const std::string& prefix) {
    const Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (prefix.empty() && without_.count(field->name()) != 0) continue;
      const std::string name = absl::StrCat(prefix, field->name());
      if (!field->is_repeated()) {
        Value(message, *field, -1, name);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        Value(message, *field, i, absl::StrCat(name, "[", i, "]"));
      }
    }
  }

  std::vector<Fact> Take() { return std::move(facts_); }
  size_t left_out() const { return left_out_; }

 private:
  void Add(Fact fact) {
    if (facts_.size() < most_) {
      facts_.push_back(std::move(fact));
    } else {
      ++left_out_;
    }
  }

  // `index` -1: a field that is not repeated.
  void Value(const Message& message, const FieldDescriptor& field, int index, std::string name) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Reflection* reflection = message.GetReflection();
      const Message& inner = index < 0 ? reflection->GetMessage(message, &field)
                                       : reflection->GetRepeatedMessage(message, &field, index);
      if (inner.GetDescriptor() == google::protobuf::Duration::descriptor()) {
        google::protobuf::Duration duration;
        duration.MergeFrom(inner);
        Fact fact = Signed(std::move(name), duration.seconds() * 1'000'000'000 + duration.nanos());
        if (fact.number.has_value()) fact.unit = "ns";
        Add(std::move(fact));
      } else {
        Fields(inner, absl::StrCat(name, "."));
      }
      return;
    }
    Add(Scalar(message, field, index, std::move(name)));
  }

  static Fact Scalar(const Message& message, const FieldDescriptor& field, int index,
                     std::string name) {
    const Reflection& from = *message.GetReflection();
    const bool one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return Signed(std::move(name), one ? from.GetInt32(message, &field)
                                           : from.GetRepeatedInt32(message, &field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return Signed(std::move(name), one ? from.GetInt64(message, &field)
                                           : from.GetRepeatedInt64(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64: {
        const bool wide = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
        const uint64_t value = wide  ? one ? from.GetUInt64(message, &field)
                                           : from.GetRepeatedUInt64(message, &field, index)
                                : one ? from.GetUInt32(message, &field)
                                     : from.GetRepeatedUInt32(message, &field, index);
        std::string unit = UnitOf(field.name());
        return {std::move(name), std::move(unit), value, ""};
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        return Text(std::move(name), (one ? from.GetBool(message, &field)
                                          : from.GetRepeatedBool(message, &field, index))
                                         ? "true"
                                         : "false");
      case FieldDescriptor::CPPTYPE_ENUM:
        return Text(std::move(name), (one ? from.GetEnum(message, &field)
                                          : from.GetRepeatedEnum(message, &field, index))
                                         ->name());
      case FieldDescriptor::CPPTYPE_STRING:
        return Text(std::move(name), one ? from.GetString(message, &field)
                                         : from.GetRepeatedString(message, &field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Text(std::move(name),
                    absl::StrCat(one ? from.GetDouble(message, &field)
                                     : from.GetRepeatedDouble(message, &field, index)));
      default:
        return Text(std::move(name),
                    absl::StrCat(one ? from.GetFloat(message, &field)
                                     : from.GetRepeatedFloat(message, &field, index)));
    }
  }

  const std::set<std::string>& without_;
  size_t most_;
  size_t left_out_ = 0;
  std::vector<Fact> facts_;
};

}  // namespace

std::vector<Fact> FactsOf(const Message& message, const std::set<std::string>& without, size_t most,
                          size_t* left_out) {
  Collector collector(without, most);
  collector.Fields(message, "");
  *left_out = collector.left_out();
  return collector.Take();
}

Fact LimitFact(const std::string& name, const std::string& value) {
  const bool time = absl::EndsWith(name, "_time");
  const absl::StatusOr<uint64_t> number = time ? ParseDuration(value) : ParseSize(value);
  if (!number.ok()) return Text(name, value);
  return {name, time ? "ns" : "bytes", *number, ""};
}

}  // namespace cordon
