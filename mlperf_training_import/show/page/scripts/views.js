/*
 * The views in the order of their tabs. Each takes {results, repeats, state, width, ...} and gives what to draw, say and list;
 * its `hint` says what can be pressed, which paper and pictures leave out.
 * `needs` says whether a result has what the view is about; with `lists` the table below has just these, with more `columns`.
 */

import {answer} from "./answer.js";
import {care} from "./care.js";
import {convergence} from "./convergence.js";
import {energy, hasEnergy} from "./energy.js";
import {matrix} from "./matrix.js";
import {showEnergies, showOverview} from "./overview.js";
import {overRounds} from "./rounds.js";
import {sameSize} from "./samesize.js";
import {scale} from "./scale.js";
import {sideBySide} from "./sidebyside.js";
import {sizes} from "./sizes.js";

const CARE = {name: "To read with care", show: care};
const SIDE = {name: "Side by side", show: sideBySide};

/* Of one edition. */
export const VIEWS = {
  answer: {name: "Who is fastest", show: answer},
  sizes: {name: "Against accelerators", show: sizes},
  "same-size": {name: "Same size", show: sameSize},
  rounds: {name: "Over the rounds", show: overRounds},
  scaling: {name: "Scaling", show: scale},
  energy: {name: "Energy", show: energy, needs: hasEnergy, lists: hasEnergy, columns: ["energy"]},
  convergence: {
    name: "Convergence",
    show: convergence,
    needs: (result) => result.progress > 0,
    columns: ["verdict", "batch_size"],
  },
  care: CARE,
  compare: SIDE,
};

/* Of all of them. */
export const OVERVIEWS = {
  overview: {name: "Over the rounds", show: showOverview},
  matrix: {name: "Systems by benchmarks", show: matrix},
  energy: {name: "Energy", show: showEnergies, needs: hasEnergy, lists: hasEnergy, columns: ["energy"]},
  care: CARE,
  compare: SIDE,
};
