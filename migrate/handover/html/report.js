
// What the whole page does: it makes the tables, follows its addresses, and prints all that the filters leave.

// follow goes to what the address names: a row, or a table with its search and filters.
function follow() {
  const [id, state] = location.hash.slice(1).split(/\?(.*)/s);
  if (tables.has(id)) {
    if (state !== undefined) {
      tables.get(id).restore(new URLSearchParams(state));
      tables.get(id).section.scrollIntoView();
    }
    return;
  }
  const found = rowOf(id);
  found?.table.reveal(found.row[0]);
}

for (const source of data.tables) tables.set(source.id, new Table(document.getElementById(source.id), source));
for (const table of tables.values()) {
  table.start();
  if (table.graph) new Graph(table).start();
}
for (const pre of document.querySelectorAll(".next pre")) {
  const holder = element("div", { class: "with-copy" });
  pre.replaceWith(holder);
  holder.append(pre, copyButton(pre));
}
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => { for (const table of tables.values()) table.drawRows(table.left); });
addEventListener("afterprint", () => { for (const table of tables.values()) table.draw(); });
follow();
