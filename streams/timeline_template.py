"""What is the same in every timeline page: its style, its script and its frame."""

from __future__ import annotations

import base64
import hashlib
from string import Template

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --quiet: #566173; --line: #d9dee6;
  --seen: #2563a8; --heard: #8a5a00; --said: #1f7a4d; --alarm: #b3261e;
  --heard-card: #fff7e6; --said-card: #eaf7f0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --ink: #e8ecf2; --quiet: #a2adbd; --line: #323b49;
    --seen: #7db4f0; --heard: #e5b45c; --said: #6fcf9f; --alarm: #ff8a80;
    --heard-card: #2a2418; --said-card: #17291f;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
.page { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
a { color: inherit; }
:focus-visible { outline: 3px solid var(--seen); outline-offset: 2px; border-radius: 4px; }
[hidden] { display: none !important; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 2; }
.aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }

header.page { padding-top: 2.25rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere; }
h1 small { display: block; font-size: .875rem; font-weight: 400; color: var(--quiet); margin-bottom: .25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem 1.5rem;
  margin: 0; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; }
.facts dt { font-size: .8125rem; color: var(--quiet); }
.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.notice { margin: .75rem 0 0; padding: .5rem 1rem; border-left: 4px solid var(--alarm);
  background: var(--card);
  border-radius: 4px; }
details { margin: .75rem 0 0; color: var(--quiet); }
details p { margin: .25rem 0 0; color: var(--ink); overflow-wrap: anywhere; }

.overview { display: grid; grid-template-columns: auto 1fr; column-gap: .75rem; margin-top: 1.5rem; }
.overview .rows { display: grid; grid-template-rows: repeat(3, 1.5rem); font-size: .8125rem; }
.overview .rows span { align-self: center; text-align: right; }
.overview svg { display: block; width: 100%; height: 4.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
.overview rect { opacity: .85; }
.overview a:hover rect { opacity: 1; }
.overview line { stroke: var(--line); vector-effect: non-scaling-stroke; }
.overview .ticks { grid-column: 2; display: flex; justify-content: space-between; font-size: .8125rem;
  color: var(--quiet); font-variant-numeric: tabular-nums; }
rect.frame { fill: var(--seen); } rect.utterance { fill: var(--heard); } rect.reply { fill: var(--said); }
.rows .frame, .frame .label { color: var(--seen); }
.rows .utterance, .utterance .label { color: var(--heard); }
.rows .reply, .reply .label { color: var(--said); }

.chapters ul { list-style: none; display: flex; flex-wrap: wrap; align-items: center; gap: .375rem;
  margin: 1rem 0 0; padding: 0; }
.chapters a { display: block; padding: .125rem .625rem; border: 1px solid var(--line); border-radius: 999px;
  background: var(--card); text-decoration: none; font-size: .875rem; font-variant-numeric: tabular-nums; }
.chapters a:hover { border-color: var(--seen); }

.find { position: sticky; top: 0; z-index: 1; background: var(--page); border-bottom: 1px solid var(--line);
  margin-top: 1.25rem; }
.find form { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; padding-block: .625rem; }
.find input[type=search] { font: inherit; color: inherit; flex: 1 1 12rem; min-width: 0;
  padding: .375rem .75rem;
  border: 1px solid var(--quiet); border-radius: 8px; background: var(--card); }
.find fieldset { display: flex; gap: .875rem; border: 0; margin: 0; padding: 0; }
.find label { display: inline-flex; align-items: center; gap: .3rem; }
.find output { color: var(--quiet); font-size: .875rem; min-width: 6.5rem; text-align: right; }

main { padding-bottom: 4rem; }
h2 { font-size: 1rem; color: var(--quiet); font-weight: 600; margin: 1.75rem 0 .5rem; padding-left: 8.25rem;
  font-variant-numeric: tabular-nums; }
ol { list-style: none; margin: 0; padding: 0; }
.moment, .gap { position: relative; display: grid; grid-template-columns: 7rem minmax(0, 1fr);
  column-gap: 1.25rem;
  padding: .375rem 0; }
.moment { content-visibility: auto; contain-intrinsic-size: auto 4rem; }
.moment::before, .gap::before { content: ""; position: absolute; left: 7.5625rem; top: 0; bottom: 0;
  width: 2px;
  background: var(--line); }
.moment::after { content: ""; position: absolute; left: 7.25rem; top: 1.25rem; width: .75rem; height: .75rem;
  border-radius: 50%; background: currentcolor; border: 2px solid var(--page); }
.moment.frame::after { color: var(--seen); }
.moment.utterance::after { color: var(--heard); }
.moment.reply::after { color: var(--said); }
.when { margin: 0; padding-top: .875rem; text-align: right; font-size: .875rem; line-height: 1.4;
  color: var(--quiet);
  font-variant-numeric: tabular-nums; }
.when a { text-decoration: none; }
.when a:hover { text-decoration: underline; }
.what { margin-left: .5rem; padding: .625rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; min-width: 0; justify-self: start; max-width: 100%; }
.utterance .what { background: var(--heard-card); border-top-left-radius: 2px; }
.reply .what { background: var(--said-card); border-top-right-radius: 2px; justify-self: end;
  margin-left: 3rem; }
.label { font-size: .75rem; font-weight: 700; letter-spacing: .04em; text-transform: uppercase; }
.times { font-size: .75rem; color: var(--quiet); }
.text { margin: 0; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: .375rem; margin-top: .5rem; }
.pictures img { display: block; height: 5.625rem; width: auto; max-width: 100%; border-radius: 6px;
  background: var(--line); }
.gap p { grid-column: 2; margin: .25rem 0 .25rem .5rem; font-size: .875rem; font-style: italic;
  color: var(--quiet); }
.gap::before { background: repeating-linear-gradient(var(--line) 0 4px, transparent 4px 9px); }
.moment:target .what { outline: 2px solid var(--seen); }
.empty { padding: 2rem; text-align: center; color: var(--quiet); }
@media (max-width: 40rem) {
  .moment, .gap { grid-template-columns: 3.5rem minmax(0, 1fr); column-gap: 1rem; }
  .moment::before, .gap::before { left: 3.9375rem; }
  .moment::after { left: 3.625rem; }
  h2 { padding-left: 4.75rem; }
  .reply .what { margin-left: 1rem; }
  .pictures img { height: 4.125rem; }
}
@media print { .find, .chapters, .skip { display: none; } .moment { content-visibility: visible;
  break-inside: avoid; } }
"""

SCRIPT = """
(() => {
  const form = document.forms.find;
  const moments = [...document.querySelectorAll(".moment")];
  const texts = moments.map(each => each.querySelector(".text").textContent.toLowerCase());
  const chapters = [...document.querySelectorAll("section.chapter")];
  const gaps = [...document.querySelectorAll(".gap")];
  const kinds = [...form.elements.kind];
  const apply = () => {
    const words = form.elements.words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const wanted = new Set(kinds.filter(each => each.checked).map(each => each.value));
    let shown = 0;
    moments.forEach((each, i) => {
      const found = wanted.has(each.dataset.kind) && words.every(word => texts[i].includes(word));
      each.hidden = !found;
      shown += found;
    });
    for (const each of chapters) each.hidden = !each.querySelector(".moment:not([hidden])");
    for (const each of gaps) each.hidden = shown < moments.length;
    form.elements.count.value = shown + " of " + moments.length;
    document.getElementById("nothing").hidden = shown > 0;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  document.getElementById("find").hidden = false;
  apply();
})();
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


POLICY = (
    f"default-src 'none'; img-src data:; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded from anywhere, and no script and style but those of this file are run."""

HEAD = Template(
    f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="streams memory show">
<title>$title – timeline</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#timeline">Skip to the timeline</a>
<header class="page">
<h1><small>What this session saw and heard</small><bdi>$title</bdi></h1>
<dl class="facts">
$facts</dl>
$notices</header>
"""
)

FIND = """<div id="find" class="find" hidden>
<form name="find" class="page" role="search">
<label class="aside" for="words">Search what was seen and said</label>
<input type="search" id="words" name="words" placeholder="Search what was seen and said" autocomplete="off">
<fieldset>
<legend class="aside">Show</legend>
<label><input type="checkbox" name="kind" value="frame" checked> seen</label>
<label><input type="checkbox" name="kind" value="utterance" checked> heard</label>
<label><input type="checkbox" name="kind" value="reply" checked> answered</label>
</fieldset>
<output name="count" aria-live="polite"></output>
</form>
</div>
"""

TAIL = f"""<p id="nothing" class="empty" hidden>Nothing here says that.</p>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""
