// Builds the browser half: one file of code, one of style. `--watch` builds anew at each change, unshrunk.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import * as esbuild from "esbuild";
import { minify } from "terser";

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
const options = { entryPoints: ["src/board.js"], bundle: true, format: "esm", target: "es2022", outdir: OUT, plugins: [leaner], banner: { js: BANNER } };

if (process.argv.includes("--watch")) await (await esbuild.context({ ...options, sourcemap: "inline" })).watch();
else {
  await esbuild.build({ ...options, minify: true });
  const { code } = await minify(await readFile(`${OUT}/board.js`, "utf8"), {
    module: true,
    compress: { passes: 4, ecma: 2020, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
    format: { comments: /^!/ },
  });
  await writeFile(`${OUT}/board.js`, code);
  await copyFile("node_modules/uplot/LICENSE", `${OUT}/uPlot-LICENSE.txt`);
}
