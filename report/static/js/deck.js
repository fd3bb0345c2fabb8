// What the deck does beyond being read from top to bottom: one slide at a time, notes, an overview, a second window.
// Stands in the head, so that no slide is shown before its turn; without it they stand one under another.
"use strict";

(() => {
  const root = document.documentElement;
  const SECOND = "presenter"; // the name of the window with the notes
  const EDGE = 0.15; // of a slide's width
  const REST = 2500; // ms until the buttons go
  root.dataset.view = "slide";

  addEventListener("DOMContentLoaded", () => {
    const find = (selector) => document.querySelector(selector);
    const slides = [...document.querySelectorAll("main > section")];
    const picks = slides.map((slide) => slide.querySelector(".pick"));
    const keys = find("dialog");
    const titleOf = (slide) => slide.querySelector("h2");
    let at = -1;

    // --- Which slide ---

    function show(index) {
      const from = at;
      at = Math.max(0, Math.min(slides.length - 1, index));
      root.removeAttribute("data-blank");
      if (at === from) return;
      slides[from]?.classList.remove("current");
      slides[at].classList.add("current");
      history.replaceState(null, "", `#${slides[at].id}`);
      const next = slides[at + 1];
      find(".next").replaceChildren(...(next ? titleOf(next).cloneNode(true).childNodes : ["nothing, this is the last"]));
      find(".told").textContent = `Slide ${at + 1} of ${slides.length}: ${titleOf(slides[at]).textContent}`;
    }

    const indexOf = (hash) => slides.findIndex((slide) => `#${slide.id}` === hash);

    // --- What can be done, by the names of the buttons ---

    const actions = {
      next: () => show(at + 1),
      back: () => show(at - 1),
      first: () => show(0),
      last: () => show(slides.length - 1),
      overview: () => view(isOverview() ? "slide" : "overview"),
      notes: () => root.toggleAttribute("data-notes"),
      blank: () => root.toggleAttribute("data-blank"),
      full: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
      keys: () => keys.showModal(),
      second: openSecond,
    };
    const KEYS = {
      ArrowRight: "next", ArrowDown: "next", PageDown: "next", " ": "next",
      ArrowLeft: "back", ArrowUp: "back", PageUp: "back", Home: "first", End: "last",
      o: "overview", Escape: "overview", n: "notes", p: "second", f: "full", b: "blank", "?": "keys",
    };
    const ANYWHERE = ["overview", "full", "keys"]; // the others are for one slide

    function act(name) {
      actions[name]();
      tell();
    }

    // --- The overview: a link for each slide ---

    const isOverview = () => root.dataset.view === "overview";

    function view(name) {
      root.dataset.view = name;
      for (const slide of slides) slide.querySelector(".frame").inert = isOverview(); // what is inside is not to be picked
      if (isOverview()) pick(at);
      else document.activeElement.blur();
    }

    function pick(index) {
      const link = picks[Math.max(0, Math.min(picks.length - 1, index))];
      link.focus({ preventScroll: true });
      link.parentElement.scrollIntoView({ block: "nearest" });
    }

    /** The slide above or below another: the nearest one of the next row. */
    function across(index, step) {
      const { left, top } = picks[index].parentElement.getBoundingClientRect();
      let row = null;
      let best = index;
      for (let i = index + step; picks[i]; i += step) {
        const box = picks[i].parentElement.getBoundingClientRect();
        if (box.top === top) continue;
        row ??= box.top;
        if (box.top !== row) break;
        const isNearer = best === index
          || Math.abs(box.left - left) < Math.abs(picks[best].parentElement.getBoundingClientRect().left - left);
        if (isNearer) best = i;
      }
      return best;
    }

    const PICKS = {
      ArrowRight: (i) => i + 1, ArrowLeft: (i) => i - 1, Home: () => 0, End: () => picks.length - 1,
      ArrowDown: (i) => across(i, 1), ArrowUp: (i) => across(i, -1),
    };

    // --- Keys, clicks, addresses ---

    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { key, target } = event;
      if (keys.open) {
        if (key === "?") keys.close();
        return;
      }
      const isPressed = target.closest("button") ? key === " " || key === "Enter" : target.closest("a") && key === "Enter";
      const isScrolled = target.closest("aside") && ["ArrowUp", "ArrowDown", " "].includes(key);
      if (isPressed || isScrolled) return;
      const picked = picks.indexOf(document.activeElement);
      const name = key === " " && event.shiftKey ? "back" : KEYS[key.length === 1 ? key.toLowerCase() : key];
      if (isOverview() && key in PICKS) pick(PICKS[key](picked < 0 ? at : picked));
      else if (isOverview() && key === " " && picked >= 0) picks[picked].click();
      else if (name && (!isOverview() || ANYWHERE.includes(name))) act(name);
      else return;
      event.preventDefault();
    });

    addEventListener("click", (event) => {
      const link = event.target.closest("a.pick");
      const button = event.target.closest("button");
      if (event.detail) button?.blur(); // clicked, not pressed: keys are for the slides again
      if (link) {
        event.preventDefault();
        view("slide");
        show(picks.indexOf(link));
        tell();
      } else if (button?.dataset.do) {
        act(button.dataset.do);
      } else if (!isOverview() && !event.target.closest("a, button, aside, dialog, .desk") && getSelection().isCollapsed) {
        const box = slides[at].querySelector(".frame").getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width;
        if (x < EDGE || x > 1 - EDGE) act(x < EDGE ? "back" : "next");
      }
    });

    addEventListener("hashchange", () => {
      if (indexOf(location.hash) < 0) return;
      show(indexOf(location.hash));
      tell();
    });

    // --- Buttons that show while the pointer moves ---

    let waiting;
    function showButtons() {
      root.toggleAttribute("data-pointer", true);
      clearTimeout(waiting);
      waiting = setTimeout(() => root.removeAttribute("data-pointer"), REST);
    }
    for (const happening of ["pointermove", "pointerdown"]) addEventListener(happening, showButtons);

    // --- A second window, in step with the first; files have no origin of their own to name ---

    const isSecond = window.name === SECOND && window.opener;
    let partner = isSecond ? window.opener : null;

    function openSecond() {
      if (isSecond) return;
      partner = window.open(location.href, SECOND, "popup,width=1200,height=700");
      if (!partner) root.toggleAttribute("data-notes", true); // where windows are not allowed
    }

    function tell() {
      partner?.postMessage({ deck: document.title, slide: slides[at].id, isBlank: root.hasAttribute("data-blank") }, "*");
    }

    addEventListener("message", ({ data, source }) => {
      if (data?.deck !== document.title || indexOf(`#${data.slide}`) < 0) return;
      partner ??= source; // this window has been loaded anew
      show(indexOf(`#${data.slide}`));
      root.toggleAttribute("data-blank", data.isBlank === true);
    });

    // --- The time, and since when ---

    let started = Date.now();
    function tick() {
      const seconds = Math.floor((Date.now() - started) / 1000);
      const minutes = Math.floor(seconds / 60);
      find(".elapsed").textContent = `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
      find(".clock").textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    }
    find(".elapsed").addEventListener("click", () => {
      started = Date.now();
      tick();
    });
    setInterval(tick, 1000);
    tick();

    for (const notes of document.querySelectorAll("aside")) notes.tabIndex = 0; // they scroll
    if (isSecond) for (const name of ["data-presenter", "data-notes"]) root.toggleAttribute(name, true);
    show(Math.max(0, indexOf(location.hash)));
  });
})();
