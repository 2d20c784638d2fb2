// Help at the desk that nobody needs: keys, boxes ticked together, and what is new while a list is open.
const all = (what, within = document) => [...within.querySelectorAll(what)];
const one = (what) => document.querySelector(what);

// -- keys: on rows of [data-rows]; elsewhere whatever has the key in its data-key is clicked, or focused --
const help = one("[data-keys]");
const off = () => localStorage.getItem("keys") === "off";
const rows = all("[data-rows] tbody tr");
const here = () => rows.findIndex((row) => row.contains(document.activeElement));
const link = (row) => row?.querySelector("th a");
const typing = (at) => at.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

function move(by) {
  const at = here();
  const to = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  link(to)?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

const onRows = {
  j: () => move(1),
  k: () => move(-1),
  o: () => link(rows[here()])?.click(),
  r: () => { const to = link(rows[here()]); if (to) location.assign(`${to.href}#answer`); },
  a: () => { const box = rows[here()]?.querySelector("[name=selected]"); if (box) { box.checked = true; told(); } },
};

function press(key) {
  if (key === "?" && help) { help.open = !help.open; help.firstElementChild.focus(); return true; }
  const is = rows.length && onRows[key];
  if (is) is();
  const target = one(`[data-key="${CSS.escape(key)}"]`);
  if (target?.matches("a, button, summary")) target.click();
  else { target?.focus(); target?.select?.(); }
  return Boolean(is || target);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || off() || typing(event.target)) return;
  // On a keyboard of another script the letter is where a Latin one has it.
  const latin = /^[a-z/?]$/.test(event.key);
  const key = latin ? event.key : event.key === "؟" ? "?" : event.code.replace("Key", "").toLowerCase();
  if (press(key)) event.preventDefault();
});

if (help) {
  const button = help.querySelector("button");
  const show = () => { button.textContent = off() ? button.dataset.on : button.dataset.off; };
  button.addEventListener("click", () => { localStorage.setItem("keys", off() ? "on" : "off"); show(); });
  show();
  help.hidden = false;
}

// -- boxes: all of the page at once, and how many are ticked --
const boxes = all("[name=selected]");
const every = one("[data-tick-all]");
function told() {
  const ticked = boxes.filter((box) => box.checked).length;
  every.checked = ticked === boxes.length;
  every.indeterminate = ticked > 0 && !every.checked;
  one("[data-ticked]").textContent = ticked.toLocaleString(document.documentElement.lang);
}
if (every && boxes.length) {
  every.closest("[hidden]").hidden = false;
  every.addEventListener("change", () => { boxes.forEach((box) => { box.checked = every.checked; }); told(); });
  boxes.forEach((box) => box.addEventListener("change", told));
  told();
}

// -- what is new: a piece of a page, asked for while somebody can see it --
const fresh = one("[data-fresh]");
const EVERY = 20_000; // milliseconds
let etag = "";
async function look() {
  if (document.hidden) return;
  const headers = { "X-Unattended": "1", ...(etag && { "If-None-Match": etag }) };
  const answer = await fetch(fresh.dataset.fresh, { headers, redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect" || answer?.status === 403) clearInterval(timer); // signed out meanwhile
  if (!answer?.ok) return;
  etag = answer.headers.get("ETag") ?? "";
  fresh.innerHTML = await answer.text();
}
const timer = fresh && setInterval(look, EVERY);
if (fresh) document.addEventListener("visibilitychange", look);
