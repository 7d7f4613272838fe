"use strict";
// The tables of the report. Their rows come from the JSON block before this script; a table draws one page of them at a time, and
// answers searching, filtering, sorting, opening and copying. Texts come from a cluster: they are set as text, never as markup.

let data; // the texts, the details and the tables of the report: see report.js
const collator = new Intl.Collator("en", { numeric: true });
const kinds = ["text", "code", "evidence"];
const levels = ["restricted", "baseline", "privileged"];
const pageSize = 50; // rows that a table draws at once
const mostOptions = 12; // values of a column that a filter offers at most
const fewRows = 8; // a table of so many rows needs no search
const mostOpened = 200; // rows of a table that are printed with what they open to
const mostColumns = 8; // columns that a table shows; the others are among the details of a row
const tables = new Map();
const command = document.getElementById("page-main").dataset.command; // makes the report again
let lowerTexts; // the texts in lower case, from the first search on

// textsWith returns for each text whether it has a word in it, in capitals or not.
function textsWith(word) {
  lowerTexts ??= data.texts.map((text) => text.toLowerCase());
  return lowerTexts.map((text) => text.includes(word));
}

// element makes an element with attributes and children; a child that is no node becomes text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// number writes a number as the rest of the report does.
const number = (n) => n.toLocaleString("en");

// setAddress puts a fragment into the address without a step in the history: the back button leads to where a link was followed.
function setAddress(fragment) { history.replaceState(null, "", "#" + fragment); }

// announce says something to screen readers.
const announcer = element("p", { class: "unseen", role: "status" });
document.getElementById("page-main").append(announcer);
function announce(text) { announcer.textContent = text; }

// copyButton makes the button that copies the text of an element.
function copyButton(source) {
  const button = element("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(source);
    button.textContent = done ? "Copied" : "Selected";
    announce(done ? "Copied" : "Selected: copy it with the keyboard");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

// copy copies the text of an element; where the browser does not allow that, it selects the text and reports false.
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  }
}

// codeBlock makes a block of text to copy, with its button.
function codeBlock(text) {
  const pre = element("pre", { class: "code" }, text);
  return element("div", { class: "with-copy" }, pre, copyButton(pre));
}

// A Table draws the rows of one table of the report that its search and its filters leave, a page at a time.
class Table {
  constructor(place, source) {
    this.id = source.id;
    this.columns = source.columns;
    this.rows = source.rows; // each [number, cells, details, details left out]
    this.graph = source.graph;
    this.section = place;
    this.place = place.querySelector(".rows");
    this.title = place.querySelector("h3")?.textContent ?? place.closest("section").querySelector("h2").textContent;
    this.byNumber = new Map(this.rows.map((row, i) => [row[0], i]));
    this.open = new Set(); // numbers of rows
    this.filters = new Map(); // column to text
    this.shown = this.columns.map((_, i) => i).filter((i) => this.columns[i].kind !== "evidence");
    if (this.shown.length > mostColumns + 1) this.shown.length = mostColumns;
    this.hidden = this.columns.map((_, i) => i).filter((i) => !this.shown.includes(i));
    this.reset();
  }

  // reset forgets search, filters, order and page.
  reset() {
    this.search = "";
    this.filters.clear();
    this.named = null; // [row ID, column ID]: only the rows that this cell refers to
    this.sorted = null; // [column, 1 or -1]
    this.page = 0;
  }

  // text returns the text of a cell.
  text(row, column) {
    const cell = row[1][column], value = Array.isArray(cell) ? cell[0] : cell;
    return this.columns[column].kind === "number" ? number(value) : data.texts[value];
  }

  // value returns a cell as numbers and levels are compared.
  value(row, column) {
    const cell = row[1][column], text = this.text(row, column);
    if (this.columns[column].kind === "number") return Array.isArray(cell) ? cell[0] : cell;
    return this.columns[column].kind === "level" ? (levels.indexOf(levelIn(text)) + 4) % 4 : text;
  }

  // name returns what a row is about: the names that it begins with, two at most.
  name(row) {
    const two = this.columns[0].kind === "name" && this.columns[1]?.kind === "name";
    return this.text(row, 0) + (two ? " " + this.text(row, 1) : "");
  }

  // opens reports whether there is more of a row than its cells show.
  opens(row) { return row[2].length > 0 || row[3] > 0 || this.hidden.some((i) => this.text(row, i)); }

  // select computes which rows are left, in their order.
  select() {
    const words = this.search.toLowerCase().split(/\s+/).filter(Boolean).map(textsWith);
    const filters = [...this.filters];
    const named = this.named && referred(...this.named);
    const left = [];
    this.rows.forEach((row, i) => {
      if (named && !named.has(row[0])) return;
      if (filters.every(([column, want]) => this.text(row, column) === want) && words.every((has) => this.holds(row, has))) left.push(i);
    });
    if (this.sorted) this.sort(left, ...this.sorted);
    this.left = left;
    this.page = Math.max(0, Math.min(this.page, Math.ceil(left.length / pageSize) - 1));
  }

  // holds reports whether a cell or a detail of a row has one of the texts.
  holds(row, has) {
    const inCell = (cell, i) => this.columns[i].kind !== "number" && has[Array.isArray(cell) ? cell[0] : cell];
    return row[1].some(inCell) || row[2].some((at) => data.details[at][2].some((line) => has[line]));
  }

  // sort sorts rows by a column; what is equal stays in the order of the report.
  sort(left, column, direction) {
    const keys = new Map(left.map((i) => [i, this.value(this.rows[i], column)]));
    const texts = this.columns[column].kind !== "number" && this.columns[column].kind !== "level";
    const compare = texts ? collator.compare : (a, b) => a - b;
    left.sort((a, b) => direction * compare(keys.get(a), keys.get(b)) || a - b);
  }

  // start makes the controls and draws the first page.
  start() {
    this.controls = this.rows.length > fewRows ? this.makeControls() : element("div");
    this.count = element("p", { class: "count-rows", role: "status" });
    this.body = element("tbody");
    this.head = element("tr");
    this.pager = element("nav", { class: "pager", "aria-label": `Pages of ${this.title}` });
    const drawn = element("table", {}, element("caption", { class: "unseen" }, this.title), element("thead", {}, this.head), this.body);
    this.only = element("p", { class: "only" });
    this.paper = element("p", { class: "cut paper" });
    this.place.append(this.controls, this.only, this.count, this.paper, element("div", { class: "scroll" }, drawn), this.pager);
    this.makeHead();
    this.draw();
  }

  // makeControls makes the search, a filter for each column of few values, and the button that opens all rows.
  makeControls() {
    this.input = element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    this.input.addEventListener("input", () => { this.search = this.input.value; this.change(); });
    const controls = element("div", { class: "controls" }, element("label", {}, "Search ", this.input));
    this.selects = new Map();
    const filters = element("div", { class: "filters" });
    this.columns.forEach((column, i) => {
      const select = this.makeFilter(column, i);
      if (!select) return;
      this.selects.set(i, select);
      filters.append(element("label", {}, column.title + " ", select));
    });
    if (this.selects.size) {
      this.filterTitle = element("summary", {}, "Filter");
      controls.append(element("details", {}, this.filterTitle, filters));
    }
    if (this.rows.some((row) => this.opens(row))) {
      this.all = element("button", { type: "button" }, "Open all");
      this.all.addEventListener("click", () => this.toggleAll());
      controls.append(this.all);
    }
    return controls;
  }

  // makeFilter makes the filter for a column of levels or states; undefined where it would not help.
  makeFilter(column, i) {
    if (column.kind !== "level" && column.kind !== "status") return undefined;
    const counts = new Map();
    for (const row of this.rows) {
      const text = this.text(row, i);
      counts.set(text, (counts.get(text) ?? 0) + 1);
      if (counts.size > mostOptions) return undefined;
    }
    if (counts.size < 2) return undefined;
    const select = element("select", {}, element("option", { value: "" }, "all"));
    for (const text of [...counts.keys()].sort(collator.compare)) {
      select.append(element("option", { value: "=" + text }, `${text || "none"} (${number(counts.get(text))})`));
    }
    select.addEventListener("change", () => {
      if (select.value) this.filters.set(i, select.value.slice(1));
      else this.filters.delete(i);
      this.change();
    });
    return select;
  }

  // toggleAll opens all rows that are left, or closes them if all are open.
  toggleAll() {
    const numbers = this.left.map((i) => this.rows[i]).filter((row) => this.opens(row)).map((row) => row[0]);
    const opened = numbers.every((n) => this.open.has(n));
    for (const n of numbers) {
      if (opened) this.open.delete(n);
      else this.open.add(n);
    }
    this.draw();
  }

  // makeHead makes the header cells; each sorts by its column.
  makeHead() {
    for (const i of this.shown) {
      const column = this.columns[i];
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => {
        const [before, direction] = this.sorted ?? [];
        this.sorted = before !== i ? [i, column.kind === "number" ? -1 : 1] : [i, -direction];
        this.change();
      });
      this.head.append(element("th", { scope: "col", class: "kind-" + column.kind }, button));
    }
  }

  // change draws the table after search, filter or order changed, and keeps them in the address once nothing changes any more: browsers
  // refuse an address that changes with every letter.
  change() {
    this.page = 0;
    this.draw();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => setAddress(this.address()), 250);
  }

  // address returns the fragment that brings back search, filters, order and page.
  address() {
    const state = new URLSearchParams();
    if (this.search) state.set("search", this.search);
    for (const [column, text] of this.filters) state.set("is." + this.columns[column].id, text);
    if (this.named) state.set("of", this.named.join("."));
    if (this.sorted) state.set("sort", (this.sorted[1] < 0 ? "-" : "") + this.columns[this.sorted[0]].id);
    if (this.page) state.set("page", this.page + 1);
    return state.size ? `${this.id}?${state}` : this.id;
  }

  // restore takes search, filters, order and page from a fragment.
  restore(state) {
    this.reset();
    const column = (id) => this.columns.findIndex((c) => c.id === id);
    for (const [key, value] of state) {
      if (key === "search") this.search = value;
      if (key === "of") this.named = value.split(".");
      if (key.startsWith("is.") && column(key.slice(3)) >= 0) this.filters.set(column(key.slice(3)), value);
      if (key === "sort" && column(value.replace(/^-/, "")) >= 0) this.sorted = [column(value.replace(/^-/, "")), value.startsWith("-") ? -1 : 1];
      if (key === "page") this.page = Math.max(0, (parseInt(value, 10) || 1) - 1);
    }
    this.draw();
  }

  // draw draws the page of rows and all that says what is seen.
  draw() {
    this.select();
    const first = this.page * pageSize;
    this.drawRows(this.left.slice(first, first + pageSize));
    this.drawState();
  }

  // print draws all rows that are left, for paper: open where these are few, else with a sentence on how to have the rest.
  print() {
    const closed = this.left.map((i) => this.rows[i]).filter((row) => this.opens(row) && !this.open.has(row[0])).length;
    const few = this.left.length <= mostOpened;
    this.paper.replaceChildren(...few || !closed ? [] : [`Printed without what ${number(closed)} of its rows open to. A search or a filter that leaves ${number(mostOpened)} rows or fewer `
      + "has them printed with it, and this has it of every row: ", element("code", {}, command + " -o csv=tables")]);
    this.drawRows(this.left, few);
  }

  // drawRows draws rows: those that are open, or all of them, with what they open to.
  drawRows(shown, all = false) {
    const drawn = shown.map((i) => this.rows[i]).flatMap((row) => this.makeRow(row, this.open.has(row[0]) || all && this.opens(row)));
    if (!drawn.length) drawn.push(element("tr", {}, element("td", { colspan: this.shown.length }, this.rows.length ? "No row is left. Clear the search or a filter." : "None.")));
    this.body.replaceChildren(...drawn);
  }

  // drawState brings the controls, the count and the pager in line with what is drawn.
  drawState() {
    const all = this.rows.length, left = this.left.length;
    this.count.textContent = all <= fewRows ? "" : left === all ? `${number(all)} rows` : `${number(left)} of ${number(all)} rows`;
    if (this.input && this.input.value !== this.search) this.input.value = this.search;
    this.selects?.forEach((select, column) => { select.value = this.filters.has(column) ? "=" + this.filters.get(column) : ""; });
    if (this.filterTitle) this.filterTitle.textContent = this.filters.size ? `Filter (${this.filters.size})` : "Filter";
    [...this.head.children].forEach((cell, i) => {
      if (this.sorted?.[0] === this.shown[i]) cell.setAttribute("aria-sort", this.sorted[1] < 0 ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    if (this.all) {
      const opened = this.left.every((i) => this.open.has(this.rows[i][0]) || !this.opens(this.rows[i]));
      this.all.textContent = opened && left ? "Close all" : "Open all";
    }
    this.drawOnly();
    this.drawPager();
  }

  // drawOnly says which cell of another table the rows are limited to, with a button that ends that.
  drawOnly() {
    this.only.replaceChildren();
    if (!this.named) return;
    const [id, column] = this.named, found = rowOf(id);
    if (!found) return;
    const button = element("button", { type: "button" }, "Show all");
    button.addEventListener("click", () => { this.named = null; this.change(); });
    const title = found.table.columns.find((c) => c.id === column)?.title ?? column;
    this.only.append(`${title} of `, element("a", { href: "#" + id }, found.table.name(found.row)), " only. ", button);
  }

  // drawPager makes the buttons for the pages before and after.
  drawPager() {
    const left = this.left.length, first = this.page * pageSize;
    this.pager.hidden = left <= pageSize;
    const turn = (text, by, possible) => {
      const button = element("button", { type: "button", disabled: !possible }, text);
      button.addEventListener("click", () => {
        this.page += by;
        this.draw();
        setAddress(this.address());
        this.section.scrollIntoView();
        announce(this.pager.querySelector("span").textContent);
      });
      return button;
    };
    this.pager.replaceChildren(turn("Previous", -1, this.page > 0),
      element("span", {}, `${number(first + 1)} to ${number(Math.min(first + pageSize, left))} of ${number(left)}`),
      turn("Next", 1, first + pageSize < left));
  }

  // makeRow makes the elements of a row, and of what it opens to if it is open.
  makeRow(row, opened = this.open.has(row[0])) {
    const id = `${this.id}-${row[0]}`;
    const made = element("tr", { id, class: opened ? "opened" : undefined });
    for (const i of this.shown) {
      const column = this.columns[i], content = this.makeCell(row, i);
      if (i > 0) made.append(element("td", { class: "kind-" + column.kind, "data-title": column.title }, ...content));
      else made.append(element("th", { scope: "row", class: "kind-" + column.kind }, ...this.opens(row) ? [this.makeOpener(row, id, opened)] : [], ...content));
    }
    return opened ? [made, this.makeDetail(row, id)] : [made];
  }

  // makeOpener makes the button that opens and closes a row.
  makeOpener(row, id, opened) {
    const button = element("button", { type: "button", class: "opener", "aria-expanded": String(opened), "aria-label": `Details of ${this.name(row)}` });
    if (opened) button.setAttribute("aria-controls", id + "-detail");
    button.addEventListener("click", () => {
      if (this.open.has(row[0])) this.open.delete(row[0]);
      else this.open.add(row[0]);
      setAddress(this.open.has(row[0]) ? id : this.address());
      const shown = document.getElementById(id);
      document.getElementById(id + "-detail")?.remove();
      shown.replaceWith(...this.makeRow(row));
      document.getElementById(id).querySelector(".opener").focus();
      this.drawState();
    });
    return button;
  }

  // makeCell makes what stands in a cell.
  makeCell(row, i) {
    const column = this.columns[i], cell = row[1][i], text = this.text(row, i);
    if (column.kind === "number") return Array.isArray(cell) ? [this.makeNumber(row, column, cell, text)] : [text];
    if (Array.isArray(cell)) return links(column.table, text, cell.slice(1));
    if (column.kind === "level" && text) return [element("span", { class: "level level-" + levelIn(text) }, text)];
    if (column.kind === "command" && text) return [codeBlock(text)];
    return [text];
  }

  // makeNumber makes a number that leads to the rows it counts.
  makeNumber(row, column, cell, text) {
    const target = cell.length === 2 ? `${column.table}-${cell[1]}` : `${column.table}?of=${this.id}-${row[0]}.${column.id}`;
    return element("a", { href: "#" + target, "aria-label": `${text} ${column.title} of ${this.name(row)}` }, text);
  }

  // makeDetail makes what a row opens to: the cells that the table has no room for, and its details.
  makeDetail(row, id) {
    const facts = element("dl", { class: "facts" });
    for (const i of this.hidden) {
      if (this.text(row, i)) facts.append(element("div", {}, element("dt", {}, this.columns[i].title), element("dd", { class: "kind-" + this.columns[i].kind }, ...this.makeCell(row, i))));
    }
    const list = element("dl");
    for (const at of row[2]) {
      const [title, kind, lines] = data.details[at];
      list.append(element("dt", {}, data.texts[title]), element("dd", { class: "kind-" + kinds[kind] }, makeLines(kinds[kind], lines.map((line) => data.texts[line]))));
    }
    const cell = element("td", { colspan: this.shown.length }, ...[facts, list].filter((l) => l.children.length));
    if (row[3]) cell.append(element("p", { class: "cut" }, `${number(row[3])} more not in this file`));
    return element("tr", { id: id + "-detail", class: "detail" }, cell);
  }

  // reveal opens a row and brings it into view; it reports whether the table has it.
  reveal(n) {
    const i = this.byNumber.get(n);
    if (i === undefined) return false;
    if (this.opens(this.rows[i])) this.open.add(n);
    this.select();
    if (!this.left.includes(i)) {
      this.reset();
      this.select();
    }
    this.page = Math.floor(this.left.indexOf(i) / pageSize);
    this.draw();
    const shown = document.getElementById(`${this.id}-${n}`);
    for (const marked of document.querySelectorAll(".here")) marked.classList.remove("here");
    shown.classList.add("here");
    shown.scrollIntoView({ block: "start" });
    (shown.querySelector(".opener, a") ?? this.section).focus({ preventScroll: true });
    return true;
  }
}

// makeLines makes the lines of a detail: one sentence, several, or a text to copy.
function makeLines(kind, lines) {
  if (kind === "code") return codeBlock(lines.join("\n"));
  if (lines.length === 1) return element("p", {}, lines[0]);
  return element("ul", {}, ...lines.map((line) => element("li", {}, line)));
}

// levelIn returns the level in the text of a cell, which may have a version behind it: "none" where there is none.
function levelIn(text) {
  const level = text.split(":")[0];
  return levels.includes(level) ? level : "none";
}

// rowOf finds a row by its ID: the table and the row; undefined if this file does not have it.
function rowOf(id) {
  const [, name, n] = id.match(/^(.*)-(\d+)$/) ?? [];
  const table = tables.get(name), at = table?.byNumber.get(Number(n));
  return at === undefined ? undefined : { table, row: table.rows[at] };
}

// referred returns the numbers of the rows that a cell refers to.
function referred(id, column) {
  const found = rowOf(id), at = found?.table.columns.findIndex((c) => c.id === column);
  const cell = found?.row[1][at];
  return new Set(Array.isArray(cell) ? cell.slice(1) : []);
}

// links makes the text of a cell with a link for each row that it names; rows that are not in this file get none.
function links(table, text, numbers) {
  const link = (name, n) => n >= 0 && tables.get(table)?.byNumber.has(n) ? element("a", { href: `#${table}-${n}` }, name) : name;
  if (numbers.length === 1) return [link(text, numbers[0])];
  const names = text.split(", ");
  if (names.length === numbers.length) return names.flatMap((name, i) => i ? [", ", link(name, numbers[i])] : [link(name, numbers[i])]);
  return [text, ...numbers.flatMap((n, i) => n < 0 ? [] : [" ", link(`[${i + 1}]`, n)])];
}
