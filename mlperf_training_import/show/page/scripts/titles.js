/* What a mouse shows of something with a title when it points there, the focus and a tap show too. */

import {make} from "./dom.js";

const APART = 8; // pixels

/* Not in the table of the results, where titles only repeat what is in a cell. */
const titleOf = (element) => element.closest("[title]:not(tbody *)")?.title;

export function showTitles() {
  const box = make("div", {class: "meaning", hidden: true, "aria-hidden": "true"});
  document.body.append(box);

  /* Above a place in the window, where it covers nothing that opens below; below it where there is no room. */
  function show(text, {left, top, bottom}) {
    box.hidden = !text;
    if (!text) return;
    box.textContent = text;
    const above = top - box.offsetHeight - APART;
    const most = document.documentElement.clientWidth - box.offsetWidth - APART;
    box.style.left = `${Math.max(0, Math.min(left, most)) + scrollX}px`;
    box.style.top = `${(above > 0 ? above : bottom + APART) + scrollY}px`;
  }

  const hide = () => show("", {});
  document.addEventListener("focusin", ({target}) => {
    if (target.matches(":focus-visible")) show(titleOf(target), target.getBoundingClientRect());
  });
  document.addEventListener("click", ({target, pointerType, clientX, clientY}) => {
    if (pointerType === "mouse") hide();
    else if (pointerType) show(titleOf(target), {left: clientX, top: clientY - APART, bottom: clientY + APART});
  });
  document.addEventListener("keydown", ({key}) => key === "Escape" && hide(), {capture: true});
}
