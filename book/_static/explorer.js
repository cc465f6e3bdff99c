// The explorer of the landing page. It draws the data that are in the page itself, with native
// controls only, and keeps its state in the address, so that a view can be linked.
"use strict";

(() => {
  const root = document.querySelector(".explorer");
  if (!root) return;
  const {levels, methods, networks, stories, inside: anatomy} =
    JSON.parse(root.querySelector("script").textContent);

  // State: the address names what differs from the first view.

  const OPTIONS = {
    data: ["data set", {"fashion-mnist": "Fashion-MNIST", mnist: "MNIST"}],
    layers: ["hidden layers", {1: "1", 3: "3"}],
    activation: ["activation", {elu: "ELU", relu: "ReLU", tanh: "tanh"}],
    settings: ["settings", {text: "text", released: "released"}],
    inside: ["inside one of these networks", {post: methods.post.title, pre: methods.pre.title}],
    scale: ["scale", {all: "all", top: "the top 10 points only"}],
  };
  const FIRST = {
    data: "fashion-mnist", layers: "1", activation: "elu", settings: "text", inside: "post",
    scale: "all", pruned: 90, methods: ["direct", "post", "pre"],
  };
  let state = {...FIRST};

  function read(address) {
    const found = {...FIRST};
    for (const [key, text] of new URLSearchParams(address.replace(/^#/, ""))) {
      if (key in OPTIONS && text in OPTIONS[key][1]) found[key] = text;
      if (key === "pruned" && levels.includes(Number(text))) found.pruned = Number(text);
      if (key === "methods") found.methods = text.split(",").filter((name) => name in methods);
    }
    return found;
  }

  const written = (view) => Object.keys(FIRST)
    .filter((key) => String(view[key]) !== String(FIRST[key]))
    .map((key) => `${key}=${view[key]}`)
    .join("&");
  const isView = (address) => /^#\w+=/.test(address);
  const network = () =>
    networks[`${state.data}/${state.layers}/${state.activation}/${state.settings}`];
  const shown = () =>
    Object.keys(network().methods).filter((key) => state.methods.includes(key));
  const at = () => levels.indexOf(state.pruned);

  // Elements

  function filled(made, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "boolean") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const element = (name, attributes = {}, ...children) =>
    filled(document.createElement(name), attributes, children);
  const drawn = (name, attributes = {}, ...children) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
  const text = (x, y, content, more = {}) => drawn("text", {x, y, ...more}, content);
  const rule = (kind, x1, x2, y1, y2 = y1) => drawn("line", {class: kind, x1, x2, y1, y2});
  const percent = (value) => (value === null ? "–" : `${value.toFixed(1)} %`);
  const END = {"text-anchor": "end"}, MIDDLE = {"text-anchor": "middle"};

  function canvas(width, height, name) {
    const size = {viewBox: `0 0 ${width} ${height}`, width, height};
    return drawn("svg", {...size, role: "img", "aria-label": name});
  }

  function path(xs, ys) {
    const points = xs.map((x, i) => [x, ys[i]]).filter(([, y]) => y !== null);
    return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
  }

  const stroke = (key) => ({
    stroke: methods[key].colour, "stroke-dasharray": methods[key].dash, "stroke-width": 2,
    fill: "none",
  });

  // Controls

  function choice(key) {
    const [legend, options] = OPTIONS[key];
    const buttons = Object.entries(options).map(([value, label]) => {
      const input = element("input", {type: "radio", name: `explorer-${key}`, value});
      input.addEventListener("change", () => change({[key]: value}));
      return element("label", {}, input, ` ${label}`);
    });
    return element("fieldset", {}, element("legend", {}, legend), ...buttons);
  }

  const slider = element("input", {type: "range", min: 0, max: 95, step: 5, id: "pruned"});
  slider.addEventListener("input", () => change({pruned: Number(slider.value)}));
  const level = element("output", {for: "pruned"});
  const zoom = element("input", {type: "checkbox"});
  zoom.addEventListener("change", () => change({scale: zoom.checked ? "top" : "all"}));

  const views = stories.map(({view, label}) => element("a", {href: `#${view}`}, label));
  const says = element("p", {class: "says"});
  const spoken = element("output", {class: "spoken", "aria-live": "polite"});
  const title = element("p", {class: "title"});
  const chart = element("div", {class: "chart"});
  const spectra = element("div", {class: "spectra"});
  const rows = element("tbody");
  const headings = ["method", "accuracy", "change (pt)", "nodes kept by layer", "weights", "seeds"]
    .map((name) => element("th", {scope: "col"}, name));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...headings)), rows);
  const fields = element("div", {class: "fields"});
  const note = element("p");
  const answers = element("ol");
  const inside = element(
    "section", {class: "inside", "aria-label": OPTIONS.inside[0]},
    choice("inside"), fields, element("div", {}, note, answers),
  );

  // Curves

  function drawCurves() {
    const width = Math.max(280, chart.clientWidth), wide = width > 520;
    const [left, right, top, bottom] = [34, wide ? 168 : 52, 24, 38];
    const height = wide ? 330 : 270, end = width - right, floor = height - bottom;
    const whole = network().methods.post.accuracy[0], close = state.scale === "top";
    const [low, high] = close ? [Math.floor(whole) - 9, Math.ceil(whole) + 1] : [0, 100];
    const x = (value) => left + (value / 100) * (end - left);
    const y = (value) => top + ((high - value) / (high - low)) * (floor - top);
    const svg = canvas(
      width, height, `${network().name}: accuracy against nodes pruned; the table has the numbers`,
    );
    for (let tick = low; tick <= high; tick += close ? 2 : 20) {
      svg.append(rule("grid", left, end, y(tick)), text(left - 6, y(tick) + 4, tick, END));
    }
    for (let tick = 0; tick <= 100; tick += 20) {
      svg.append(text(x(tick), floor + 17, tick, MIDDLE));
    }
    svg.append(
      text(0, 11, "test accuracy (%)"),
      text(end, height - 4, "nodes pruned (%)", END),
      drawn("rect", {
        class: "margin", x: left, width: end - left, y: y(whole), height: y(whole - 1) - y(whole),
      }),
    );
    if (close) svg.append(text(left + 4, y(whole - 1) + 13, "within 1 pt of unpruned"));
    else svg.append(rule("chance", left, end, y(10)), text(left + 4, y(10) + 14, "chance"));
    const frame = {x: left, width: end - left + 5, y: top - 5, height: floor - top + 10};
    const inner = drawn("g", {"clip-path": "url(#explorer-clip)"});
    svg.append(drawn("clipPath", {id: "explorer-clip"}, drawn("rect", frame)), inner);
    inner.append(rule("cut", x(state.pruned), x(state.pruned), top, floor));
    const labels = shown().map((key) => {
      inner.append(...curve(key, network().methods[key], x, y));
      const value = network().methods[key].accuracy[at()];
      const name = wide ? wrapped(methods[key].title, 22) : [];
      return {key, y: Math.min(y(value), floor), lines: [...name, percent(value)], value};
    });
    const measured = labels.filter(({value}) => value !== null);
    for (const label of spread(measured, 14, top - 8, floor + 8)) {
      const start = label.y - 7 * label.lines.length + 11;
      const style = {class: "name", style: `--hue: ${methods[label.key].colour}`};
      label.lines.forEach((line, i) => svg.append(text(end + 8, start + 14 * i, line, style)));
    }
    chart.replaceChildren(svg);
  }

  function curve(key, {accuracy, sd, empty}, x, y) {
    const hue = methods[key].colour, parts = [];
    const has = levels.map((_, i) => i).filter((i) => sd[i] !== null);
    if (has.length) {
      const xs = has.map((i) => x(levels[i]));
      const edge = (sign) => has.map((i) => y(accuracy[i] + sign * sd[i]));
      const band = path([...xs, ...xs.toReversed()], [...edge(1), ...edge(-1).toReversed()]);
      parts.push(drawn("path", {d: `${band}Z`, fill: hue, class: "band"}));
    }
    const ys = accuracy.map((value) => (value === null ? null : y(value)));
    parts.push(drawn("path", {d: path(levels.map(x), ys), ...stroke(key)}));
    if (empty !== null) {
      const cross = `M${x(empty) - 5} ${ys[levels.indexOf(empty)] - 5}l10 10m0 -10l-10 10`;
      parts.push(drawn("path", {d: cross, stroke: hue, "stroke-width": 2.5}));
    }
    if (ys[at()] !== null) {
      parts.push(drawn("circle", {cx: x(state.pruned), cy: ys[at()], r: 4.5, fill: hue}));
    }
    return parts;
  }

  function wrapped(words, most) {
    const lines = [""];
    for (const word of words.split(" ")) {
      if (`${lines.at(-1)} ${word}`.length > most) lines.push(word);
      else lines.push(`${lines.pop()} ${word}`.trim());
    }
    return lines;
  }

  // Labels apart: up from the bottom, then down from the top.
  function spread(labels, line, top, bottom) {
    const half = ({lines}) => (line * lines.length) / 2 + 2;
    const upwards = labels.toSorted((one, other) => other.y - one.y);
    let edge = bottom;
    for (const label of upwards) {
      label.y = Math.min(label.y, edge - half(label));
      edge = label.y - half(label);
    }
    edge = top;
    for (const label of upwards.toReversed()) {
      label.y = Math.max(label.y, edge + half(label));
      edge = label.y + half(label);
    }
    return upwards;
  }

  // Spectra: sorted scores of the networks that the methods shown have trained

  function drawSpectra() {
    const ranked = shown().filter((key) => methods[key].ranks).map((key) => methods[key].training);
    const there = [...new Set(ranked)].filter((key) => key in network().scores);
    spectra.replaceChildren(...there.map(spectrum));
  }

  function spectrum(key) {
    const {layers, threshold} = network().scores[key], {title: name, ranks} = methods[key];
    const width = Math.min(330, Math.max(210, (spectra.clientWidth - 32) / 3)), height = 150;
    const [left, right, top, floor] = [44, layers.length > 1 ? 50 : 8, 8, height - 32];
    const most = Math.max(...layers.flat()), least = most / 1000, limit = threshold[at()];
    const depth = (value) => Math.log(most / Math.max(value, least)) / Math.log(1000);
    const y = (value) => top + depth(value) * (floor - top);
    const svg = canvas(width, height, `${ranks} of each node, sorted; the threshold is ${limit}`);
    for (const tick of [most, most / 10, most / 100, least]) {
      svg.append(
        rule("grid", left, width - right, y(tick)),
        text(left - 5, y(tick) + 4, Number(tick.toPrecision(2)), END),
      );
    }
    layers.forEach((values, layer) => {
      const xs = values.map((_, i) => left + (i / (values.length - 1)) * (width - left - right));
      const ys = values.map(y);
      const gone = values.filter((value) => value < limit).length;
      svg.append(drawn("path", {d: path(xs.slice(0, gone + 1), ys), class: "gone"}));
      if (gone < values.length) {
        svg.append(drawn("path", {d: path(xs.slice(gone), ys.slice(gone)), ...stroke(key)}));
      }
      if (layers.length > 1) {
        const spot = Math.max(top + 4, y(values.at(-1)) + 4) + 13 * layer;
        svg.append(text(width - right + 4, spot, `layer ${layer + 1}`));
      }
    });
    svg.append(
      rule("cut", left, width - right, y(limit)),
      text(left, height - 6, "nodes, sorted"),
      text(width - (layers.length > 1 ? 0 : right), height - 6, `threshold ${limit}`, END),
    );
    return element("figure", {}, element("figcaption", {}, `${name}: ${ranks}`), svg);
  }

  // Table: key, choice of methods and numbers in one

  function fillTable() {
    const there = Object.entries(network().methods);
    rows.replaceChildren(...there.map(([key, own]) => {
      const on = state.methods.includes(key);
      const box = element("input", {type: "checkbox", checked: on});
      box.addEventListener("change", () => {
        const others = state.methods.filter((name) => name !== key);
        change({methods: box.checked ? [...others, key] : others});
        rows.querySelector(`[data-method="${key}"] input`).focus();
      });
      const line = drawn("line", {x1: 0, y1: 6, x2: 26, y2: 6, ...stroke(key)});
      const sample = drawn("svg", {width: 26, height: 12, "aria-hidden": "true"}, line);
      const head = element("label", {}, box, sample, methods[key].title);
      return element(
        "tr", {"data-method": key, class: on ? "" : "off"},
        element("th", {scope: "row"}, head),
        ...cells(own, at()).map((content) => element("td", {}, content)),
      );
    }));
  }

  function cells(own, i) {
    const [value, sd, first] = [own.accuracy[i], own.sd[i], own.accuracy[0]];
    if (value === null) return ["–", "–", "–", "–", own.seeds];
    const spreads = sd === null ? "" : ` ± ${sd.toFixed(1)}`;
    return [
      percent(value) + spreads, first === null ? "–" : signed(value - first),
      kept(own, i), `${Math.round(own.left[i])} %`, own.seeds,
    ];
  }

  function signed(points) {
    const size = Math.abs(points).toFixed(1);
    return size === "0.0" ? size : `${points < 0 ? "−" : "+"}${size}`;
  }

  function kept(own, i) {
    const layers = own.kept.map((layer, k) => {
      const bar = element("span", {class: "bar", style: `--part: ${layer[i] / own.hidden[k]}`});
      return element("span", {class: layer[i] ? "" : "empty"}, bar, `${layer[i]}`);
    });
    return element("span", {class: "kept"}, ...layers);
  }

  // Inside one network: fields in the order of |λ|, and answers

  const NOTES = {
    post: "How each pixel moves every fifth of the 500 nodes, the largest |λ| first; pruned nodes fade. "
      + "Below, twelve test images and the pruned network's answers.",
    pre: "How each pixel moves every fifth node when the nodes are ranked: φ is untrained, noise scaled by λ. "
      + "Below, twelve test images and the answers of the pruned and retrained network.",
  };

  function lookInside() {
    inside.hidden = !anatomy || network() !== networks[anatomy.network];
    if (inside.hidden) return;
    const key = state.inside, {every, row, classes, targets} = anatomy;
    const {kept: [nodesLeft], hidden: [nodes]} = network().methods[key];
    const stay = Math.ceil(nodesLeft[at()] / every), shown = Math.ceil(nodes / every);
    const down = Math.floor(stay / row), tall = shown / row;
    const shade = `M${stay % row} ${down}H${row}V${tall}H0V${down + 1}H${stay % row}Z`;
    const cover = {viewBox: `0 0 ${row} ${tall}`, preserveAspectRatio: "none", "aria-hidden": "true"};
    fields.replaceChildren(
      element("img", {
        src: anatomy.fields[key], width: 29 * row, height: 29 * tall,
        alt: `How each pixel moves every fifth node, the largest |λ| first; ${stay} of ${shown} stay`,
      }),
      drawn("svg", cover, ...(stay < shown ? [drawn("path", {d: shade})] : [])),
    );
    note.textContent = NOTES[key];
    answers.replaceChildren(...anatomy.answers[key][at()].map((answer, i) => {
      const right = answer === targets[i], truth = classes[targets[i]];
      const shows = `url(${anatomy.images}) ${(100 * i) / (targets.length - 1)}% 0 / auto 100%`;
      const image = element("span", {role: "img", "aria-label": truth, style: `background: ${shows}`});
      const word = `${right ? "✓" : "✗"} ${classes[answer]}`;
      return element("li", {class: right ? "" : "wrong"}, image, word);
    }));
  }

  // All of it

  let timer;

  function change(difference) {
    state = {...state, ...difference};
    render();
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (location.hash !== `#${written(state)}`) history.replaceState(null, "", `#${written(state)}`);
      const said = shown().map(
        (key) => `${methods[key].title}: ${percent(network().methods[key].accuracy[at()])}`,
      );
      spoken.textContent = `${state.pruned} % pruned. ${said.join("; ")}`;
    }, 400);
  }

  function render() {
    for (const key of Object.keys(OPTIONS)) {
      const own = `input[name="explorer-${key}"][value="${state[key]}"]`;
      root.querySelectorAll(own).forEach((input) => { input.checked = true; });
    }
    const measured = shown().filter((key) => network().methods[key].kept[0][at()] !== null);
    const {hidden, kept: layers} = network().methods[measured[0] ?? "pre"];
    const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
    const left = `${sum(layers.map((layer) => layer[at()]))} of ${sum(hidden)} nodes kept`;
    slider.value = state.pruned;
    slider.setAttribute("aria-valuetext", `${state.pruned} % pruned, ${left}`);
    level.textContent = `${state.pruned} %: ${left}`;
    zoom.checked = state.scale === "top";
    title.textContent = network().name + (state.settings === "released" ? ", released settings" : "");
    const current = stories.findIndex(({view}) => written(read(view)) === written(state));
    views.forEach((link, i) => {
      if (i === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    says.textContent = current < 0 ? "" : stories[current].says;
    [fillTable, drawCurves, drawSpectra, lookInside].forEach((draw) => draw());
  }

  root.replaceChildren(
    element("nav", {"aria-label": "The paper in five views"}, ...views),
    says,
    element(
      "details", {open: root.clientWidth > 500}, element("summary", {}, "Choose a network"),
      ...["data", "layers", "activation", "settings"].map(choice),
    ),
    element("div", {class: "level"}, element("label", {for: "pruned"}, "Nodes pruned"), slider, level),
    title, chart, element("label", {class: "zoom"}, zoom, ` ${OPTIONS.scale[1].top}`),
    element("p", {class: "key"}, "Bands: ± one standard deviation over seeds. Grey: within one point of "
      + "Spectral, post-training, unpruned. ×: from here on a layer is empty."),
    element("div", {class: "table", role: "region", tabindex: 0, "aria-label": "Numbers at this level"}, table),
    spectra, inside, spoken,
  );
  root.classList.add("alive");
  addEventListener("hashchange", (event) => {
    const address = new URL(event.newURL).hash;  // not location's: it may be replaced by now
    if (isView(address) || !address) change(read(address));
  });
  new ResizeObserver(() => { drawCurves(); drawSpectra(); }).observe(root);
  state = read(location.hash);
  render();
  if (isView(location.hash)) root.scrollIntoView();
})();
