// Stands in for the served editor's logger, whose native part is not there without install scripts: without it no
// output channel of an extension shows anything. Copied into the editor, so it needs nothing of this repository.
const fs = require('node:fs');
const path = require('node:path');

const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];

class Logger {
  /**
   * @param {string} _kind
   * @param {string} _name
   * @param {string} file
   * @param {number} maxBytes at which the file is put aside, once
   */
  constructor(_kind, _name, file, maxBytes) {
    this.file = file;
    this.maxBytes = maxBytes;
    this.level = 0;
    this.pattern = '%Y-%m-%d %H:%M:%S.%e [%l] %v';
    fs.mkdirSync(path.dirname(file), { recursive: true });
  }
  /** @param {string} message */
  trace(message) {
    this.write(0, message);
  }
  /** @param {string} message */
  debug(message) {
    this.write(1, message);
  }
  /** @param {string} message */
  info(message) {
    this.write(2, message);
  }
  /** @param {string} message */
  warn(message) {
    this.write(3, message);
  }
  /** @param {string} message */
  error(message) {
    this.write(4, message);
  }
  /** @param {string} message */
  critical(message) {
    this.write(5, message);
  }
  getLevel() {
    return this.level;
  }
  /** @param {number} level */
  setLevel(level) {
    this.level = level;
  }
  /** @param {string} pattern */
  setPattern(pattern) {
    this.pattern = pattern;
  }
  /** From now on messages are written as they come. */
  clearFormatters() {
    this.pattern = '';
  }
  /** Every write is complete when it returns. */
  flush() {}
  drop() {}
  /**
   * @param {number} level
   * @param {string} message
   */
  write(level, message) {
    if (level < this.level) return;
    const size = fs.statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    if (this.maxBytes > 0 && size > this.maxBytes) fs.renameSync(this.file, `${this.file}.1`);
    fs.appendFileSync(this.file, this.pattern === '' ? message : `${format(this.pattern, level, message)}\n`);
  }
}

/**
 * @param {string} pattern
 * @param {number} level
 * @param {string} message
 */
function format(pattern, level, message) {
  const now = new Date();
  /** @param {number} value @param {number} digits */
  const padded = (value, digits) => String(value).padStart(digits, '0');
  /** @type {Record<string, string>} */
  const values = {
    Y: padded(now.getFullYear(), 4),
    m: padded(now.getMonth() + 1, 2),
    d: padded(now.getDate(), 2),
    H: padded(now.getHours(), 2),
    M: padded(now.getMinutes(), 2),
    S: padded(now.getSeconds(), 2),
    e: padded(now.getMilliseconds(), 3),
    l: levels[level] ?? 'off',
    v: message,
  };
  return pattern.replace(/%([YmdHMSelv])/g, (_match, letter) => values[letter] ?? '');
}

/**
 * @param {string} name
 * @param {string} file
 * @param {number} maxBytes
 */
async function createLogger(name, file, maxBytes) {
  return new Logger('rotating', name, file, maxBytes);
}

// One by one, since the editor imports them by name from an ES module, which sees only exports written like this.
exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = createLogger;
exports.createAsyncRotatingLogger = createLogger;
