/* trustsvc card for the page after an order: <review-card shop="…" theme="light|dark|auto">, whose words
   and links are inside it and stay as they are without this script. The shop sets element.email (or the
   attribute). It goes nowhere before the button is pressed: then into the body of a form to our own page,
   in a new tab. No cookies, no storage, no requests. */
(() => {
  const name = "review-card";
  if (customElements.get(name)) return;
  const dark = "--_ink:#f4efe6;--_soft:#c3bbad;--_paper:#221f1b;--_line:#47413a;--_go:#eab65c;--_on:#221f1b";
  const css = `:host{display:block;max-width:34rem;--_ink:#1f1d1a;--_soft:#5c564d;--_paper:#fff;--_line:#e4ddd0;--_go:#85530a;--_on:#fff}
:host([hidden]){display:none}
:host([theme=dark]){${dark}}
@media(prefers-color-scheme:dark){:host([theme=auto]){${dark}}}
section{box-sizing:border-box;padding:1.4rem 1.5rem 1.2rem;border:1px solid var(--review-card-line,var(--_line));border-radius:var(--review-card-radius,14px);background:var(--review-card-paper,var(--_paper));color:var(--review-card-ink,var(--_ink));font:1rem/1.55 var(--review-card-font,system-ui,sans-serif);overflow-wrap:break-word}
h2{margin:0 0 .5rem;font-size:1.25rem;line-height:1.25}
p{margin:0 0 .6rem}
p+p{color:var(--review-card-soft,var(--_soft));font-size:.9375rem}
form{margin:1.1rem 0 .75rem}
button{min-height:2.75rem;padding:.55rem 1.4rem;border:1px solid transparent;border-radius:999px;background:var(--review-card-go,var(--_go));color:var(--review-card-on,var(--_on));font:inherit;font-weight:650;cursor:pointer}
a{display:inline-block;padding:.3rem 1.2rem .3rem 0;color:inherit;font-size:.875rem;text-underline-offset:.18em}
button:hover{text-decoration:underline}
:focus-visible{outline:3px solid var(--_go);outline-offset:3px;border-radius:4px}
button:focus-visible{border-radius:999px}
@media(forced-colors:active){button{border-color:ButtonText}}`;
  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  };
  customElements.define(name, class extends HTMLElement {
    connectedCallback() {
      // The parser may not have read what is inside yet.
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.show());
      else this.show();
    }
    show() {
      const [go, ...more] = this.querySelectorAll("a");
      if (this.shadowRoot || !go || !/^https?:/.test(go.href)) return;
      const textOf = (one) => one ? one.textContent : "";
      const hidden = (key, value) => make("input", { type: "hidden", name: key, value });
      const email = hidden("email", "");
      const form = make("form", { method: "post", action: go.href, target: "_blank", rel: "noopener noreferrer" },
        email, hidden("step", "look"), hidden("source", "card"), make("button", { part: "button" }, textOf(go)));
      form.addEventListener("submit", () => {
        email.value = this.email || this.getAttribute("email") || "";
        setTimeout(() => { email.value = ""; });
        this.dispatchEvent(new CustomEvent(`${name}:open`, { bubbles: true, composed: true }));
      });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(make("section", { part: "card", "aria-labelledby": "t" },
        make("h2", { id: "t", part: "title" }, textOf(this.querySelector("h2"))),
        ...[...this.querySelectorAll("p")].filter((one) => !one.querySelector("a"))
          .map((one) => make("p", { part: "text" }, textOf(one))),
        form, ...more.map((one) => make("a", { href: one.href, target: "_blank", rel: "noopener noreferrer" }, textOf(one)))));
    }
  });
})();
