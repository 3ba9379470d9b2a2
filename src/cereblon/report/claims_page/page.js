"use strict";
(function () {
  var svg = document.getElementById("diagram");
  var panel = document.getElementById("panel");
  var body = document.getElementById("panel-body");
  var arrows = Array.prototype.slice.call(svg.querySelectorAll(".arrow"));
  var nodes = Array.prototype.slice.call(svg.querySelectorAll(".node"));
  var nothing = body.firstElementChild.cloneNode(true);
  var last = null;

  function claimCard(id) {
    var card = document.getElementById("claim-" + id);
    if (!id || !card) { return null; }
    var out = document.createElement("section");
    out.className = "claim-in-panel";
    out.dataset.claim = id;
    var head = document.createElement("h4");
    head.className = "claim-head";
    Array.prototype.forEach.call(card.querySelector("summary").childNodes, function (n) { head.appendChild(n.cloneNode(true)); });
    out.appendChild(head);
    out.appendChild(card.querySelector(".body").cloneNode(true));
    return out;
  }
  function unfold(card) {
    Array.prototype.forEach.call(card.querySelectorAll("details.plots"), function (d) { d.open = true; });
  }
  function show(content, hash, from) {
    body.textContent = "";
    var back = document.createElement("button");
    back.type = "button";
    back.className = "back";
    back.textContent = "Close";
    back.addEventListener("click", function () { clear(); if (from) { from.focus(); } });
    body.appendChild(back);
    body.appendChild(content);
    history.replaceState(null, "", hash);
    panel.scrollTop = 0;
    body.focus({ preventScroll: true });
    var top = panel.getBoundingClientRect().top;
    if (top < 0) {
      window.scrollBy({ top: top - 8 });
    } else if (top > window.innerHeight - 300) {
      // On a phone keep a strip of the diagram in sight above the panel.
      window.scrollBy({ top: top - Math.max(8, window.innerHeight * 0.35) });
    }
  }
  function clear() {
    body.textContent = "";
    body.appendChild(nothing.cloneNode(true));
    light([], null);
    history.replaceState(null, "", location.pathname + location.search);
  }
  function light(on, chosen) {
    arrows.forEach(function (a) { a.classList.toggle("on", on.indexOf(a) >= 0); });
    nodes.forEach(function (n) { n.classList.toggle("on", n === chosen); });
    svg.classList.toggle("focused", on.length > 0);
  }
  function template(id) { return document.getElementById("t-" + id).content.cloneNode(true); }
  function openArrow(id) {
    var arrow = document.getElementById(id);
    if (!arrow || !arrow.classList.contains("arrow")) { return; }
    var content = document.createElement("div");
    content.appendChild(template(id));
    var place = content.querySelector(".claims");
    var cards = place.dataset.claims.split(" ").map(claimCard).filter(Boolean);
    cards.forEach(function (c) { place.appendChild(c); });
    if (cards.length === 1) { unfold(cards[0]); }
    light([arrow], null);
    last = arrow;
    show(content, "#arrow=" + id, arrow);
  }
  function openNode(id) {
    var node = document.getElementById("node-" + id);
    if (!node) { return; }
    light(arrows.filter(function (a) { return a.dataset.from === id || a.dataset.to === id; }), node);
    last = node;
    show(template("node-" + id), "#node=" + id, node);
  }
  function openClaim(id, from) {
    var card = claimCard(id);
    if (!card) { return; }
    unfold(card);
    light(arrows.filter(function (a) {
      return document.getElementById("t-" + a.id).content.querySelector(".claims").dataset.claims.split(" ").indexOf(id) >= 0;
    }), null);
    show(card, "#claim=" + id, from);
  }
  function onKey(act) {
    return function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
    };
  }
  arrows.forEach(function (a) {
    a.addEventListener("click", function () { openArrow(a.id); });
    a.addEventListener("keydown", onKey(function () { openArrow(a.id); }));
  });
  nodes.forEach(function (n) {
    var id = n.id.slice(5);
    n.addEventListener("click", function () { openNode(id); });
    n.addEventListener("keydown", onKey(function () { openNode(id); }));
    n.addEventListener("mouseenter", function () {
      arrows.forEach(function (a) { a.classList.toggle("near", a.dataset.from === id || a.dataset.to === id); });
      svg.classList.add("hovered");
    });
    n.addEventListener("mouseleave", function () { svg.classList.remove("hovered"); });
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-arrow]");
    var link = event.target.closest("a[data-claim]");
    if (button) { openArrow(button.dataset.arrow); }
    if (link) { event.preventDefault(); openClaim(link.dataset.claim, link); }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && last) { clear(); last.focus(); last = null; }
  });

  Array.prototype.forEach.call(document.querySelectorAll("[data-view]"), function (b) {
    b.addEventListener("click", function () {
      svg.dataset.view = b.dataset.view;
      Array.prototype.forEach.call(document.querySelectorAll("[data-view][aria-pressed]"), function (o) {
        o.setAttribute("aria-pressed", String(o === b));
      });
    });
  });
  document.getElementById("by-verdict").addEventListener("change", function (event) {
    svg.classList.toggle("by-verdict", event.target.checked);
  });

  var group = document.getElementById("by-group");
  var kind = document.getElementById("by-kind");
  var rows = Array.prototype.slice.call(document.querySelectorAll("table.verdicts tbody tr"));
  function filter() {
    var n = 0;
    rows.forEach(function (r) {
      var ok = (!group.value || r.dataset.group === group.value) && (!kind.value || r.dataset.verdict === kind.value);
      r.hidden = !ok;
      n += ok ? 1 : 0;
    });
    document.getElementById("shown").textContent = n + " of " + rows.length;
  }
  group.addEventListener("change", filter);
  kind.addEventListener("change", filter);
  filter();

  // A phone shows a part of the diagram: start in its middle, where the drug is.
  var frame = svg.parentNode;
  frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  function fromHash() {
    var found = /^#(arrow|node|claim)=([\w-]+)$/.exec(location.hash);
    if (found) { ({ arrow: openArrow, node: openNode, claim: openClaim })[found[1]](found[2]); }
  }
  window.addEventListener("hashchange", fromHash);
  fromHash();
})();
