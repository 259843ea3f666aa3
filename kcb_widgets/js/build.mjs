// Builds the browser half: for the board, for the comparison, for pages around either, and for each panel that a board asks for later, one file of code and one of style. `--watch` builds at each change, unshrunk.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import * as esbuild from "esbuild";
import { minify } from "terser";

const WIDGETS = {
  board: "src/board.js",
  comparison: "src/panels/comparison/comparison.js",
  board_page: "src/page/board_page.js",
  comparison_page: "src/page/comparison_page.js",
};
const PANELS = { fits: "src/panels/fits/fits.js", classes: "src/panels/classes/classes.js" }; // that boards ask for; they are handed the board's uPlot
const OUT = "../static";
const BANNER = "/*! bundles uPlot 1.6.32, (c) Leon Sorokin, MIT: see uPlot-LICENSE.txt */";
// What uPlot can do and we do not use: bars, splines, joining, and calendars on an axis. Where nothing refers to it, it is left out.
/** @type {[string, string][]} */
const UNUSED = [
  ["(paths.bars    = bars);", ""],
  ["(paths.spline  = monotoneCubic);", ""],
  ["uPlot.join = join;", ""],
  ["uPlot.fmtDate = fmtDate;", ""],
  ["uPlot.tzDate  = tzDate;", ""],
  ["uPlot.rangeAsinh = rangeAsinh;", ""],
  ["const [ timeIncrsMs, _timeAxisStampsMs, timeAxisSplitsMs ] = genTimeStuffs(1);", ""],
  ["const [ timeIncrsS,  _timeAxisStampsS,  timeAxisSplitsS  ] = genTimeStuffs(1e-3);", ""],
  ["const _fmtDate = (opts.fmtDate || fmtDate);", ""],
  ["const _timeAxisSplits = (ms == 1 ? timeAxisSplitsMs(_tzDate) : timeAxisSplitsS(_tzDate));", ""],
  ["const _timeAxisVals   = timeAxisVals(_tzDate, timeAxisStamps((ms == 1 ? _timeAxisStampsMs : _timeAxisStampsS), _fmtDate));", ""],
  ["const _timeSeriesVal  = timeSeriesVal(_tzDate, timeSeriesStamp(_timeSeriesStamp, _fmtDate));", ""],
  ["isTime ? (isStr(sv) ? timeSeriesVal(_tzDate, timeSeriesStamp(sv, _fmtDate)) : sv || _timeSeriesVal) : sv || numSeriesVal", "sv || numSeriesVal"],
  ["(isTime ? (ms == 1 ? timeIncrsMs : timeIncrsS) : numIncrs)", "numIncrs"],
  ["isTime && sc.distr == 1 ? _timeAxisSplits : ", ""],
  ["isArr(av) ?\n\t\t\t\t\t\ttimeAxisVals(_tzDate, timeAxisStamps(av, _fmtDate)) :", ""],
  ["isStr(av) ?\n\t\t\t\t\t\ttimeAxisVal(_tzDate, av) :", ""],
  ["av || _timeAxisVals", "av"],
];

const leaner = {
  name: "leaner uPlot",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const [part, instead] of UNUSED) {
        if (!contents.includes(part)) throw new Error(`uPlot has changed: there is no ${part}`);
        contents = contents.replace(part, instead);
      }
      return { contents, loader: "js" };
    });
  },
};
const options = { bundle: true, format: "esm", target: "es2022", outdir: OUT };
const widgets = { ...options, entryPoints: WIDGETS, plugins: [leaner], banner: { js: BANNER } };
const panels = { ...options, entryPoints: PANELS };

if (process.argv.includes("--watch")) {
  for (const each of [widgets, panels]) await (await esbuild.context({ ...each, sourcemap: "inline" })).watch();
} else {
  for (const each of [widgets, panels]) await esbuild.build({ ...each, minify: true });
  for (const name of Object.keys({ ...WIDGETS, ...PANELS })) {
    const { code } = await minify(await readFile(`${OUT}/${name}.js`, "utf8"), {
      module: true,
      compress: { passes: 4, ecma: 2020, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
      format: { comments: name.endsWith("_page") ? false : /^!/ }, // pages are built around a bundle, and have no uPlot of their own
    });
    await writeFile(`${OUT}/${name}.js`, code);
  }
  // The comparison has the board's forms in its own file: there they must count for nothing outside it, or they would
  // stand behind the rules of a board on the same page.
  const style = `.kcb-comparison{${await readFile(`${OUT}/comparison.css`, "utf8")}}`;
  const { code } = await esbuild.transform(style, { loader: "css", minify: true, target: ["chrome100", "firefox100", "safari15"] });
  await writeFile(`${OUT}/comparison.css`, code);
  await copyFile("node_modules/uplot/LICENSE", `${OUT}/uPlot-LICENSE.txt`);
}
