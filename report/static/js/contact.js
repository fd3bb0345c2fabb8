// What the page of figures does beyond showing all of them: it filters them by words, and copies captions.
"use strict";

(() => {
  const form = document.querySelector("form");
  const box = form.querySelector("input");
  const cards = [...document.querySelectorAll("article")];
  const textOf = (card) => `${card.textContent} ${card.querySelector("img").alt}`.toLowerCase();
  const texts = new Map(cards.map((card) => [card, textOf(card)]));

  /** Show the figures with every one of the words. */
  function filter() {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const card of cards) card.hidden = !words.every((word) => texts.get(card).includes(word));
    const shown = cards.filter((card) => !card.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${cards.length}`;
  }

  /** A caption as plain text; where that may not be copied, it is selected as it stands. */
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy the caption"; }, 2000);
    } catch {
      getSelection().selectAllChildren(button.parentElement.querySelector(".caption"));
    }
  }

  for (const button of document.querySelectorAll("button[data-text]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", filter);
  addEventListener("pageshow", filter); // some browsers put back what was typed
  form.hidden = false;
})();
