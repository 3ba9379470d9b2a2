"use strict";
(function () {
  var config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  function draw(box) {
    var spec = JSON.parse(document.getElementById(box.id + "-data").textContent);
    var narrow = box.clientWidth < 560;
    if (narrow) {
      spec.layout.font.size = 11;
      Object.keys(spec.layout).filter(function (k) { return /^xaxis/.test(k); }).forEach(function (k) {
        if (spec.layout[k].dtick) { spec.layout[k].dtick *= 2; }
      });
      if (spec.data.some(function (t) { return t.showlegend !== false; })) { spec.layout.height += 60; }
    }
    Plotly.newPlot(box, spec.data, spec.layout, config);
  }
  plots.forEach(draw);
  // On paper the page is narrower than most screens: redraw at the width of the sheet, and back.
  window.addEventListener("beforeprint", function () {
    plots.forEach(function (box) { Plotly.relayout(box, { width: box.closest(".grid") ? 325 : 670 }); });
  });
  window.addEventListener("afterprint", function () {
    plots.forEach(function (box) { Plotly.relayout(box, { width: null, autosize: true }); });
  });
})();
