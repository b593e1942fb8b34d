// The inspect report as one HTML page without scripts or outside resources.
#include "engine/base/text.hpp"
#include "engine/report/report.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

namespace heirloom::report {
namespace {

constexpr std::string_view style =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid "
    "#ddd;vertical-align:top}td{font-family:ui-monospace,monospace;font-size:13px;overflow-wrap:anywhere}"
    "td.number{text-align:right}pre{background:#f6f6f6;padding:1rem;overflow:auto}";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string cell(std::string_view text) { return "<td>" + escaped(text) + "</td>"; }
std::string number_cell(std::string_view text) { return "<td class=number>" + escaped(text) + "</td>"; }

std::string left_out_html(const Checkpoint& checkpoint) {
  if (checkpoint.left_out.empty())
    return "";
  std::string out = "<h2>Left out</h2>\n<table><tr><th>tensor<th>encoding<th>shape<th>reason</tr>\n";
  for (const LeftOut& left : checkpoint.left_out)
    out += "<tr>" + cell(base::quoted(left.name)) + cell(left.encoding) + cell(shape_text(left.shape)) + cell(left.reason) +
           "</tr>\n";
  return out + "</table>\n";
}

}  // namespace

std::string inspect_html(const model::Source& source, const arch::Map* map) {
  const Checkpoint& checkpoint = source.checkpoint;
  const std::string title = escaped(base::quoted(source.files->display(source.files->primary())));
  std::string out = "<!doctype html>\n<html lang=en><meta charset=utf-8><title>" + title + "</title><style>" +
                    std::string(style) + "</style>\n<h1>" + title + "</h1>\n<pre>" +
                    escaped(inspect_text(source, map, {})) + "</pre>\n";
  out += "<h2>Metadata</h2>\n<table><tr><th>key<th>type<th>value</tr>\n";
  for (const Attr& attr : checkpoint.attrs)
    out += "<tr>" + cell(base::quoted(attr.key)) + cell(type_text(attr)) + cell(text_of(attr, 2000)) + "</tr>\n";
  out += "</table>\n<h2>Tensors</h2>\n<table><tr><th>tensor<th>encoding<th>shape<th>bytes</tr>\n";
  for (const Tensor& tensor : checkpoint.tensors)
    out += "<tr>" + cell(base::quoted(tensor.name)) + cell(tensor.encoding) + cell(shape_text(tensor.shape)) +
           number_cell(grouped(model::tensor_bytes(checkpoint, tensor))) + "</tr>\n";
  return out + "</table>\n" + left_out_html(checkpoint) + "</html>\n";
}

}  // namespace heirloom::report
