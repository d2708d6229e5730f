/**
 * The part of vitest's JSON report that is counted.
 *
 * @typedef {object} Report
 * @property {readonly { status: string, assertionResults: readonly { status: string }[] }[]} testResults by file
 */

/**
 * Counts tests; a file that failed before any of its tests ran is one failure.
 *
 * @param {Report} report
 */
export function counts(report) {
  const result = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') result.passed++;
      else if (status === 'failed') failedHere++;
      else result.skipped++;
    }
    result.failed += failedHere === 0 && file.status === 'failed' ? 1 : failedHere;
  }
  return result;
}

/** @param {{ passed: number, failed: number, skipped: number }} result */
export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
