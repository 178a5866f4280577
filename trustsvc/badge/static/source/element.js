/* What the badge and the list have in common. A release puts this file and one of them into a
   function of their own, the stylesheet into its place, and minifies the whole (bench/embed.py).

   What stands inside the element stays as it is until the answer is here, and whenever anything
   fails. No cookies, no storage, no markup from strings; one request, when it comes near. */
const make = (tag, attributes, ...children) => {
  const svg = /svg|path|te|st|G/.test(tag);
  const made = document.createElementNS(`http://www.w3.org/${svg ? "2000/svg" : "1999/xhtml"}`, tag);
  /* Its own keys alone: some pages give every object more of them. */
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
  made.append(...children);
  return made;
};

/* Stars in a row, from one number to another, each on a field of 24. */
const stars = (from, to) => {
  let path = "";
  for (; from < to; from++) path += `M${12 + 24 * from} 2.4l2.8 6.6 7.1.6-5.4 4.7 1.6 6.9-6.1-3.7-6.1 3.7 1.6-6.9-5.4-4.7 7.1-.6z`;
  return path;
};

const define = (name, end, css, draw) => {
  const source = document.currentScript;
  /* An image that a page's author named currentScript would be found here, and asked for numbers. */
  if (source?.tagName != "SCRIPT" || customElements.get(name)) return;
  const known = {};
  customElements.define(name, class extends HTMLElement {
    connectedCallback() {
      const near = new IntersectionObserver((entries) => {
        if (!entries.some((one) => one.isIntersecting)) return;
        near.disconnect();
        /* Every address is made here: no answer can lead a link to where it likes. */
        const at = (page) => `${new URL(source.src).origin}/${page}/${encodeURIComponent(this.getAttribute("shop"))}`;
        const url = at("badge/v1") + end;
        /* Ten elements make one request. */
        (known[url] ||= fetch(url, { credentials: "omit", referrerPolicy: "origin" }).then((answer) => answer.json()))
          .then((data) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            const children = draw(data, at);
            const root = this.shadowRoot || this.attachShadow({ mode: "open" });
            root.adoptedStyleSheets = [sheet];
            root.replaceChildren(...children);
            return "load";
          }).catch(() => "error")
          .then((outcome) => this.dispatchEvent(new CustomEvent(`${name}:${outcome}`, { bubbles: true, composed: true })));
      }, { rootMargin: "200px" });
      /* Until it is drawn it is a line of text as a box; what stands inside it may reach above that. */
      for (const one of [this, ...this.children]) near.observe(one);
    }
  });
};
