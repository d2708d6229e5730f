/** Why a file is not source that its author wrote by hand. */
export type Rejection =
  | 'type'
  | 'folder'
  | 'name'
  | 'small'
  | 'large'
  | 'binary'
  | 'longLine'
  | 'generated'
  | 'transpiled'
  | 'data';

const minUnits = 200;
const maxSourceUnits = 60_000;
const maxTestUnits = 30_000;
const maxLineUnits = 400;

const source = /\.([cm]?js|ts)$/;
const builtFolder =
  /(^|\/)(dist|build|umd|cjs|es5|bundles?|out|coverage|vendor(ed)?|third[-_]party|node_modules|_*fixtures?_*|docs?|site|min|public|(bower_)?components|\.\w+)\//i;
const builtName = /\.d\.ts$|\.min\.|[.-](umd|bundled?|prod|iife|pkgd|built)\.|(^|\/)bundle[^/]*\.js$/i;
const transpilerTraces =
  /__esModule|_interopRequire|__webpack_require__|sourceMappingURL=|__importDefault|\(function e\(t,\s?n,\s?r\)|regeneratorRuntime|_classCallCheck|tslib_1/;
const generatorTraces =
  /@generated|do not (edit|modify)|auto-?generated|generated (by|from|with|automatically)|file (is|was) generated|browserify v/i;
const test = /(^|\/)(tests?|__tests__|specs?)\/|(^|\/)tests?([-_][^/]*)?\.\w+$|[.-](test|spec)\.\w+$/i;

export function isTest(path: string): boolean {
  return test.test(path);
}

/** Windows line ends and a byte order mark are not style. */
export function normalised(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
}

/** Undefined for a file to keep. */
export function rejection(path: string, text: string): Rejection | undefined {
  if (!source.test(path)) return 'type';
  if (builtFolder.test(path)) return 'folder';
  if (builtName.test(path)) return 'name';
  if (text.length < minUnits) return 'small';
  if (text.length > (isTest(path) ? maxTestUnits : maxSourceUnits)) return 'large';
  if (/[\0\uFFFD]/.test(text)) return 'binary';
  if (text.split('\n').some((line) => line.length > maxLineUnits)) return 'longLine';
  if (generatorTraces.test(text.slice(0, 800))) return 'generated';
  if (transpilerTraces.test(text)) return 'transpiled';
  return isData(text) ? 'data' : undefined;
}

/** A table of entities, colours or locales: little is left when its literals and keys are taken out. */
function isData(text: string): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  const rest = code.replace(/'[^'\n]*'|"[^"\n]*"|-?\b[\d.][\w.]*|[\s,:[\]{}]|^\s*\w+(?=:)/gm, '');
  return rest.length < code.replace(/\s/g, '').length * 0.2;
}
