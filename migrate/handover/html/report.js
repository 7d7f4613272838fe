
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

// read reads the JSON block before this script, which is packed in a large report.
async function read() {
  const block = document.getElementById("page-data");
  if (block.type === "application/json") return JSON.parse(block.textContent);
  const packed = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

// start makes the page answer.
async function start() {
  data = await read();
  for (const source of data.tables) tables.set(source.id, new Table(document.getElementById(source.id), source));
  for (const table of tables.values()) {
    table.start();
    if (table.graph) new Graph(table).start();
  }
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { for (const table of tables.values()) table.drawRows(table.left); });
  addEventListener("afterprint", () => { for (const table of tables.values()) table.draw(); });
  follow();
  document.documentElement.dataset.ready = "";
  // Once the browser has gone to the address itself, which takes the focus away.
  if (document.readyState === "complete") setTimeout(follow);
  else addEventListener("load", () => setTimeout(follow));
}

for (const pre of document.querySelectorAll(".next pre")) {
  const holder = element("div", { class: "with-copy" });
  pre.replaceWith(holder);
  holder.append(pre, copyButton(pre));
}
start();
