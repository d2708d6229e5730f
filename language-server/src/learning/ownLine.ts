/** A line of code with fewer characters than this (blanks not counted) is nobody's: it may occur many times. */
const ownLineUnits = 8;

export function isOwnLine(line: string): boolean {
  return essenceOf(line).length >= ownLineUnits;
}

/** Two lines of one essence differ in blanks only. */
export function essenceOf(line: string): string {
  return line.replace(/\s+/g, '');
}
