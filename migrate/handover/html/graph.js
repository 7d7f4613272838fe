
// The picture of the ways from policies to namespaces. A small one is in the page and only shows which ways lead through a name; of a
// large one the script draws what is around one policy.

const mostInColumn = 40; // names that a column of a drawn picture has
const nodeWidth = 232, columnStep = 309, nodeStep = 32, graphTop = 36, nodeLetters = 28; // as in the pictures that the page has
const svgSpace = "http://www.w3.org/2000/svg";

// shape makes an element of SVG with attributes and children.
function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A Graph is the picture that belongs to one table.
class Graph {
  constructor(table) {
    this.table = table;
    this.columns = table.graph.columns;
    this.order = table.graph.order;
  }

  // start makes the picture in the page answer, or makes the choice of a policy and draws what is around the first.
  start() {
    const drawn = this.table.section.querySelector("svg.graph");
    if (drawn) this.answer(drawn);
    else if (this.order?.[0].length) this.makeChoice();
  }

  // names returns the names that a row has in one column of the picture, each with the address it leads to.
  names(row, column) {
    const at = this.columns[column], cell = row[1][at], text = this.table.text(row, at);
    if (!text) return [];
    const own = `#${this.table.id}-${row[0]}`;
    if (!Array.isArray(cell)) return [[text, own]];
    const address = (n) => n < 0 ? own : `#${this.table.columns[at].table}-${n}`;
    const names = text.split(", ");
    if (cell.length > 2 && names.length === cell.length - 1) return names.map((name, i) => [name, address(cell[i + 1])]);
    return [[text, address(cell[1])]];
  }

  // ways returns the nodes and the edges of the rows that have a name in a column: node keys to addresses, and pairs of keys.
  ways(column, name) {
    const nodes = new Map(), edges = new Map();
    for (const row of this.table.rows) {
      if (!this.names(row, column).some(([other]) => other === name)) continue;
      let before = [];
      this.columns.forEach((_, i) => {
        const here = this.names(row, i).filter(([other]) => i !== column || other === name);
        for (const [text, address] of here) if (!nodes.has(i + ":" + text)) nodes.set(i + ":" + text, address);
        for (const from of before) for (const [to] of here) edges.set(`${i - 1}:${from}\n${i}:${to}`, [`${i - 1}:${from}`, `${i}:${to}`]);
        before = here.map(([text]) => text);
      });
    }
    return { nodes, edges };
  }

  // answer makes a picture show the ways through the name that the pointer or the keyboard is on.
  answer(drawn) {
    const nodes = [...drawn.querySelectorAll(".node")];
    const key = (node) => node.dataset.column + ":" + node.dataset.name;
    const numbers = new Map(nodes.map((node) => [key(node), node.dataset.number]));
    const show = (event) => {
      const node = event.target.closest(".node");
      if (!node) return;
      const ways = this.ways(Number(node.dataset.column), node.dataset.name);
      const pairs = new Set([...ways.edges.values()].map(([from, to]) => numbers.get(from) + " " + numbers.get(to)));
      drawn.classList.add("choosing");
      for (const other of nodes) other.classList.toggle("chosen", ways.nodes.has(key(other)));
      for (const edge of drawn.querySelectorAll(".edge")) edge.classList.toggle("chosen", pairs.has(edge.dataset.from + " " + edge.dataset.to));
    };
    const hide = () => drawn.classList.remove("choosing");
    drawn.addEventListener("pointerover", show);
    drawn.addEventListener("focusin", show);
    drawn.addEventListener("pointerleave", hide);
    drawn.addEventListener("focusout", hide);
  }

  // makeChoice makes the choice of a policy and the place for what is around it.
  makeChoice() {
    const select = element("select", {}, ...this.order[0].map((at) => element("option", {}, data.texts[at])));
    const place = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of the ways to one policy" });
    select.addEventListener("change", () => this.draw(place, select.value));
    // The first policy that is in this file, since what holds for every policy is no way to one.
    const first = this.table.rows.flatMap((row) => this.names(row, 0)).find(([, address]) => !address.startsWith(`#${this.table.id}-`));
    if (first) select.value = first[0];
    this.table.place.before(element("div", { class: "controls" }, element("label", {}, "Show the ways to policy ", select)), place);
    this.draw(place, select.value);
  }

  // draw draws what is around one policy, in the order that the report computed.
  draw(place, policy) {
    const { nodes, edges } = this.ways(0, policy);
    const places = new Map(), drawn = shape("svg", { class: "graph", role: "group", "aria-label": `From policy ${policy} over bindings and accounts to namespaces; the table below says the same` });
    let height = 0;
    const labels = this.columns.map((at, column) => {
      const x = column * columnStep;
      const here = this.order[column].map((at) => data.texts[at]).filter((name) => nodes.has(column + ":" + name));
      here.slice(0, mostInColumn).forEach((name, i) => places.set(column + ":" + name, [x, graphTop + i * nodeStep, name]));
      const more = here.length - mostInColumn;
      height = Math.max(height, graphTop + Math.min(here.length, mostInColumn + 1) * nodeStep);
      return [shape("text", { class: "graph-title", x, y: 16 }, this.table.columns[at].title),
        ...more > 0 ? [shape("text", { class: "graph-title", x, y: 52 + mostInColumn * nodeStep }, `and ${number(more)} more, in the table`)] : []];
    });
    drawn.setAttribute("viewBox", `-2 0 1164 ${height}`);
    drawn.append(...labels.flat(), ...this.makeEdges(edges, places), ...this.makeNodes(nodes, places));
    place.replaceChildren(drawn);
    this.answer(drawn);
  }

  // makeEdges makes the lines between the names that are drawn.
  makeEdges(edges, places) {
    return [...edges.values()].filter(([from, to]) => places.has(from) && places.has(to)).map(([from, to]) => {
      const [x1, y1] = places.get(from), [x2, y2] = places.get(to);
      const middle = (x1 + nodeWidth + x2) / 2;
      return shape("path", { class: "edge", "data-from": from, "data-to": to, d: `M${x1 + nodeWidth} ${y1 + 12}C${middle} ${y1 + 12} ${middle} ${y2 + 12} ${x2} ${y2 + 12}` });
    });
  }

  // makeNodes makes the names that are drawn, each a link to its row.
  makeNodes(nodes, places) {
    return [...places].map(([key, [x, y, name]]) => {
      const label = name.length > nodeLetters ? name.slice(0, nodeLetters - 1) + "…" : name;
      return shape("a", { class: "node", href: nodes.get(key), "data-number": key, "data-column": key.split(":")[0], "data-name": name },
        shape("title", {}, name), shape("rect", { x, y, width: nodeWidth, height: 24, rx: 4 }), shape("text", { x, y, dx: 9, dy: 16 }, label));
    });
  }
}
