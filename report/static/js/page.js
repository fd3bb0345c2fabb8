// What the page does beyond being read: contents that follow the reader, and downloads out of this one file.
// Without it, links lead to the files beside the page, and nothing else is missing.
"use strict";

(() => {
  const INK = "#1b1b1f"; // of figures as files, which stand on white
  const PNG_WIDTH = 2000; // px

  // --- Contents that follow the reader ---

  const nav = document.querySelector("nav");
  const links = new Map([...nav.querySelectorAll('a[href^="#section-"]')].map((link) => [link.hash.slice(1), link]));
  const sections = [...document.querySelectorAll("main > section[id]")].filter((section) => links.has(section.id));
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  let current = null;

  // The reader's line lies at a quarter of the window, and sinks to its foot as the page comes to its end.
  function chapterBeingRead() {
    const height = innerHeight;
    const left = document.documentElement.scrollHeight - height - scrollY;
    const line = height / 4 + Math.max(0, (height * 3) / 4 - left);
    return sections.findLast((section) => section.getBoundingClientRect().top <= line) ?? null;
  }

  function follow() {
    const link = links.get(chapterBeingRead()?.id) ?? null;
    if (link === current) return;
    current?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
    current = link;
    if (link) keepInView(link);
  }

  // Scrolls the contents alone, and only where they have a scroller of their own.
  function keepInView(link) {
    if (nav.scrollHeight <= nav.clientHeight) return;
    const box = nav.getBoundingClientRect();
    const item = link.getBoundingClientRect();
    const room = 2 * item.height; // what comes before and after is seen as well
    const above = item.top - room - box.top;
    const below = item.bottom + room - box.bottom;
    const by = above < 0 ? above : Math.max(0, below);
    if (by) nav.scrollBy({ top: by, behavior: stillness.matches ? "instant" : "smooth" });
  }

  let waiting = false;
  function followSoon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      follow();
    });
  }

  for (const happening of ["scroll", "resize"]) addEventListener(happening, followSoon, { passive: true });
  document.addEventListener("toggle", followSoon, true); // folded parts change what lies where
  follow();

  // --- Downloads from this file alone ---

  // Digits of base 85; a dot stands in for "<", which could close the block of data too early.
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;.=>?@^_`{|}~";

  // Five digits are four bytes; at the end, fewer are one less.
  function bytesOf(packed) {
    const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(packed.length / 5)));
    for (let at = 0; at < packed.length; at += 5) {
      let number = 0;
      for (const digit of packed.slice(at, at + 5).padEnd(5, "~")) number = 85 * number + DIGITS.indexOf(digit);
      bytes.setUint32((at / 5) * 4, number);
    }
    return bytes.buffer.slice(0, Math.floor((4 * packed.length) / 5));
  }

  // A file that the page holds, by name: JSON as it is; a table is kept with its columns as lines, and turned back.
  async function fileOf(name) {
    const packed = bytesOf(JSON.parse(document.getElementById("data").textContent));
    const parts = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
    const files = parts.split("\0"); // name, content, name, …
    if (!files.includes(name)) throw new Error(`no ${name} in the page`);
    const text = files[files.indexOf(name) + 1];
    if (!name.endsWith(".csv")) return new Blob([text], { type: "application/json" });
    const columns = text.split("\n").map((line) => line.split("\t"));
    const rows = columns[0].map((_, row) => columns.map((column) => column[row]).join(","));
    return new Blob([rows.join("\n") + "\n"], { type: "text/csv" });
  }

  // The drawing of a figure as a file: on white, in fixed colours, with the words and letters that it shares with others.
  function svgOf(name) {
    const drawn = document.querySelector(`#figure-${CSS.escape(name)} .frame > svg`);
    const [x, y, width, height] = drawn.getAttribute("viewBox").split(" ");
    const svg = drawn.cloneNode(true);
    svg.setAttribute("width", `${width}pt`);
    svg.setAttribute("height", `${height}pt`);
    const own = new Set([...svg.querySelectorAll("[id]")].map((node) => node.id));
    const letters = document.createElementNS(svg.namespaceURI, "defs");
    const uses = [...svg.querySelectorAll("use")];
    for (const use of uses) {
      const id = use.getAttribute("href").slice(1);
      if (own.has(id)) continue;
      own.add(id);
      const shared = document.getElementById(id).cloneNode(true);
      letters.append(shared);
      uses.push(...shared.querySelectorAll("use")); // a word's letters
    }
    const paper = document.createElementNS(svg.namespaceURI, "rect");
    for (const [key, value] of Object.entries({ x, y, width, height, fill: "#fff" })) paper.setAttribute(key, value);
    svg.prepend(letters, paper);
    for (const node of [svg, ...svg.querySelectorAll("*")]) {
      for (const attribute of node.attributes) attribute.value = printed(attribute.value);
    }
    const text = `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
    return new Blob([text], { type: "image/svg+xml" });
  }

  // A colour of the theme → that of the file: every var(--name, colour) of a drawing names it.
  function printed(value) {
    return value.replace(/^currentColor$/, INK).replace(/^var\(--[\w-]+,\s*([^)]+)\)$/, "$1");
  }

  async function pngOf(name) {
    const image = new Image();
    const address = URL.createObjectURL(svgOf(name));
    try {
      image.src = address;
      await image.decode();
    } finally {
      URL.revokeObjectURL(address);
    }
    const canvas = document.createElement("canvas");
    canvas.width = PNG_WIDTH;
    canvas.height = Math.round((PNG_WIDTH * image.height) / image.width);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
    });
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it only then
  }

  const makers = {
    svg: (name) => svgOf(name.replace(/\.svg$/, "")),
    png: (name) => pngOf(name.replace(/\.png$/, "")),
    csv: fileOf,
    json: fileOf,
  };

  addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-file]");
    const isPlain = !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || !("DecompressionStream" in window)) return;
    event.preventDefault();
    const name = link.dataset.file;
    try {
      save(await makers[name.split(".").pop()](name), name);
    } catch (error) {
      console.error(error);
      location.assign(link.href); // the file beside the page
    }
  });
})();
