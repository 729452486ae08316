// The contrast of each piece of text with what is behind it, by WCAG 2.2 (relative luminance, success
// criterion 1.4.3). Text over pictures is left out, and so is what is switched off.

() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Red, green, blue and opacity, 0 to 1, of any colour that the style can say. */
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((each) => each / 255);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const background = (element) => {
    const behind = [];
    for (let at = element; at !== null; at = at.parentElement) behind.push(getComputedStyle(at).backgroundColor);
    return behind.reverse().reduce((below, colour) => over(parts(colour), below), [1, 1, 1]);
  };
  const measured = (element, text, style) => {
    const colour = over(parts(style.color), background(element));
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return { text, ratio: ratio(colour, background(element)), large };
  };

  const scope = document.querySelector("dialog[open]") ?? document.body;
  const found = [];
  for (const walker = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (text === "" || !element.checkVisibility() || element.closest(":disabled, .unseen, option, noscript")) continue;
    found.push(measured(element, text, getComputedStyle(element)));
  }
  for (const field of scope.querySelectorAll("input[placeholder]")) {
    if (field.checkVisibility()) found.push(measured(field, field.placeholder, getComputedStyle(field, "::placeholder")));
  }
  return found;
};
