// Builds the browser half: for the board, for the comparison, and for pages around either, one file of code and one of style. `--watch` builds at each change, unshrunk.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import * as esbuild from "esbuild";
import { minify } from "terser";

const BUNDLES = {
  board: "src/board.js",
  comparison: "src/panels/comparison/comparison.js",
  board_page: "src/page/board_page.js",
  comparison_page: "src/page/comparison_page.js",
};
const OUT = "../static";
const BANNER = "/*! bundles uPlot 1.6.32, (c) Leon Sorokin, MIT: see uPlot-LICENSE.txt */";
// What uPlot can draw and the board does not: where nothing refers to it, it is left out.
const UNUSED = ["(paths.bars    = bars);", "(paths.spline  = monotoneCubic);"];

const leaner = {
  name: "leaner uPlot",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const part of UNUSED) {
        if (!contents.includes(part)) throw new Error(`uPlot has changed: there is no ${part}`);
        contents = contents.replace(part, "");
      }
      return { contents, loader: "js" };
    });
  },
};
const options = { entryPoints: BUNDLES, bundle: true, format: "esm", target: "es2022", outdir: OUT, plugins: [leaner], banner: { js: BANNER } };

if (process.argv.includes("--watch")) await (await esbuild.context({ ...options, sourcemap: "inline" })).watch();
else {
  await esbuild.build({ ...options, minify: true });
  for (const name of Object.keys(BUNDLES)) {
    const { code } = await minify(await readFile(`${OUT}/${name}.js`, "utf8"), {
      module: true,
      compress: { passes: 4, ecma: 2020, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
      format: { comments: name.endsWith("_page") ? false : /^!/ }, // pages are built around a bundle, and have no uPlot of their own
    });
    await writeFile(`${OUT}/${name}.js`, code);
  }
  await copyFile("node_modules/uplot/LICENSE", `${OUT}/uPlot-LICENSE.txt`);
}
