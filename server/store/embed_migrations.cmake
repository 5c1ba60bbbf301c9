# cmake -D DIRECTORY=... -D OUTPUT=... -P: writes a source with the text of every migration, in order.
file(GLOB files ${DIRECTORY}/*.sql)
list(SORT files)
set(entries "")
set(expected 1)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  string(REGEX MATCH "^[0-9][0-9][0-9][0-9]" number ${name})
  math(EXPR number "1${number} - 10000")
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${file}: migrations are numbered without gaps; expected ${expected}")
  endif()
  math(EXPR expected "${expected} + 1")
  file(READ ${file} sql)
  string(APPEND entries "    {\"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"server/store/migrations.h\"

namespace anneal::store {
namespace {

constexpr Migration kMigrations[] = {
${entries}};

}  // namespace

absl::Span<const Migration> Migrations() { return kMigrations; }

}  // namespace anneal::store
")
