// SPDX-License-Identifier: Apache-2.0
// ErrorDetail payloads of absl::Status, and the one line that people read. A status holds one
// ErrorDetail, or an ErrorList when several errors were found at once. Pure: names and texts of
// errno come from the C library's untranslated tables.
#include "policy/base/status.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

constexpr absl::string_view kDetailUrl = "type.googleapis.com/cordon.v1.ErrorDetail";
constexpr absl::string_view kListUrl = "type.googleapis.com/cordon.v1.ErrorList";
constexpr int kLargestErrno = 133;  // EHWPOISON, the last one that Linux gives to user space

struct ErrnoAlias {
  absl::string_view name;
  int value;
};

// Second names of one number: the C library's table holds only one of each pair.
constexpr ErrnoAlias kErrnoAliases[] = {
    {"EWOULDBLOCK", EWOULDBLOCK},
    {"EDEADLOCK", EDEADLOCK},
    {"ENOTSUP", ENOTSUP},
    {"EOPNOTSUPP", EOPNOTSUPP},
};

std::string Serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  message.SerializeToString(&bytes);
  return bytes;
}

void AppendOctal(unsigned char byte, std::string* out) {
  out->push_back('\\');
  out->push_back(static_cast<char>('0' + (byte >> 6)));
  out->push_back(static_cast<char>('0' + ((byte >> 3) & 7)));
  out->push_back(static_cast<char>('0' + (byte & 7)));
}

enum class Quotes { kKeep, kEscape };

// Three octal digits rather than hex: a hex escape would swallow digits that follow it.
std::string Escape(absl::string_view text, Quotes quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8(text, i);
    const size_t length = c.length == 0 ? 1 : c.length;
    if (c.length != 0 && c.code == '\n') {
      out += "\\n";
    } else if (c.length != 0 && c.code == '\t') {
      out += "\\t";
    } else if (c.length == 0 || IsControl(c.code) || IsDeceptive(c.code)) {
      for (const char byte : text.substr(i, length)) {
        AppendOctal(static_cast<unsigned char>(byte), &out);
      }
    } else {
      if (quotes == Quotes::kEscape && (c.code == '"' || c.code == '\\')) out.push_back('\\');
      out.append(text.data() + i, length);
    }
    i += length;
  }
  return out;
}

// A path of a host or a message of a library may hold any bytes, but a proto string is UTF-8: one
// invalid byte would make protobuf print to stderr and lose the whole payload.
void MakeValid(std::string* text) {
  if (FindInvalidUtf8(*text) != absl::string_view::npos) *text = Escape(*text, Quotes::kKeep);
}

v1::ErrorDetail Valid(v1::ErrorDetail detail) {
  for (std::string* text :
       {detail.mutable_stage(), detail.mutable_layer(), detail.mutable_policy_field(),
        detail.mutable_source(), detail.mutable_step(), detail.mutable_syscall(),
        detail.mutable_object(), detail.mutable_errno_name(), detail.mutable_hint(),
        detail.mutable_message()}) {
    MakeValid(text);
  }
  return detail;
}

template <typename Change>
absl::Status WithEach(const absl::Status& status, Change change) {
  if (status.ok()) return status;
  std::vector<v1::ErrorDetail> details = DetailsOf(status);
  for (v1::ErrorDetail& detail : details) change(&detail);
  return ErrorFromDetails(status.code(), details);
}

}  // namespace

Error::Error(absl::StatusCode code, absl::string_view message) : code_(code) {
  detail_.set_message(std::string(message));
  detail_.set_step_index(-1);
}

Error& Error::Stage(absl::string_view value) {
  detail_.set_stage(std::string(value));
  return *this;
}

Error& Error::Layer(absl::string_view value) {
  detail_.set_layer(std::string(value));
  return *this;
}

Error& Error::Field(absl::string_view value) {
  detail_.set_policy_field(std::string(value));
  return *this;
}

Error& Error::Source(absl::string_view value) {
  detail_.set_source(std::string(value));
  return *this;
}

Error& Error::StepAt(int index, absl::string_view name) {
  detail_.set_step_index(index);
  detail_.set_step(std::string(name));
  return *this;
}

Error& Error::Syscall(absl::string_view call, absl::string_view object, int errno_value) {
  detail_.set_syscall(std::string(call));
  detail_.set_object(std::string(object));
  detail_.set_errno_value(errno_value);
  detail_.set_errno_name(ErrnoName(errno_value));
  return *this;
}

Error& Error::Hint(absl::string_view value) {
  detail_.set_hint(std::string(value));
  return *this;
}

Error::operator absl::Status() const { return ErrorFromDetails(code_, {detail_}); }

std::vector<v1::ErrorDetail> DetailsOf(const absl::Status& status) {
  if (status.ok()) return {};
  if (const absl::optional<absl::Cord> bytes = status.GetPayload(kListUrl)) {
    v1::ErrorList list;
    if (list.ParseFromString(std::string(*bytes)) && list.error_size() > 0) {
      return {list.error().begin(), list.error().end()};
    }
  }
  v1::ErrorDetail detail;
  if (const absl::optional<absl::Cord> bytes = status.GetPayload(kDetailUrl)) {
    if (detail.ParseFromString(std::string(*bytes))) return {detail};
    detail.Clear();
  }
  detail.set_message(std::string(status.message()));
  detail.set_step_index(-1);
  return {Valid(std::move(detail))};
}

absl::Status ErrorFromDetails(absl::StatusCode code, const std::vector<v1::ErrorDetail>& details) {
  // An error without a detail is a bug of the caller; saying so beats returning OK.
  if (details.empty()) return absl::InternalError("an error was reported without a detail");
  absl::Status status(code, details.front().message());
  if (details.size() == 1) {
    status.SetPayload(kDetailUrl, absl::Cord(Serialize(Valid(details.front()))));
    return status;
  }
  v1::ErrorList list;
  for (const v1::ErrorDetail& detail : details) *list.add_error() = Valid(detail);
  status.SetPayload(kListUrl, absl::Cord(Serialize(list)));
  return status;
}

absl::Status WithStage(const absl::Status& status, absl::string_view stage) {
  return WithEach(status, [stage](v1::ErrorDetail* detail) {
    if (detail->stage().empty()) detail->set_stage(std::string(stage));
  });
}

absl::Status WithLayer(const absl::Status& status, absl::string_view layer) {
  return WithEach(status, [layer](v1::ErrorDetail* detail) {
    if (detail->layer().empty()) detail->set_layer(std::string(layer));
  });
}

absl::Status WithStep(const absl::Status& status, absl::string_view step) {
  return WithEach(status, [step](v1::ErrorDetail* detail) {
    if (detail->step().empty()) detail->set_step(std::string(step));
  });
}

absl::Status WithSource(const absl::Status& status, absl::string_view source) {
  return WithEach(status, [source](v1::ErrorDetail* detail) {
    if (detail->source().empty()) detail->set_source(std::string(source));
  });
}

std::string RenderError(const v1::ErrorDetail& detail) {
  std::string out;
  if (!detail.policy_field().empty() && !detail.source().empty()) {
    out = absl::StrCat(detail.policy_field(), " (", detail.source(), "): ");
  } else if (!detail.policy_field().empty() || !detail.source().empty()) {
    out = absl::StrCat(detail.policy_field(), detail.source(), ": ");
  }
  out = Escape(out, Quotes::kKeep);
  if (!detail.step().empty()) {
    if (detail.step_index() >= 0) absl::StrAppend(&out, "step ", detail.step_index(), " ");
    absl::StrAppend(&out, Escape(detail.step(), Quotes::kKeep), ": ");
  }
  if (!detail.syscall().empty()) {
    absl::StrAppend(&out, Escape(detail.syscall(), Quotes::kKeep));
    if (!detail.object().empty()) {
      absl::StrAppend(&out, "(\"", Escape(detail.object(), Quotes::kEscape), "\")");
    }
    out += ": ";
  }
  if (detail.errno_value() != 0) {
    out += ErrnoName(detail.errno_value());
    const char* text = strerrordesc_np(detail.errno_value());
    if (text != nullptr) absl::StrAppend(&out, " (", text, ")");
    out += ": ";
  }
  absl::StrAppend(&out, Escape(detail.message(), Quotes::kKeep));
  if (!detail.hint().empty()) {
    absl::StrAppend(&out, "; hint: ", Escape(detail.hint(), Quotes::kKeep));
  }
  return out;
}

std::string ErrnoName(int errno_value) {
  if (errno_value == 0) return "";
  const char* name = strerrorname_np(errno_value);
  return name != nullptr ? name : absl::StrCat("errno ", errno_value);
}

int ErrnoValue(absl::string_view name) {
  for (const ErrnoAlias& alias : kErrnoAliases) {
    if (name == alias.name) return alias.value;
  }
  for (int value = 1; value <= kLargestErrno; ++value) {
    const char* known = strerrorname_np(value);
    if (known != nullptr && name == known) return value;
  }
  return 0;
}

std::string EscapeForPeople(absl::string_view text) { return Escape(text, Quotes::kEscape); }

}  // namespace cordon
