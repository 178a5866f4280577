/* <review-list shop="…" theme="light|dark|auto">: a shop's newest reviews, in a strip as high as the
   image that stands inside the element until then, so that nothing below it moves. */
define("review-list", "/reviews.json", "list.css", (data, at) => {
  if (!data.reviews.length) throw 0;  // the link that stands inside says it better than an empty strip
  const star = (from, to, part) => make("path", { part, d: stars(from, to) });
  const link = (href, part, text) => make("a", { href, part }, text);
  if (data.reviews.some((one) => !/^[0-5]$/.test(one.stars))) throw 0;  // a million would take long
  const review = (one) => make("li", { part: "review" },
    make("div", { class: "row" },
      make("svg", { role: "img", "aria-label": one.label, viewBox: "0 0 120 24", width: 90, height: 18 },
        star(0, one.stars, "stars"), star(one.stars, 5, "rest")),
      make("time", { datetime: one.date, part: "soft", dir: "auto" }, one.day)),
    ...one.title ? [make("b", { dir: "auto" }, one.title)] : [],
    make("p", { dir: "auto" }, one.text),
    make("div", { class: "row", part: "soft" }, make("span", { dir: "auto" }, one.by), make("span", { part: "mark" }, one.mark)));
  return [make("section", { lang: data.lang, "aria-label": data.title },
    make("div", { class: "row" }, make("b", { part: "title" }, data.title), link(at("s"), "all", data.all)),
    /* The keyboard scrolls what it can reach. */
    make("ul", { role: "list", tabindex: 0, "aria-label": data.order }, ...data.reviews.map(review)),
    make("div", { class: "row", part: "soft" }, make("span", {}, data.order), link(at("privacy") + "#object", "privacy", data.privacy)))];
});
