// `MetricColumns` maps the metrics of one message type to the columns of a table: it names the
// columns for SQL, and binds and reads a row by reflection. A metric that is added to the message
// is stored without further code; its table needs a migration.

#ifndef ANNEAL_SERVER_STORE_METRIC_COLUMNS_H_
#define ANNEAL_SERVER_STORE_METRIC_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "server/store/statement.h"

namespace anneal::store {

// Immutable; thread-safe.
class MetricColumns {
 public:
  // The columns are those of the metrics of `type`, then those of the messages inside it.
  explicit MetricColumns(const google::protobuf::Descriptor& type);

  // Returns the columns' names, joined by ", ".
  const std::string& names() const { return names_; }
  // Returns a `?` for each column, joined by ", ".
  const std::string& placeholders() const { return placeholders_; }
  // Returns the place of a column in names(), from 0; -1 for others.
  int IndexOf(absl::string_view column) const;
  bool Has(absl::string_view column) const { return IndexOf(column) >= 0; }

  // Binds the metrics of `message` to the parameters from `first` on, counted from 1; those that
  // are unset as NULL.
  void Bind(const google::protobuf::Message& message, int first, Statement* statement) const;

  // Sets the metrics of `message` to the columns from `first` on, counted from 0; NULL leaves an
  // optional field unset.
  void Read(const Statement& row, int first, google::protobuf::Message* message) const;

 private:
  struct Column {
    std::string name;
    const google::protobuf::FieldDescriptor* field;
    google::protobuf::FieldDescriptor::CppType type;
    bool can_be_unset;
  };
  // Consecutive columns of the message itself, or of the message in its field `inside`.
  struct Group {
    const google::protobuf::FieldDescriptor* inside;
    std::vector<Column> columns;
  };

  static void BindGroup(const google::protobuf::Message& message, const Group& group, int first,
                        Statement* statement);
  static void ReadGroup(const Statement& row, const Group& group, int first,
                        google::protobuf::Message* message);
  void Add(const google::protobuf::Descriptor& type,
           const google::protobuf::FieldDescriptor* inside);

  std::vector<Group> groups_;
  std::string names_;
  std::string placeholders_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_METRIC_COLUMNS_H_
