"use strict";

// Shows only the experiments that contain every word of the search.
const field = document.querySelector("input[type=search]");
const count = document.querySelector("output");
const articles = [...document.querySelectorAll("article")];
const texts = articles.map((article) => `${article.id} ${article.textContent}`.toLowerCase());

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  articles.forEach((article, i) => {
    const fits = words.every((word) => texts[i].includes(word));
    article.hidden = !fits;
    document.querySelector(`nav a[href="#${article.id}"]`).parentElement.hidden = !fits;
    found += fits;
  });
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("article:not([hidden])");
  }
  count.textContent = words.length ? `${found} of ${articles.length} experiments` : "";
}

field.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.value = "";
    search();
  }
});
search();
