/* trustsvc review badge. <review-badge shop="…" theme="light|dark|auto">: the image inside stays until
   the score is here, and whenever anything fails. No cookies, no storage, one request. */
(() => {
  const name = "review-badge";
  const source = document.currentScript;
  if (!source || customElements.get(name)) return;
  const origin = new URL(source.src).origin;
  const known = new Map();
  const dark = "--_ink:#f4efe6;--_soft:#c3bbad;--_paper:#221f1b;--_line:#47413a;--_star:#eab65c;--_seal:#8ccbb1";
  const css = `:host{display:inline-block;width:220px;height:72px;contain:strict;--_ink:#1f1d1a;--_soft:#5c564d;--_paper:#fff;--_line:#e4ddd0;--_star:#b8791a;--_seal:#37705a}
:host([hidden]){display:none}
:host([theme=dark]){${dark}}
@media(prefers-color-scheme:dark){:host([theme=auto]){${dark}}}
a{box-sizing:border-box;display:flex;gap:14px;align-items:center;height:100%;padding:0 16px;border:1px solid var(--review-badge-line,var(--_line));border-radius:var(--review-badge-radius,12px);background:var(--review-badge-paper,var(--_paper));color:var(--review-badge-ink,var(--_ink));font:12.5px/1.3 var(--review-badge-font,system-ui,sans-serif);text-decoration:none}
a:focus-visible{outline:3px solid var(--_seal);outline-offset:-3px}
b{font-size:32px;line-height:1;font-weight:600}
i{font-style:normal;color:var(--review-badge-soft,var(--_soft));white-space:nowrap}
svg{display:block;margin:0 0 4px -2px}
svg:dir(rtl){transform:scaleX(-1)}
.on{stop-color:var(--review-badge-star,var(--_star))}
.off{stop-color:var(--_line)}
.seal{fill:none;stroke:var(--_seal);stroke-width:2}
@media(forced-colors:active){.on{stop-color:LinkText}.off{stop-color:Canvas}path{stroke:LinkText}}`;
  const star = "l2.8 6.6 7.1.6-5.4 4.7 1.6 6.9-6.1-3.7-6.1 3.7 1.6-6.9-5.4-4.7 7.1-.6z";
  const make = (tag, attributes, ...children) => {
    const made = document.createElementNS(`http://www.w3.org/${/^[abi]$/.test(tag) ? "1999/xhtml" : "2000/svg"}`, tag);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  };
  const stars = (mean, seal) => {
    const whole = Math.floor(mean), part = mean - whole;
    const offset = (24 * whole + (part && 2 + 20 * part)) / 120;
    const row = [0, 1, 2, 3, 4].map((n) => `M${12 + 24 * n} 2.4${star}`).join("");
    return make("svg", { width: 124, height: 20, viewBox: "0 0 149 24", part: "stars", "aria-hidden": true },
      make("linearGradient", { id: "g", gradientUnits: "userSpaceOnUse", x2: 120 },
        make("stop", { class: "on", offset }), make("stop", { class: "off", offset })),
      make("path", { d: row, fill: "url(#g)" }),
      ...(seal ? [make("path", { class: "seal", d: "M129 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0m5 .3 3 3 6-6" })] : []));
  };
  const get = (shop) => {
    const url = `${origin}/badge/v1/${encodeURIComponent(shop)}.json`;
    if (!known.has(url)) {
      known.set(url, fetch(url, { credentials: "omit", referrerPolicy: "origin" })
        .then((answer) => answer.ok ? answer.json() : Promise.reject(answer.status)));
    }
    return known.get(url);
  };
  customElements.define(name, class extends HTMLElement {
    connectedCallback() {
      if (this.seen) return;
      this.seen = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        this.seen.disconnect();
        get(this.getAttribute("shop")).then((face) => this.show(face)).then(
          () => this.tell("load"), () => this.tell("error"));
      }, { rootMargin: "200px" });
      this.seen.observe(this);
    }
    show(face) {
      if (!/^https?:/.test(face.url)) throw face;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const count = make("i", { part: "count" }, face.count);
      const link = make("a", { part: "badge", href: face.url, "aria-label": face.label });
      if (face.reviews) link.append(make("b", { part: "score" }, face.score), make("i", {}, stars(face.stars, face.seal), count));
      else link.append(count);
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(link);
    }
    tell(what) {
      this.dispatchEvent(new CustomEvent(`${name}:${what}`, { bubbles: true, composed: true }));
    }
  });
})();
