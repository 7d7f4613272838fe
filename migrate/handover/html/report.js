
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

// refuse says why the page has no rows, and where they are: at its top, and in short at each table.
function refuse(why) {
  const notice = element("p", { class: "notice", id: "page-notice", role: "alert" },
    why + " What is above the tables can be read all the same. This writes their rows for spreadsheets: ", element("code", {}, command + " -o csv=tables"));
  document.getElementById("page-main").prepend(notice);
  for (const place of document.querySelectorAll(".table .rows")) {
    place.append(element("p", { class: "cut" }, "The rows are not shown: ", element("a", { href: "#page-notice" }, "see why"), "."));
  }
}

// readable reads the rows; where that cannot be done it says so, and reports false.
async function readable() {
  if (document.getElementById("page-data").type !== "application/json" && typeof DecompressionStream === "undefined") {
    refuse("This browser cannot unpack the rows of this report: it has no DecompressionStream. Browsers have it since 2023 (Chrome and Edge 80, Firefox 113, Safari 16.4).");
    return false;
  }
  try {
    data = await read();
    return true;
  } catch {
    refuse("The rows of this report cannot be read: the file was cut off or changed. Get it anew.");
    return false;
  }
}

// paper prepares the page for printing, or brings it back: what opens is open, but for rows of which there are many.
function paper(begins) {
  for (const more of document.querySelectorAll("details.more")) {
    if (begins) more.dataset.open = more.open;
    more.open = begins || more.dataset.open === "true";
  }
  for (const table of tables.values()) {
    if (begins) table.print();
    else table.draw();
  }
}

// start makes the page answer.
async function start() {
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  if (!await readable()) {
    document.documentElement.dataset.ready = "";
    return;
  }
  for (const source of data.tables) tables.set(source.id, new Table(document.getElementById(source.id), source));
  for (const table of tables.values()) {
    table.start();
    if (table.graph) new Graph(table).start();
  }
  addEventListener("hashchange", follow);
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
