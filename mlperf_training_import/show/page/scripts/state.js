/* Keeps what is chosen in the address: everything after # that differs from the start. */

const LISTS = ["rounds", "availability", "accelerator", "submitter", "trust", "columns", "compare", "families"];
const TEXTS = [
  ...["benchmark", "division", "view", "size", "processors", "words", "minutes", "accelerators", "nodes"],
  ...["figure", "colour", "pin", "result", "sort"],
];
const SWITCHES = ["repeats", "descending"];

export const START = {
  ...Object.fromEntries(LISTS.map((name) => [name, []])),
  ...Object.fromEntries(TEXTS.map((name) => [name, ""])),
  ...Object.fromEntries(SWITCHES.map((name) => [name, false])),
};

export function readAddress(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    ...Object.fromEntries(LISTS.map((name) => [name, said.getAll(name).filter(Boolean)])),
    ...Object.fromEntries(TEXTS.map((name) => [name, said.get(name) ?? ""])),
    ...Object.fromEntries(SWITCHES.map((name) => [name, said.get(name) === "yes"])),
  };
}

export function writeAddress(state) {
  const said = new URLSearchParams();
  for (const name of TEXTS) if (state[name]) said.set(name, state[name]);
  for (const name of LISTS) for (const value of state[name]) said.append(name, value);
  for (const name of SWITCHES) if (state[name]) said.set(name, "yes");
  return `#${said}`;
}

/*
 * The state of the page. `change` puts a step into the history, unless it is one of many small ones (`quiet`); `show` is
 * called with the state after each change, also after those that Back, a bookmark or a typed address make.
 */
export function createState(show) {
  let state = readAddress(location.hash);
  const restore = () => {
    state = readAddress(location.hash);
    show(state);
  };
  window.addEventListener("popstate", restore);
  return {
    get: () => state,
    change(changes, {quiet = false} = {}) {
      state = {...state, ...changes};
      const address = writeAddress(state);
      if (quiet) history.replaceState(null, "", address);
      else if (address !== location.hash) history.pushState(null, "", address);
      show(state);
    },
  };
}
