// Filters the table by what the boxes say, and keeps them in the page's address, so that a link carries them along.
const form = document.getElementById("filters");
const lines = [...document.querySelectorAll("tbody.line")].map((body) => ({
  body,
  data: body.dataset,
  kinds: body.dataset.kinds.split(" "),
  accelerators: body.dataset.accelerators.split(" "),
  tokens: body.dataset.tokens.split(" ").map((t) => t.split(":")),
}));
const strengths = form.dataset.strengths.split(" ");
const wanted = document.getElementById("wanted");
const pattern = wanted.firstElementChild.cloneNode(true);

function fillMechanisms(row) {
  const [requirement, mechanism] = row.querySelectorAll("select");
  const chosen = mechanism.value;
  const option = requirement.selectedOptions[0];
  const names = (option.dataset.mechanisms || "").split(" ").filter(Boolean);
  mechanism.replaceChildren(new Option("any mechanism", ""), ...names.map((n) => new Option(n, n)));
  mechanism.value = names.includes(chosen) ? chosen : "";
  mechanism.disabled = !requirement.value;
}

function musts() {
  return [...wanted.children]
    .map((row) => [...row.querySelectorAll("select")].map((s) => s.value))
    .filter(([requirement]) => requirement);
}

// The token by which a submission meets what is wanted.
function meets(line, [requirement, mechanism, weakest]) {
  const limit = weakest ? strengths.indexOf(weakest) : Infinity;
  return line.tokens.find(([r, m, strength]) => {
    const rank = strengths.indexOf(strength);
    return r === requirement && m === mechanism && (rank < 0 ? Infinity : rank) <= limit;
  });
}

function fits(line, asked) {
  const d = line.data;
  if (asked.text && !d.text.includes(asked.text)) return false;
  if (asked.version && d.version !== asked.version) return false;
  if (asked.kind && !line.kinds.includes(asked.kind)) return false;
  if (asked.accelerator && !line.accelerators.includes(asked.accelerator)) return false;
  if (asked.valid && !(d.certified && d.certified <= asked.valid && asked.valid < d.expires)) return false;
  return asked.musts.every((m) => meets(line, m));
}

// Of each platform only the newest submission that fits, as `aiconform registry find` does.
function apply() {
  const f = form.elements;
  const asked = { text: f.text.value.trim().toLowerCase(), version: f.version.value, kind: f.kind.value,
    accelerator: f.accelerator.value, valid: f.valid.value, musts: musts() };
  const last = new Map();
  for (const line of lines) {
    line.fits = fits(line, asked);
    if (line.fits) last.set(line.data.platform, line);
  }
  let shown = 0;
  for (const line of lines) {
    const show = line.fits && (!f.newest.checked || last.get(line.data.platform) === line);
    line.body.hidden = !show;
    if (show) explain(line, asked.musts);
    shown += show;
  }
  document.getElementById("shown").textContent =
    `${shown} of ${lines.length} submissions shown, of ${last.size} platforms`;
  document.getElementById("undated").hidden = !asked.valid || lines.every((l) => l.data.certified);
  document.getElementById("none").hidden = shown > 0;
  remember(asked, f.newest.checked);
}

function explain(line, musts) {
  const why = line.body.querySelector(".why");
  why.hidden = !musts.length;
  why.textContent = musts.map((must) => {
    const [requirement, , strength] = meets(line, must);
    const names = line.tokens.filter(([r, m]) => r === requirement && m).map(([, m]) => m);
    return `${requirement}: ${names.join(", ") || "no mechanism named"}; evidence: ${strength}`;
  }).join(" · ");
}

function remember(asked, newest) {
  const words = new URLSearchParams();
  for (const key of ["text", "version", "kind", "accelerator", "valid"]) if (asked[key]) words.set(key, asked[key]);
  for (const must of asked.musts) words.append("must", must.join(":"));
  if (!newest) words.set("all", "1");
  const hash = words.toString();
  if (hash || location.hash.includes("=")) history.replaceState(null, "", hash ? `#${hash}` : "#");
}

function recall() {
  const words = new URLSearchParams(location.hash.slice(1));
  const f = form.elements;
  for (const key of ["text", "version", "kind", "accelerator", "valid"]) if (words.get(key)) f[key].value = words.get(key);
  if (words.get("all")) f.newest.checked = false;
  for (const [i, must] of words.getAll("must").entries()) {
    const row = i ? add() : wanted.firstElementChild;
    const [requirement, mechanism, weakest] = row.querySelectorAll("select");
    const parts = must.split(":");
    requirement.value = parts[0];
    if (requirement.selectedIndex < 0) requirement.value = "";
    fillMechanisms(row);
    mechanism.value = parts[1] || "";
    if (mechanism.selectedIndex < 0) mechanism.value = "";
    weakest.value = parts[2] || "";
    if (weakest.selectedIndex < 0) weakest.value = "";
  }
}

function add() {
  const row = pattern.cloneNode(true);
  wanted.append(row);
  fillMechanisms(row);
  return row;
}

form.addEventListener("submit", (e) => e.preventDefault());
form.addEventListener("input", (e) => {
  const row = e.target.closest(".wanted");
  if (row && e.target === row.querySelector("select")) fillMechanisms(row);
  apply();
});
document.getElementById("add").addEventListener("click", () => add().querySelector("select").focus());
wanted.addEventListener("click", (e) => {
  if (!e.target.matches("button")) return;
  const row = e.target.closest(".wanted");
  if (wanted.children.length > 1) row.remove();
  else row.querySelectorAll("select").forEach((s) => { s.selectedIndex = 0; });
  fillMechanisms(wanted.firstElementChild);
  apply();
});
document.getElementById("reset").addEventListener("click", () => {
  form.reset();
  wanted.replaceChildren(pattern.cloneNode(true));
  fillMechanisms(wanted.firstElementChild);
  apply();
});
form.hidden = false;
fillMechanisms(wanted.firstElementChild);
recall();
apply();
