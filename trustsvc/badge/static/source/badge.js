/* <review-badge shop="…" theme="light|dark|auto">: the score, its stars and the seal, exactly where
   badge/v1/<shop>.svg draws them (render/svg.py), so that nothing is seen to jump. */
define("review-badge", ".json", "badge.css", (data, at) => {
  const left = data.reviews ? 75 : 16;
  const long = data.count.length > 17;
  const count = make("text", { part: "count", x: left, y: 53, "font-size": long && data.reviews ? 11 : 12 }, data.count);
  if (long) count.setAttribute("textLength", data.reviews ? 109 : 150);
  return [
    make("a", { part: "badge", href: at("s"), "aria-label": data.label },
      make("svg", { width: 220, height: 72, "aria-hidden": true },
        /* A stop without an offset stands where the one before it does (SVG 2, 14.2.4). */
        make("linearGradient", { id: "g" }, make("stop", { offset: data.filled }), make("stop", {})),
        make("text", { part: "score", x: 16, y: 46 }, data.score),
        make("path", { part: "stars", transform: `translate(${left - 2} 14)scale(.84)`, d: stars(0, 5) }),
        count,
        make("path", { part: "seal", d: data.seal ? "M199 15l2.3 2.3h3.4v3.4l2.3 2.3-2.3 2.3v3.4h-3.4l-2.3 2.3-2.3-2.3h-3.4v-3.4l-2.3-2.3 2.3-2.3v-3.4h3.4zm-3.6 8.1 2.6 2.6 4.6-4.6-1.1-1.1-3.5 3.5-1.5-1.5z" : "" }))),
    make("a", { part: "privacy", href: at("privacy") + "#object", "aria-label": data.privacy, title: data.privacy },
      make("svg", { width: 24, height: 24 },
        make("path", { d: "M5.5 12a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0m6.5-3.4v1.4m0 1.2v4.2" }))),
  ];
});
