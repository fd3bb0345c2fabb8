// One row of attention under the reader's hands: its scores are drawn here, the exact means come with the page.
"use strict";

(() => {
  const chapter = document.getElementById("section-explorer");
  const table = JSON.parse(document.getElementById("explorer-table").textContent);
  const find = (selector) => chapter.querySelector(selector);
  const controls = {
    dK: find("#explorer-d-k"),
    nKeys: find("#explorer-n-keys"),
    seed: find("#explorer-seed"),
    again: find("#explorer-again"),
    ownAxes: find("#explorer-own-axes"),
    rules: [...chapter.querySelectorAll('input[name="explorer-rule"]')],
  };
  const FACTORS = { raw: () => 1, scaled: (dK) => 1 / Math.sqrt(dK), inverse: (dK) => 1 / dK };
  const DONE = { raw: "undivided", scaled: "divided by the root of the dimension", inverse: "divided by the dimension" };
  const REST = 400; // ms without a change before the summary, which is read aloud, is renewed

  // What is drawn. The seed decides two endless sequences of normal numbers: the query's entries and the keys' scores.

  /** Uniform whole numbers below 2^32: Doty-Humphrey's small fast counting generator, from two words of seed. */
  function generator(seed, stream) {
    let [a, b, c, count] = [seed, stream, 0x9e3779b9 | 0, 1];
    const next = () => {
      const output = (a + b + count) | 0;
      count = (count + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + output) | 0;
      return output >>> 0;
    };
    for (let i = 0; i < 16; i++) next();
    return next;
  }

  /** Standard normal numbers, by Box and Muller's method. */
  function normals(seed, stream, amount) {
    const next = generator(seed, stream);
    const values = new Float64Array(amount);
    for (let i = 0; i < amount; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((next() + 0.5) / 2 ** 32));
      const angle = (2 * Math.PI * (next() + 0.5)) / 2 ** 32;
      values[i] = radius * Math.cos(angle);
      if (i + 1 < amount) values[i + 1] = radius * Math.sin(angle);
    }
    return values;
  }

  /** Dot products of one query with its keys: given q they are independent normal numbers of deviation |q|. */
  function drawDotProducts(seed, dK, nKeys) {
    const length = Math.sqrt(normals(seed, 1, dK).reduce((sum, entry) => sum + entry ** 2, 0));
    return normals(seed, 2, nKeys).map((y) => length * y);
  }

  /** The softmax of scores and what is read off it; what the largest weight lacks to 1 is summed, not subtracted. */
  function softmaxRow(scores) {
    let top = 0;
    scores.forEach((score, j) => { if (score > scores[top]) top = j; });
    const powers = scores.map((score) => Math.exp(score - scores[top]));
    let others = 0;
    powers.forEach((power, j) => { if (j !== top) others += power; });
    const weights = powers.map((power) => power / (1 + others));
    let [entropy, trace] = [Math.log1p(others), 0];
    weights.forEach((weight, j) => {
      entropy -= weight * (scores[j] - scores[top]);
      trace += weight * (j === top ? others / (1 + others) : 1 - weight);
    });
    return { weights, observables: { entropy, max_weight: weights[top], jacobian_trace: trace } };
  }

  // What is shown.

  /** Where the controls stand. */
  function setting() {
    const [i, j] = [Number(controls.dK.value), Number(controls.nKeys.value)];
    const rule = controls.rules.find((option) => option.checked).value;
    return { i, j, dK: table.d_k[i], nKeys: table.n_keys[j], rule, seed: Number(controls.seed.value) };
  }

  /** A number with so many significant digits; what is too small to matter is not spelled out. */
  function number(value, digits = 4) {
    if (value < 1e-4) return "< 0.0001";
    return value >= 10 ** (digits - 1) ? value.toFixed(0) : value.toPrecision(digits);
  }

  const count = (amount, noun) => `${amount} ${noun}${amount === 1 ? "" : "s"}`;

  /** The observables with those that follow from the entropy. */
  function withShares(observables, nKeys) {
    const { entropy } = observables;
    return { ...observables, share: entropy / Math.log(nKeys), effective: Math.exp(entropy) };
  }

  function exactMeans(rule, { i, j, nKeys }) {
    const law = Object.entries(table.law[rule]).map(([quantity, values]) => [quantity, values[j][i]]);
    return withShares(Object.fromEntries(law), nKeys);
  }

  /** Fill one of the two columns of the table: "first" or "second". */
  function showValues(column, kind, values) {
    for (const [quantity, value] of Object.entries(values)) {
      find(`[data-cell="${column} ${kind} ${quantity}"]`).textContent = number(value);
    }
  }

  /** The words of a rule's radio button, formula and all. */
  const wordsOf = (rule) => [...find(`label[for="explorer-${rule}"]`).childNodes].map((node) => node.cloneNode(true));

  /** The least of 1, 0.5, 0.2, 0.1, 0.05, … that is not below the weight. */
  function axisTop(weight) {
    let top = 1;
    for (let i = 0; ; i++) {
      const lower = [0.5, 0.2, 0.1][i % 3] * 10 ** -Math.floor(i / 3);
      if (lower < weight) return top;
      top = lower;
    }
  }

  /** Bars from the bottom of a unit square. */
  function bars(weights, top) {
    const step = 1 / weights.length;
    const width = (weights.length > 128 ? 1 : 0.78) * step;
    const places = [...weights].map((weight, j) => [(j + 0.5) * step - width / 2, 1 - Math.min(1, weight / top)]);
    return places.map(([x, y]) => `M${x.toFixed(6)} 1V${y.toFixed(5)}h${width.toFixed(6)}V1z`).join("");
  }

  function showPanel(column, rule, weights, top) {
    const panel = find(`[data-panel="${column}"]`);
    panel.dataset.rule = rule;
    panel.querySelector(".rule").replaceChildren(...wordsOf(rule));
    panel.querySelector(".bars").setAttribute("d", bars(weights, top));
    const level = 1 - 1 / (weights.length * top);
    panel.querySelector(".equal").setAttribute("d", `M0 ${level}H1`);
    const ticks = [top, top / 2, 0].map((tick) => String(Number(tick.toPrecision(2))));
    panel.querySelectorAll(".ticks span").forEach((span, i) => { span.textContent = ticks[i]; });
    panel.querySelector(".last").textContent = weights.length;
  }

  // The map: a square for each stop, in the colour of the exact mean entropy as a share of ln n.

  const map = find(".map svg");
  const squares = table.n_keys.map((_, j) => table.d_k.map((_, i) => {
    const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const place = { x: i, y: table.n_keys.length - 1 - j, width: 1, height: 1 };
    for (const [name, value] of Object.entries(place)) square.setAttribute(name, value);
    map.querySelector(".squares").append(square);
    return square;
  }));

  /** Where a point lies on the map; the middle of its square for a stop of the sliders. */
  const onMap = (dK, nKeys) => [Math.log2(dK) + 0.5, table.n_keys.length - Math.log2(nKeys) + 0.5];

  function drawFreezingLine() {
    const points = [];
    for (let u = 0.5; u <= Math.log2(table.n_keys.at(-1)) + 0.5; u += 0.125) {
      points.push(onMap(2 * Math.log(2 ** u), 2 ** u).map((value) => value.toFixed(3)).join(" "));
    }
    for (const line of map.querySelectorAll(".freezing path")) line.setAttribute("d", `M${points.join("L")}`);
  }

  function showMap({ dK, nKeys, rule }) {
    const { colours, law } = table;
    squares.forEach((row, j) => row.forEach((square, i) => {
      const share = law[rule].entropy[j][i] / Math.log(table.n_keys[j]);
      square.setAttribute("fill", colours[Math.min(colours.length - 1, Math.floor(share * colours.length))]);
    }));
    const [x, y] = onMap(dK, nKeys);
    for (const ring of map.querySelectorAll(".here")) {
      ring.setAttribute("cx", x);
      ring.setAttribute("cy", y);
    }
    find(".map").dataset.rule = rule;
    find(".map .rule").replaceChildren(...wordsOf(rule));
  }

  function summary({ dK, nKeys, rule }, drawn, exact) {
    const line = 2 * Math.log(nKeys);
    const place = `The line is at 2 ln n = ${number(line, 3)}, and the ring ${dK < line ? "left" : "right"} of it. `;
    return (
      `With ${count(dK, "dimension")} and ${nKeys} keys, ${DONE[rule]}: this row’s largest weight is `
      + `${number(drawn.max_weight, 3)}, on average ${number(exact.max_weight, 3)}. ${rule === "raw" ? place : ""}`
      + `Its entropy is that of ${number(drawn.effective, 3)} equal weights, the mean entropy that of `
      + `${number(exact.effective, 3)}.`
    );
  }

  let waiting;
  let isFirst;

  /** Draw the row and show everything for where the controls stand. */
  function update() {
    controls.dK.setAttribute("aria-valuetext", count(table.d_k[controls.dK.value], "dimension"));
    controls.nKeys.setAttribute("aria-valuetext", count(table.n_keys[controls.nKeys.value], "key"));
    if (!controls.seed.validity.valid) return; // half typed
    const now = setting();
    find('output[for="explorer-d-k"]').textContent = now.dK;
    find('output[for="explorer-n-keys"]').textContent = now.nKeys;
    const dotProducts = drawDotProducts(now.seed, now.dK, now.nKeys);
    const shown = { first: "raw", second: now.rule === "raw" ? "scaled" : now.rule };
    const rows = Object.entries(shown).map(([column, rule]) => {
      const row = softmaxRow(dotProducts.map((product) => product * FACTORS[rule](now.dK)));
      return { column, rule, ...row, drawn: withShares(row.observables, now.nKeys), exact: exactMeans(rule, now) };
    });
    const highest = Math.max(...rows.map((row) => row.drawn.max_weight));
    for (const { column, rule, weights, drawn, exact } of rows) {
      showPanel(column, rule, weights, axisTop(controls.ownAxes.checked ? drawn.max_weight : highest));
      showValues(column, "drawn", drawn);
      showValues(column, "exact", exact);
      const heading = find(`th[data-column="${column}"]`);
      heading.dataset.rule = rule;
      heading.replaceChildren(...wordsOf(rule));
    }
    showMap(now);
    const chosen = rows.find((row) => row.rule === now.rule);
    const tell = () => { find(".summary").textContent = summary(now, chosen.drawn, chosen.exact); };
    clearTimeout(waiting);
    if (isFirst) tell();
    else waiting = setTimeout(tell, REST);
    isFirst = false;
  }

  for (const control of chapter.querySelectorAll("input")) control.addEventListener("input", update);
  controls.again.addEventListener("click", () => {
    const seed = controls.seed.validity.valid ? Number(controls.seed.value) : -1;
    controls.seed.value = (seed + 1) % (Number(controls.seed.max) + 1);
    update();
  });
  map.addEventListener("click", (event) => {
    const box = map.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    controls.dK.value = Math.floor(x * table.d_k.length);
    controls.nKeys.value = table.n_keys.length - 1 - Math.floor(y * table.n_keys.length);
    update();
  });

  /** Begin where the controls stand, which a browser may have put back to where the reader left them. */
  function begin() {
    if (!controls.seed.validity.valid) controls.seed.value = controls.seed.defaultValue;
    isFirst = true;
    update();
  }

  drawFreezingLine();
  begin();
  addEventListener("pageshow", begin); // some put them back only after the scripts have run
  for (const part of chapter.querySelectorAll(".still")) part.hidden = true;
  for (const part of chapter.querySelectorAll(".live")) part.hidden = false;
})();
