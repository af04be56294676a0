/* Writes libraries.min.js and LICENSES.txt from the packages in node_modules: the same packages make the same bytes. */
import {readFileSync, readdirSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const FILE = "libraries.min.js";

const {metafile} = await build({
  entryPoints: ["libraries.js"],
  outfile: FILE,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "libraries",
  target: "es2022",
  legalComments: "none",
  metafile: true,
});
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []),
);
const texts = new Map(); // from the text of a licence to the packages that are under it
for (const name of [...packages].sort()) {
  const folder = `node_modules/${name}`;
  const {version, license} = JSON.parse(readFileSync(`${folder}/package.json`));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = readFileSync(`${folder}/${file}`, "utf8").trim();
  texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`]);
}
const parts = [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`);
writeFileSync("LICENSES.txt", parts.join(`\n${"-".repeat(80)}\n\n`));
console.log(`${FILE}: ${(readFileSync(FILE).length / 1024).toFixed(0)} KB of ${packages.size} packages`);
