export {axisX, axisY, barX, dot, dotX, gridX, gridY, line, plot, ruleX, text, tickX} from "@observablehq/plot";
export {Virtualizer, elementScroll, observeElementOffset, observeElementRect} from "@tanstack/virtual-core";
export {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from "d3-shape";
